// The keyboard's conversation with the host. What keys become is in ps2_keyboard_codes.cpp.
#include "devices/ps2_keyboard.hpp"

#include "base/bits.hpp"

namespace truering {

namespace {

enum class Command : u8 {
    SetLeds = 0xED,
    Echo = 0xEE,
    ScanCodeSet = 0xF0,
    ReadId = 0xF2,
    SetTypematic = 0xF3,
    Enable = 0xF4,
    DefaultDisable = 0xF5,
    SetDefault = 0xF6,
    AllTypematic = 0xF7,
    AllMakeBreak = 0xF8,
    AllMake = 0xF9,
    AllTypematicMakeBreak = 0xFA,
    KeyTypematic = 0xFB,
    KeyMakeBreak = 0xFC,
    KeyMake = 0xFD,
    Resend = 0xFE,
    Reset = 0xFF,
};

constexpr u8 first_command = 0xED;     // an argument never is as large
constexpr u8 default_typematic = 0x2B; // 500 ms, 10.9 characters a second
constexpr std::array<u8, 2> id{0xAB, 0x83};

} // namespace

Ps2Keyboard::Ps2Keyboard(Clock& clock)
    : clock_(clock), repeat_alarm_(Alarm::calling<&Ps2Keyboard::repeat>(*this)),
      self_test_alarm_(Alarm::calling<&Ps2Keyboard::self_test_done>(*this)) {
    set_defaults();
}

void Ps2Keyboard::reset() {
    replies_.clear();
    stop_typing();
    set_defaults();
    leds_ = 0;
    argument_ = Argument::None;
    scanning_ = false;
    clock_.arm(self_test_alarm_, clock_.now() + self_test_time);
    follow();
}

void Ps2Keyboard::self_test_done() {
    scanning_ = true;
    reply(ps2::self_test_passed);
}

void Ps2Keyboard::set_defaults() {
    set_ = 2;
    typematic_ = default_typematic;
    for (unsigned i = 0; i < key_count; ++i) types3_[i] = key_table[i].type3;
}

void Ps2Keyboard::stop_typing() {
    clock_.disarm(repeat_alarm_);
    codes_.clear();
    overrun_ = invented_shift_ = false;
    follow();
}

void Ps2Keyboard::follow() { request.set(!idle()); }

void Ps2Keyboard::reply(u8 byte) {
    replies_.push(byte);
    follow();
}

u8 Ps2Keyboard::take_byte() {
    last_sent_ = replies_.empty() ? codes_.pop() : replies_.pop();
    if (codes_.empty()) overrun_ = false;
    follow();
    return last_sent_;
}

void Ps2Keyboard::receive(u8 byte) {
    const Argument expected = argument_;
    argument_ = Argument::None;
    if (expected != Argument::None && byte < first_command)
        argument(expected, byte);
    else
        command(byte);
}

void Ps2Keyboard::argument(Argument what, u8 byte) {
    switch (what) {
    case Argument::Leds: leds_ = byte & 7; break;
    case Argument::Typematic: typematic_ = byte & 0x7F; break;
    case Argument::ScanCodeSet:
        if (byte > 3) return reply(ps2::resend);
        if (byte != 0) {
            stop_typing();
            set_ = byte;
        }
        break;
    case Argument::KeyList:
        for (unsigned i = 0; i < key_count; ++i)
            if (key_table[i].set3 == byte) types3_[i] = list_type_;
        argument_ = Argument::KeyList; // until the next command
        break;
    case Argument::None: break;
    }
    reply(ps2::ack);
    if (what == Argument::ScanCodeSet && byte == 0) reply(set_);
}

void Ps2Keyboard::set_all_types(KeyType type) {
    types3_.fill(type);
    reply(ps2::ack);
}

void Ps2Keyboard::command(u8 byte) {
    const auto expect = [this](Argument what, KeyType type = KeyType::Typematic) {
        argument_ = what;
        list_type_ = type;
        reply(ps2::ack);
    };
    switch (static_cast<Command>(byte)) {
    case Command::SetLeds: return expect(Argument::Leds);
    case Command::Echo: return reply(ps2::echo);
    case Command::ScanCodeSet: return expect(Argument::ScanCodeSet);
    case Command::ReadId:
        reply(ps2::ack);
        for (u8 b : id) reply(b);
        return;
    case Command::SetTypematic: return expect(Argument::Typematic);
    case Command::Enable:
        stop_typing();
        scanning_ = true;
        return reply(ps2::ack);
    case Command::DefaultDisable:
    case Command::SetDefault:
        stop_typing();
        set_defaults();
        if (static_cast<Command>(byte) == Command::DefaultDisable) scanning_ = false;
        return reply(ps2::ack);
    case Command::AllTypematic: return set_all_types(KeyType::Typematic);
    case Command::AllMakeBreak: return set_all_types(KeyType::MakeBreak);
    case Command::AllMake: return set_all_types(KeyType::MakeOnly);
    case Command::AllTypematicMakeBreak: return set_all_types(KeyType::TypematicMakeBreak);
    case Command::KeyTypematic: return expect(Argument::KeyList, KeyType::Typematic);
    case Command::KeyMakeBreak: return expect(Argument::KeyList, KeyType::MakeBreak);
    case Command::KeyMake: return expect(Argument::KeyList, KeyType::MakeOnly);
    case Command::Resend: return reply(last_sent_);
    case Command::Reset: reset(); return reply(ps2::ack);
    }
    reply(ps2::resend);
}

} // namespace truering
