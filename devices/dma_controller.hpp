// The AT's DMA: two 8237As, the page registers, and memory. Channels 0-3 move bytes, 5-7 words; channel 4 is the
// cascade of the first chip.
//
// A channel's addresses are its chip's 16 bits below the page register's 8; a word channel counts words and ignores
// the page's lowest bit. A transfer wraps within its page of 64 KiB (128 KiB for words). Memory is reached through
// PhysicalMemory: where there is none, reads give FFH and writes are lost.
//
// Ports: 00H-0FH and C0H-DFH (every second) the chips, 80H-8FH the page registers. Those that belong to no channel are
// plain storage; 80H is where firmware shows its progress.
// Source: IBM PC AT technical reference, DMA; PIIX3 (82371SB) datasheet, DMA registers.
#pragma once

#include "devices/dma_8237.hpp"
#include "devices/dma_channel.hpp"
#include "memory/physical_memory.hpp"
#include "memory/port_bus.hpp"

#include <array>

namespace truering {

class DmaController final : public PortDevice {
  public:
    static constexpr unsigned channels = 8;

    explicit DmaController(PhysicalMemory& memory);
    DmaController(const DmaController&) = delete;
    DmaController& operator=(const DmaController&) = delete;

    void map(PortBus& bus);
    void reset();

    // 0-3, 5-7; the floppy's is 2. Channel 4 never moves anything.
    [[nodiscard]] DmaChannel& channel(unsigned number) { return slots_[number % channels]; }

    // The last byte written to port 80H.
    [[nodiscard]] u8 post_code() const { return pages_[0]; }

    // For the monitor.
    [[nodiscard]] const Dma8237& chip(unsigned number) const { return chips_[number & 1]; }
    [[nodiscard]] Physical address(unsigned channel) const;

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

  private:
    class Slot final : public DmaChannel {
      public:
        void connect(DmaController& owner, unsigned number) {
            owner_ = &owner;
            number_ = number;
        }
        DmaResult transfer(std::span<u8> data, DmaDirection direction) override;
        void set_dreq(bool level) override;
        [[nodiscard]] bool ready(DmaDirection direction) const override;

      private:
        DmaController* owner_ = nullptr;
        unsigned number_ = 0;
    };

    [[nodiscard]] Dma8237& chip_of(unsigned channel) { return chips_[channel / 4]; }
    [[nodiscard]] const Dma8237& chip_of(unsigned channel) const { return chips_[channel / 4]; }
    [[nodiscard]] bool serves(unsigned channel, DmaDirection direction) const;
    DmaResult transfer(unsigned channel, std::span<u8> data, DmaDirection direction);
    void run_software_requests(unsigned chip);
    void move_memory(Dma8237& chip);

    PhysicalMemory& memory_;
    std::array<Dma8237, 2> chips_;
    std::array<u8, 16> pages_{}; // 80H-8FH
    std::array<Slot, channels> slots_;
};

} // namespace truering
