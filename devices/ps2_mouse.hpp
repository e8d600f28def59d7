// A PS/2 mouse: the standard three-button one, which becomes an IntelliMouse (wheel) or a five-button one when the host
// sets the sample rates that ask for it.
//
// Movement is not put into packets when it happens but kept as events: sums of movement with the buttons as they were.
// A packet is made when the host may have one (stream mode: reporting on, the last one sent, a sample period gone by;
// remote mode: on command). So nothing is lost when the host is slow, neither way nor clicks, and a packet's 9-bit
// range only spreads a long way over several packets.
//
// Source: IBM PS/2 hardware interface technical reference, "Mouse"; Microsoft IntelliMouse protocol.
#pragma once

#include "devices/byte_fifo.hpp"
#include "devices/ps2_device.hpp"
#include "memory/clock.hpp"

#include <array>

namespace truering {

class Ps2Mouse final : public Ps2Device {
  public:
    static constexpr Nanoseconds self_test_time = 20'000'000; // after command FFH; a real one takes longer

    // Bits of move()'s buttons
    static constexpr u8 left_button = 0x01;
    static constexpr u8 right_button = 0x02;
    static constexpr u8 middle_button = 0x04;
    static constexpr u8 fourth_button = 0x08;
    static constexpr u8 fifth_button = 0x10;

    explicit Ps2Mouse(Clock& clock);
    Ps2Mouse(const Ps2Mouse&) = delete;
    Ps2Mouse& operator=(const Ps2Mouse&) = delete;

    // Power-on; the self test's AAH 00H follows.
    void reset();

    // The mouse moves by counts: dx to the right, dy downwards (towards the user), dz the wheel downwards (towards the
    // user); `buttons` says which are held now.
    void move(int dx, int dy, int dz, u8 buttons);

    [[nodiscard]] bool reporting() const { return reporting_; }
    [[nodiscard]] u8 device_id() const { return id_; } // 0, 3 with a wheel, 4 with wheel and five buttons
    [[nodiscard]] bool idle() const { return !request.level() && events_size_ == 0; }

    u8 take_byte() override;
    void receive(u8 byte) override;

  private:
    struct Event {
        i32 dx, dy, dz; // dy upwards, as in packets
        u8 buttons;
    };
    enum class Argument : u8 { None, SampleRate, Resolution };

    void set_defaults();
    void command(u8 byte);
    void argument(Argument what, u8 byte);
    void note_rate(u8 rate);
    void reply(u8 byte);
    void reply_status();
    void follow();
    void drop_events();

    [[nodiscard]] bool may_send() const { return reporting_ && !remote_ && !wrap_; }
    void make_packet(bool scaled);
    void send_when_due();
    void sample();
    void self_test_done();

    Clock& clock_;
    Alarm sample_alarm_;
    Alarm self_test_alarm_;

    static constexpr unsigned event_slots = 16;
    std::array<Event, event_slots> events_{};
    unsigned events_first_ = 0;
    unsigned events_size_ = 0;
    u8 buttons_ = 0;

    ByteFifo<16> replies_;
    ByteFifo<4> packet_;
    std::array<u8, 4> last_packet_{}; // for the resend command
    u8 last_packet_size_ = 0;
    Nanoseconds next_sample_ = 0;

    Argument argument_ = Argument::None;
    bool reporting_ = false;
    bool remote_ = false;
    bool wrap_ = false;
    bool scaling_2_1_ = false;
    u8 resolution_ = 2; // 1 << n counts a millimetre
    u8 rate_ = 100;     // samples a second
    u8 id_ = 0;
    std::array<u8, 2> rates_before_{}; // the last two, older first
};

} // namespace truering
