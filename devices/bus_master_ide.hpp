// The bus master of an IDE controller: 16 ports that move DMA blocks between two channels and memory.
//
// Idea: each channel has a command, a status and the address of a table of physical regions (PRDs). While the engine is
// started and the channel's drive holds DMARQ, it walks the table and moves bytes, at once and as far as the drive's
// block goes; the next block comes with the next rise of DMARQ. The drive's interrupt passes through here, so that the
// Interrupt bit is set no later than the processor can see the request.
//
// What a guest may do wrong ends in a transfer that stands still, as on the chip: a table that is too short, a
// direction that is not the drive's, bus mastering disabled. A table elsewhere than in RAM reads as whatever answers
// there. Every PRD moves at least two bytes and a drive's block is finite, so a table without an end is harmless.
//
// Source: Programming Interface for Bus Master IDE Controller, revision 1.0; Intel 82371SB (PIIX3) datasheet (290550),
// section 2.7.
#pragma once

#include "devices/ide_channel.hpp"
#include "memory/physical_memory.hpp"

#include <array>

namespace truering {

class BusMasterIde final : public PortDevice {
  public:
    static constexpr u32 port_count = 16;

    // Connects itself to both channels' lines. All of them must live as long as this.
    BusMasterIde(PhysicalMemory& memory, IdeChannel& primary, IdeChannel& secondary);
    BusMasterIde(const BusMasterIde&) = delete;
    BusMasterIde& operator=(const BusMasterIde&) = delete;

    void reset();

    // The Bus Master bit of the PCI command register.
    void set_enabled(bool enabled);

    // IRQ 14 and 15; these, and not the channels' own lines, go to the interrupt controller.
    std::array<Line, 2> irq;

    // Ports count from the base address, which is a multiple of 16.
    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

  private:
    enum class Reg : u8 { BMIC = 0, BMIS = 2, BMIDTP = 4 }; // of one channel; the secondary's are 8 higher

    struct Engine {
        IdeChannel* channel = nullptr;
        u8 BMIC = 0;
        u8 BMIS = 0;
        u32 BMIDTP = 0;
        u32 next_prd = 0; // address of the PRD to be fetched next
        u32 region = 0;   // address of the next byte
        u32 count = 0;    // bytes left in the present region
        bool last = false;
    };

    void hear_dmarq(unsigned number, bool level);
    void hear_intrq(unsigned number, bool level);
    [[nodiscard]] u8 read_byte(unsigned offset) const;
    void write_byte(unsigned offset, u8 value);
    void write_command(Engine& engine, u8 value);
    void write_status(Engine& engine, u8 value);
    void run(Engine& engine);
    [[nodiscard]] bool fetch_prd(Engine& engine);
    [[nodiscard]] u32 move(Engine& engine);

    PhysicalMemory& memory_;
    std::array<Engine, 2> engines_;
    bool enabled_ = false;
};

} // namespace truering
