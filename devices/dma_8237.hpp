// One 8237A DMA controller: four channels of 16-bit addresses and counts.
//
// Idea: a peripheral calls when it has or wants bytes, and a whole run of bus cycles happens at once: addresses step,
// the count falls, at its end TC comes and the channel reloads (autoinitialise) or masks itself. Arbitration, the bus
// hold protocol, and the timing bits of the command register therefore leave no trace.
//
// The chip knows addresses of 16 bits in its own units; bytes or words, pages and memory are of the board
// (dma_controller.hpp), which is asked for every cycle.
//
// Source: Intel 8237A datasheet (231466).
#pragma once

#include "base/bits.hpp"
#include "base/types.hpp"
#include "devices/dma_channel.hpp"

#include <array>

namespace truering {

class Dma8237 {
  public:
    static constexpr unsigned channels = 4;

    // The 16 addresses of the chip: 0-7 are address and count of channel 0-3 in turn.
    enum class Reg : u8 {
        StatusCommand = 8,
        Request = 9,
        SingleMask = 10,
        Mode = 11,
        ClearFlipFlop = 12,
        TemporaryMasterClear = 13,
        ClearMask = 14,
        AllMask = 15, // read: the masks, as chipsets give them
    };

    // Mode register, bits 3-2
    enum class Transfer : u8 { Verify = 0, Write = 1, Read = 2, Illegal = 3 };
    // Mode register, bits 7-6
    enum class Mode : u8 { Demand = 0, Single = 1, Block = 2, Cascade = 3 };

    void reset(); // the same as a master clear, and all modes 0

    [[nodiscard]] u8 read(unsigned address); // 0-15
    void write(unsigned address, u8 value);

    // --- For the board

    // Would the channel run a cycle now if its peripheral asked?
    [[nodiscard]] bool enabled(unsigned channel) const;
    [[nodiscard]] Transfer transfer(unsigned channel) const { return static_cast<Transfer>(bits(mode(channel), 3, 2)); }
    [[nodiscard]] Mode transfer_mode(unsigned channel) const { return static_cast<Mode>(bits(mode(channel), 7, 6)); }

    // The address of the next cycle, and a step behind it; true when that was the last one (TC).
    [[nodiscard]] u16 address(unsigned channel) const { return channels_[channel].current_address; }
    bool step(unsigned channel);

    void set_dreq(unsigned channel, bool level);

    [[nodiscard]] bool controller_enabled() const { return !test_bit(command_, 2); }

    // Software requests: what the request register asks for. Memory-to-memory moves from channel 0 to channel 1, at a
    // fixed source address if the command register says so; temporary() holds the byte on its way.
    [[nodiscard]] bool requested(unsigned channel) const { return test_bit(software_requests_, channel); }
    [[nodiscard]] bool memory_to_memory() const { return test_bit(command_, 0); }
    [[nodiscard]] bool source_address_holds() const { return test_bit(command_, 1); }
    void set_temporary(u8 value) { temporary_ = value; }
    void step_source(); // channel 0 in memory-to-memory

    [[nodiscard]] u16 count(unsigned channel) const { return channels_[channel].current_count; }
    [[nodiscard]] u8 masks() const { return masks_; }

  private:
    struct Channel {
        u16 base_address = 0;
        u16 base_count = 0;
        u16 current_address = 0;
        u16 current_count = 0;
        u8 mode = 0;
    };

    [[nodiscard]] u8 mode(unsigned channel) const { return channels_[channel].mode; }
    void master_clear();
    void move_address(Channel& channel);
    u8 read_half(u16 value);
    void write_half(u16& base, u16& current, u8 value);

    std::array<Channel, channels> channels_{};
    u8 command_ = 0;
    u8 masks_ = 0x0F;
    u8 dreqs_ = 0;
    u8 software_requests_ = 0;
    u8 terminal_counts_ = 0;
    u8 temporary_ = 0;
    bool high_byte_next_ = false; // the first/last flip-flop
};

} // namespace truering
