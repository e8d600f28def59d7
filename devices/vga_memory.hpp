// The processor's way into video memory between A0000H and BFFFFH: planes, latches and the write pipeline of the
// graphics controller.
//
// Video memory is one array of bytes in which the four planes of an address stand side by side: plane p of address a is
// byte a*4+p. Chain 4 then is linear memory, and so are the VBE modes of 8 bits and more.
//
// Where the processor would see plain linear memory anyway (a linear VBE mode, or chain 4 with a write path that
// changes nothing), the 64 KiB at A0000H are mapped as memory and not trapped. `update_window` decides that anew after
// every write to a register that matters; it costs nothing while the answer stays the same.
//
// Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem: graphics controller, memory maps.
#pragma once

#include "devices/vbe_dispi.hpp"
#include "devices/vga_registers.hpp"
#include "memory/physical_memory.hpp"

#include <span>
#include <vector>

namespace truering {

class VgaMemory final : public MmioDevice {
  public:
    static constexpr u64 window_base = 0xA0000;
    static constexpr u32 window_size = 0x20000;

    // `bytes`: a multiple of 64 KiB, at least 256 KiB. Maps A0000H-BFFFFH.
    VgaMemory(PhysicalMemory& memory, const VgaRegisters& registers, const VbeDispi& dispi, u32 bytes);

    [[nodiscard]] std::span<u8> bytes() { return vram_; }
    [[nodiscard]] std::span<const u8> bytes() const { return vram_; }

    void update_window();

    // Input from the host bridge: while high, the range is RAM and not ours to map.
    void hear_smram_open(unsigned, bool level);

    u32 read_mmio(u32 offset, unsigned size) override;
    void write_mmio(u32 offset, u32 value, unsigned size) override;

  private:
    // One byte of the window: an address in the planes, and which planes it reaches.
    struct Cell {
        u32 address;
        u8 planes;     // may be written
        u8 read_plane; // is read in read mode 0
    };
    enum class Window : u8 { Taken, Trapped, Linear };

    [[nodiscard]] bool reaches(u32 offset, u32& in_window) const;
    [[nodiscard]] Cell cell_of(u32 in_window) const;
    [[nodiscard]] bool is_plainly_linear() const;
    [[nodiscard]] u8 read_byte(u32 offset);
    void write_byte(u32 offset, u8 value);
    [[nodiscard]] u32 pipeline(u8 value) const;
    [[nodiscard]] u32 load(u32 address) const;

    PhysicalMemory& memory_;
    const VgaRegisters& registers_;
    const VbeDispi& dispi_;
    std::vector<u8> vram_;
    u32 latches_ = 0; // plane p in byte p
    Window window_ = Window::Taken;
    u32 linear_base_ = 0;
};

} // namespace truering
