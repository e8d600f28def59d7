// The AT's keyboard controller: an 8042 with the PS/2 program, between the processor's ports 60H and 64H and two serial
// devices.
//
// Idea: the controller reads commands and data at once (IBF is never seen set) and has one output buffer. Its own
// answers go into the buffer as soon as it is free; bytes of the devices follow, each after the millisecond that the
// serial link takes, and stay with the device meanwhile, so none is lost. A disabled interface holds its device's
// bytes back.
//
// Keyboard bytes are translated from scan code set 2 to set 1 while command byte bit 6 says so.
//
// Invariants: `irq1` is high exactly while the output buffer holds a byte that is not the mouse's and the command byte
// enables the interrupt; `irq12` likewise for the mouse's.
// Source: IBM PS/2 hardware interface technical reference, "Keyboard and Auxiliary Device Controller"; IBM PC AT
// technical reference; Intel 8042 datasheet.
#pragma once

#include "base/bits.hpp"
#include "devices/byte_fifo.hpp"
#include "devices/ps2_device.hpp"
#include "memory/clock.hpp"
#include "memory/port_bus.hpp"

#include <array>

namespace truering {

class I8042 final : public PortDevice {
  public:
    static constexpr u16 data_port = 0x60;
    static constexpr u16 command_port = 0x64;           // status when read
    static constexpr Nanoseconds byte_time = 1'000'000; // eleven bits on the serial link

    // Either device may be absent (null).
    I8042(Clock& clock, Ps2Device* keyboard, Ps2Device* mouse);
    I8042(const I8042&) = delete;
    I8042& operator=(const I8042&) = delete;

    void map(PortBus& bus);
    void reset(); // A20 on; the devices are reset by the machine

    Line irq1;
    Line irq12;
    Line a20;         // the output port's gate; the machine joins it with port 92H's
    Line reset_pulse; // rises and falls at once

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

    // For the monitor, without side effects.
    [[nodiscard]] u8 status() const;
    [[nodiscard]] u8 command_byte() const { return ram_[0]; }

  private:
    // Where a byte in the output buffer comes from.
    enum class Origin : u8 { Controller, Keyboard, Mouse, MouseTimeout, KeyboardTimeout };
    struct Reply {
        u8 byte;
        Origin origin;
    };
    // What the next byte at port 60H is for.
    enum class Expected : u8 {
        KeyboardByte,
        Ram,
        Password,
        OutputPort,
        KeyboardOutput,
        MouseOutput,
        MouseByte,
    };
    enum class Poll : u8 { None, Low, High }; // the input port's bits shown in status bits 7-4

    void hear_request(unsigned number, bool level);
    u8 read_data();
    void write_data(u8 value);
    void command(u8 value);
    void test_or_switch(u8 value);
    void answer(u8 byte, Origin origin = Origin::Controller);
    void put(Reply reply);
    void pump();
    void byte_arrived();
    void take_from(Ps2Device& device, Origin origin);
    void send_to(Ps2Device* device, u8 byte, Origin timeout);
    void write_ram(unsigned address, u8 value);
    void write_output_port(u8 value);
    void dump();
    void follow();
    [[nodiscard]] u8 output_port() const;
    [[nodiscard]] bool wants(const Ps2Device* device, unsigned disable_bit) const;
    [[nodiscard]] bool from_mouse() const;

    Clock& clock_;
    Ps2Device* keyboard_;
    Ps2Device* mouse_;
    Alarm byte_alarm_;

    std::array<u8, 32> ram_{}; // [0] is the command byte
    u8 output_buffer_ = 0;
    Origin origin_ = Origin::Controller;
    bool output_full_ = false;
    bool command_last_ = false; // A2: the last write was to 64H
    Expected expected_ = Expected::KeyboardByte;
    u8 ram_address_ = 0;
    Poll poll_ = Poll::None;
    bool break_prefix_seen_ = false; // translation: F0H came, the next code is a break
    bool mouse_first_ = false;       // whose turn it is when both have bytes

    static constexpr unsigned reply_slots = 32;
    std::array<Reply, reply_slots> replies_{};
    unsigned replies_first_ = 0;
    unsigned replies_size_ = 0;
};

} // namespace truering
