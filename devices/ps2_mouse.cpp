#include "devices/ps2_mouse.hpp"

#include "base/bits.hpp"

#include <algorithm>

namespace truering {

namespace {

enum class Command : u8 {
    SetScaling1To1 = 0xE6,
    SetScaling2To1 = 0xE7,
    SetResolution = 0xE8,
    StatusRequest = 0xE9,
    SetStreamMode = 0xEA,
    ReadData = 0xEB,
    ResetWrapMode = 0xEC,
    SetWrapMode = 0xEE,
    SetRemoteMode = 0xF0,
    ReadDeviceType = 0xF2,
    SetSampleRate = 0xF3,
    Enable = 0xF4,
    Disable = 0xF5,
    SetDefault = 0xF6,
    Resend = 0xFE,
    Reset = 0xFF,
};

constexpr u8 standard_id = 0;
constexpr u8 wheel_id = 3;
constexpr u8 five_button_id = 4;

// First byte of a packet: the buttons in bits 2-0, and
constexpr u8 always_one = 0x08;
constexpr u8 x_sign = 0x10;
constexpr u8 y_sign = 0x20;

constexpr i32 farthest = 1 << 20; // of one event; more than any hand moves

// The 2:1 scaling: slow movement finer, fast movement doubled.
i32 scaled_2_1(i32 counts) {
    constexpr std::array<i32, 6> slow{0, 1, 1, 3, 6, 9};
    const i32 n = counts < 0 ? -counts : counts;
    const i32 result = n < 6 ? slow[static_cast<size_t>(n)] : 2 * n;
    return counts < 0 ? -result : result;
}

// Takes from `rest` what fits into low..high.
i32 take(i32& rest, i32 low, i32 high) {
    const i32 part = std::clamp(rest, low, high);
    rest -= part;
    return part;
}

} // namespace

Ps2Mouse::Ps2Mouse(Clock& clock)
    : clock_(clock), sample_alarm_(Alarm::calling<&Ps2Mouse::sample>(*this)),
      self_test_alarm_(Alarm::calling<&Ps2Mouse::self_test_done>(*this)) {}

void Ps2Mouse::reset() {
    set_defaults();
    id_ = standard_id;
    wrap_ = false;
    argument_ = Argument::None;
    rates_before_ = {};
    last_packet_size_ = 0;
    replies_.clear();
    clock_.arm(self_test_alarm_, clock_.now() + self_test_time);
    follow();
}

void Ps2Mouse::self_test_done() {
    reply(ps2::self_test_passed);
    reply(id_);
}

void Ps2Mouse::set_defaults() {
    rate_ = 100;
    resolution_ = 2;
    scaling_2_1_ = remote_ = reporting_ = false;
    drop_events();
}

void Ps2Mouse::drop_events() {
    events_size_ = 0;
    packet_.clear();
    clock_.disarm(sample_alarm_);
    follow();
}

void Ps2Mouse::follow() { request.set(!replies_.empty() || !packet_.empty()); }

void Ps2Mouse::reply(u8 byte) {
    replies_.push(byte);
    follow();
}

u8 Ps2Mouse::take_byte() {
    const u8 byte = replies_.empty() ? packet_.pop() : replies_.pop();
    follow();
    send_when_due();
    return byte;
}

// --- Movement --------------------------------------------------------------------------------------------------

void Ps2Mouse::move(int dx, int dy, int dz, u8 buttons) {
    const bool clicked = buttons != buttons_;
    if (dx == 0 && dy == 0 && dz == 0 && !clicked) return;
    buttons_ = buttons;
    if (!reporting_ && !remote_) return; // counters run only while somebody may ask for them
    if (events_size_ == 0 || (clicked && events_size_ < event_slots)) {
        events_[(events_first_ + events_size_) % event_slots] = {0, 0, 0, buttons};
        ++events_size_;
    }
    Event& last = events_[(events_first_ + events_size_ - 1) % event_slots];
    const auto add = [](i32& sum, int more) {
        sum = std::clamp(sum + std::clamp(more, -farthest, farthest), -farthest, farthest);
    };
    last.buttons = buttons;
    add(last.dx, dx);
    add(last.dy, -std::clamp(dy, -farthest, farthest));
    add(last.dz, dz);
    send_when_due();
}

// Makes the next packet from the first event; what does not fit stays for another one.
void Ps2Mouse::make_packet(bool scaled) {
    Event nothing{0, 0, 0, buttons_};
    Event& event = events_size_ == 0 ? nothing : events_[events_first_];
    // Scaled values must fit as well, so less is taken at a time.
    const i32 limit = scaled ? 127 : 255;
    i32 x = take(event.dx, -limit, limit);
    i32 y = take(event.dy, -limit, limit);
    if (scaled) {
        x = scaled_2_1(x);
        y = scaled_2_1(y);
    }
    packet_.clear();
    packet_.push(static_cast<u8>((event.buttons & 7) | always_one | (x < 0 ? x_sign : 0) | (y < 0 ? y_sign : 0)));
    packet_.push(static_cast<u8>(x));
    packet_.push(static_cast<u8>(y));
    const i32 z = take(event.dz, -8, 7);
    if (id_ == wheel_id) packet_.push(static_cast<u8>(z));
    if (id_ == five_button_id) packet_.push(static_cast<u8>((z & 15) | (event.buttons & 0x18) << 1));
    if (id_ == standard_id) event.dz = 0;
    if (events_size_ != 0 && event.dx == 0 && event.dy == 0 && event.dz == 0) {
        events_first_ = (events_first_ + 1) % event_slots;
        --events_size_;
    }
    ByteFifo<4> copy = packet_;
    last_packet_size_ = static_cast<u8>(copy.size());
    for (unsigned i = 0; i < last_packet_size_; ++i) last_packet_[i] = copy.pop();
}

// Stream mode: a packet when there is something to tell, the last one is gone, and a sample period has passed.
void Ps2Mouse::send_when_due() {
    if (!may_send() || events_size_ == 0 || !packet_.empty() || sample_alarm_.armed()) return;
    clock_.arm(sample_alarm_, std::max(next_sample_, clock_.now()));
}

void Ps2Mouse::sample() {
    if (!may_send() || events_size_ == 0 || !packet_.empty()) return;
    next_sample_ = clock_.now() + nanoseconds_per_second / rate_;
    make_packet(scaling_2_1_);
    follow();
}

// --- Commands --------------------------------------------------------------------------------------------------

void Ps2Mouse::receive(u8 byte) {
    if (wrap_ && static_cast<Command>(byte) != Command::ResetWrapMode && static_cast<Command>(byte) != Command::Reset)
        return reply(byte);
    // A byte from the host ends a packet on its way; the rest of it would be taken for answers.
    packet_.clear();
    const Argument expected = argument_;
    argument_ = Argument::None;
    if (expected != Argument::None)
        argument(expected, byte);
    else
        command(byte);
    send_when_due();
}

// 200, 100, 80 asks for the wheel; 200, 200, 80 for five buttons too.
void Ps2Mouse::note_rate(u8 rate) {
    if (rate == 80 && rates_before_[0] == 200) {
        if (rates_before_[1] == 100) id_ = wheel_id;
        if (rates_before_[1] == 200) id_ = five_button_id;
    }
    rates_before_ = {rates_before_[1], rate};
}

void Ps2Mouse::argument(Argument what, u8 byte) {
    if (what == Argument::SampleRate) {
        if (byte == 0) return reply(ps2::resend);
        rate_ = byte;
        note_rate(byte);
    } else {
        if (byte > 3) return reply(ps2::resend);
        resolution_ = byte;
    }
    reply(ps2::ack);
}

void Ps2Mouse::reply_status() {
    u8 status = 0;
    status = with_bit(status, 0, (buttons_ & right_button) != 0);
    status = with_bit(status, 1, (buttons_ & middle_button) != 0);
    status = with_bit(status, 2, (buttons_ & left_button) != 0);
    status = with_bit(status, 4, scaling_2_1_);
    status = with_bit(status, 5, reporting_);
    status = with_bit(status, 6, remote_);
    reply(status);
    reply(resolution_);
    reply(rate_);
}

void Ps2Mouse::command(u8 byte) {
    reply(ps2::ack); // taken back below where it is not the answer
    switch (static_cast<Command>(byte)) {
    case Command::SetScaling1To1: scaling_2_1_ = false; return;
    case Command::SetScaling2To1: scaling_2_1_ = true; return;
    case Command::SetResolution: argument_ = Argument::Resolution; return;
    case Command::SetSampleRate: argument_ = Argument::SampleRate; return;
    case Command::StatusRequest: return reply_status();
    case Command::SetStreamMode: remote_ = false; return drop_events();
    case Command::SetRemoteMode: remote_ = true; return drop_events();
    case Command::ReadData: make_packet(false); return follow();
    case Command::SetWrapMode: wrap_ = true; return drop_events();
    case Command::ResetWrapMode: wrap_ = false; return drop_events();
    case Command::ReadDeviceType: return reply(id_);
    case Command::Enable: reporting_ = true; return drop_events();
    case Command::Disable: reporting_ = false; return drop_events();
    case Command::SetDefault: return set_defaults();
    case Command::Resend:
        replies_.clear();
        for (unsigned i = 0; i < last_packet_size_; ++i) reply(last_packet_[i]);
        return follow();
    case Command::Reset: reset(); return reply(ps2::ack);
    }
    replies_.clear();
    reply(ps2::resend);
}

} // namespace truering
