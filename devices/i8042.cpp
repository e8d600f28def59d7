#include "devices/i8042.hpp"

#include "devices/scan_code_translation.hpp"

namespace truering {

namespace {

// Status register
constexpr unsigned OBF = 0;
constexpr unsigned SYS = 2;
constexpr unsigned A2 = 3;
constexpr unsigned INH = 4; // 1: the keylock is open
constexpr unsigned AUXB = 5;
constexpr unsigned TO = 6;

// Command byte
constexpr unsigned KBD_INT = 0;
constexpr unsigned AUX_INT = 1;
constexpr unsigned SYS_FLAG = 2;
constexpr unsigned KBD_DISABLE = 4;
constexpr unsigned AUX_DISABLE = 5;
constexpr unsigned TRANSLATE = 6;
constexpr u8 command_byte_at_reset = bit<u8>(KBD_INT) | bit<u8>(TRANSLATE);

// Output port P2
constexpr unsigned P2_RESET = 0; // active low
constexpr unsigned P2_A20 = 1;
constexpr unsigned P2_AUX_DATA = 2;
constexpr unsigned P2_AUX_CLOCK = 3;
constexpr unsigned P2_IRQ1 = 4;
constexpr unsigned P2_IRQ12 = 5;
constexpr unsigned P2_KBD_CLOCK = 6;
constexpr unsigned P2_KBD_DATA = 7;

// Input port P1: keylock open, colour display, no manufacturing jumper, 512 KiB on the board
constexpr u8 input_port = 0xB0;

constexpr u8 passed = 0x00;
constexpr u8 self_test_passed = 0x55;
constexpr u8 no_password = 0xF1;
constexpr u8 nobody_answered = 0xFE;
constexpr u8 break_prefix = 0xF0;
constexpr u8 break_bit = 0x80;

// Commands that stand for more than one code are ranges: 20H-3FH, 60H-7FH, F0H-FFH.
enum class Command : u8 {
    ReadRam = 0x20,
    WriteRam = 0x60,
    TestPassword = 0xA4,
    LoadPassword = 0xA5,
    EnablePassword = 0xA6,
    DisableMouse = 0xA7,
    EnableMouse = 0xA8,
    TestMouseInterface = 0xA9,
    SelfTest = 0xAA,
    TestKeyboardInterface = 0xAB,
    Dump = 0xAC,
    DisableKeyboard = 0xAD,
    EnableKeyboard = 0xAE,
    ReadVersion = 0xAF,
    ReadInputPort = 0xC0,
    PollInputPortLow = 0xC1,
    PollInputPortHigh = 0xC2,
    ReadOutputPort = 0xD0,
    WriteOutputPort = 0xD1,
    WriteKeyboardOutput = 0xD2,
    WriteMouseOutput = 0xD3,
    WriteToMouse = 0xD4,
    DisableA20 = 0xDD,
    EnableA20 = 0xDF,
    ReadTestInputs = 0xE0,
    PulseOutputPort = 0xF0,
};

} // namespace

I8042::I8042(Clock& clock, Ps2Device* keyboard, Ps2Device* mouse)
    : clock_(clock), keyboard_(keyboard), mouse_(mouse), byte_alarm_(Alarm::calling<&I8042::byte_arrived>(*this)) {
    reset();
    if (keyboard_ != nullptr) keyboard_->request.connect_to<&I8042::hear_request>(*this);
    if (mouse_ != nullptr) mouse_->request.connect_to<&I8042::hear_request>(*this);
}

void I8042::map(PortBus& bus) {
    bus.map(data_port, 1, *this);
    bus.map(command_port, 1, *this);
}

void I8042::reset() {
    ram_ = {};
    ram_[0] = command_byte_at_reset;
    output_full_ = command_last_ = break_prefix_seen_ = false;
    origin_ = Origin::Controller;
    expected_ = Expected::KeyboardByte;
    poll_ = Poll::None;
    replies_size_ = 0;
    clock_.disarm(byte_alarm_);
    a20.raise();
    follow();
    pump();
}

// --- Output buffer ---------------------------------------------------------------------------------------------

bool I8042::from_mouse() const { return origin_ == Origin::Mouse || origin_ == Origin::MouseTimeout; }

void I8042::follow() {
    irq1.set(output_full_ && !from_mouse() && test_bit(ram_[0], KBD_INT));
    irq12.set(output_full_ && from_mouse() && test_bit(ram_[0], AUX_INT));
}

void I8042::put(Reply reply) {
    output_buffer_ = reply.byte;
    origin_ = reply.origin;
    output_full_ = true;
    follow();
}

// An answer of the controller's own; it waits while the buffer is full.
void I8042::answer(u8 byte, Origin origin) {
    if (!output_full_) return put({byte, origin});
    if (replies_size_ == reply_slots) return;
    replies_[(replies_first_ + replies_size_) % reply_slots] = {byte, origin};
    ++replies_size_;
}

bool I8042::wants(const Ps2Device* device, unsigned disable_bit) const {
    return device != nullptr && device->request.level() && !test_bit(ram_[0], disable_bit);
}

void I8042::hear_request(unsigned, bool level) {
    if (level) pump();
}

// Keeps the buffer fed: own answers at once, a device's byte after its time on the wire.
void I8042::pump() {
    if (output_full_) return;
    if (replies_size_ != 0) {
        const Reply reply = replies_[replies_first_];
        replies_first_ = (replies_first_ + 1) % reply_slots;
        --replies_size_;
        return put(reply);
    }
    if (!byte_alarm_.armed() && (wants(keyboard_, KBD_DISABLE) || wants(mouse_, AUX_DISABLE)))
        clock_.arm(byte_alarm_, clock_.now() + byte_time);
}

void I8042::byte_arrived() {
    if (output_full_) return; // an answer came first; the device keeps its byte
    const bool keyboard = wants(keyboard_, KBD_DISABLE);
    const bool mouse = wants(mouse_, AUX_DISABLE);
    if (mouse && (mouse_first_ || !keyboard))
        take_from(*mouse_, Origin::Mouse);
    else if (keyboard)
        take_from(*keyboard_, Origin::Keyboard);
    mouse_first_ = !mouse_first_;
    pump();
}

void I8042::take_from(Ps2Device& device, Origin origin) {
    u8 byte = device.take_byte();
    if (origin == Origin::Keyboard && test_bit(ram_[0], TRANSLATE)) {
        if (byte == break_prefix) {
            break_prefix_seen_ = true;
            return;
        }
        byte = static_cast<u8>(set2_to_set1(byte) | (break_prefix_seen_ ? break_bit : 0));
        break_prefix_seen_ = false;
    }
    put({byte, origin});
}

u8 I8042::read_data() {
    const u8 byte = output_buffer_; // read again, an empty buffer gives the same
    output_full_ = false;
    follow();
    pump();
    return byte;
}

u8 I8042::status() const {
    u8 status = bit<u8>(INH);
    status = with_bit(status, OBF, output_full_);
    status = with_bit(status, SYS, test_bit(ram_[0], SYS_FLAG));
    status = with_bit(status, A2, command_last_);
    status = with_bit(status, AUXB, output_full_ && from_mouse());
    status = with_bit(status, TO, origin_ == Origin::MouseTimeout || origin_ == Origin::KeyboardTimeout);
    if (poll_ == Poll::Low) status = static_cast<u8>((status & 0x0F) | input_port << 4);
    if (poll_ == Poll::High) status = static_cast<u8>((status & 0x0F) | (input_port & 0xF0));
    return status;
}

// --- Commands --------------------------------------------------------------------------------------------------

void I8042::write_ram(unsigned address, u8 value) {
    ram_[address] = value;
    if (address != 0) return;
    follow();
    pump();
}

u8 I8042::output_port() const {
    u8 port = bit<u8>(P2_RESET) | bit<u8>(P2_AUX_DATA) | bit<u8>(P2_KBD_DATA);
    port = with_bit(port, P2_A20, a20.level());
    port = with_bit(port, P2_AUX_CLOCK, !test_bit(ram_[0], AUX_DISABLE));
    port = with_bit(port, P2_KBD_CLOCK, !test_bit(ram_[0], KBD_DISABLE));
    port = with_bit(port, P2_IRQ1, irq1.level());
    return with_bit(port, P2_IRQ12, irq12.level());
}

void I8042::write_output_port(u8 value) {
    a20.set(test_bit(value, P2_A20));
    if (!test_bit(value, P2_RESET)) reset_pulse.pulse();
}

void I8042::dump() {
    for (unsigned i = 0; i < 16; ++i) answer(ram_[i]);
    answer(input_port);
    answer(output_port());
    answer(0); // program status word
}

void I8042::command(u8 value) {
    expected_ = Expected::KeyboardByte;
    poll_ = Poll::None;
    ram_address_ = value & 0x1F;
    if (value >= static_cast<u8>(Command::PulseOutputPort)) {
        if (!test_bit(value, P2_RESET)) reset_pulse.pulse(); // the bits that are 0 are pulsed
        return;
    }
    switch (static_cast<Command>(value & 0xE0)) {
    case Command::ReadRam: return answer(ram_[ram_address_]);
    case Command::WriteRam: expected_ = Expected::Ram; return;
    default: break;
    }
    switch (static_cast<Command>(value)) {
    case Command::LoadPassword: expected_ = Expected::Password; break;
    case Command::WriteOutputPort: expected_ = Expected::OutputPort; break;
    case Command::WriteKeyboardOutput: expected_ = Expected::KeyboardOutput; break;
    case Command::WriteMouseOutput: expected_ = Expected::MouseOutput; break;
    case Command::WriteToMouse: expected_ = Expected::MouseByte; break;
    case Command::PollInputPortLow: poll_ = Poll::Low; break;
    case Command::PollInputPortHigh: poll_ = Poll::High; break;
    default: test_or_switch(value); break;
    }
}

// Commands that answer, or change a switch, at once; others are ignored.
void I8042::test_or_switch(u8 value) {
    const auto disable = [this](unsigned interface, bool on) { write_ram(0, with_bit(ram_[0], interface, on)); };
    switch (static_cast<Command>(value)) {
    case Command::TestPassword: answer(no_password); break;
    case Command::DisableMouse: disable(AUX_DISABLE, true); break;
    case Command::EnableMouse: disable(AUX_DISABLE, false); break;
    case Command::DisableKeyboard: disable(KBD_DISABLE, true); break;
    case Command::EnableKeyboard: disable(KBD_DISABLE, false); break;
    case Command::TestMouseInterface:
    case Command::TestKeyboardInterface: answer(passed); break;
    case Command::SelfTest:
        ram_[0] = with_bit(ram_[0], SYS_FLAG, true);
        answer(self_test_passed);
        break;
    case Command::Dump: dump(); break;
    case Command::ReadVersion: answer(0); break;
    case Command::ReadInputPort: answer(input_port); break;
    case Command::ReadOutputPort: answer(output_port()); break;
    case Command::DisableA20: a20.lower(); break;
    case Command::EnableA20: a20.raise(); break;
    case Command::ReadTestInputs:
        answer(static_cast<u8>((test_bit(ram_[0], KBD_DISABLE) ? 0 : 1) | (test_bit(ram_[0], AUX_DISABLE) ? 0 : 2)));
        break;
    default: break;
    }
}

// A byte for a device enables its interface; without a device nobody answers and the controller says so.
void I8042::send_to(Ps2Device* device, u8 byte, Origin timeout) {
    const unsigned disable_bit = timeout == Origin::MouseTimeout ? AUX_DISABLE : KBD_DISABLE;
    ram_[0] = with_bit(ram_[0], disable_bit, false);
    if (device == nullptr) return answer(nobody_answered, timeout);
    device->receive(byte);
    pump();
}

void I8042::write_data(u8 value) {
    const Expected expected = expected_;
    expected_ = Expected::KeyboardByte;
    switch (expected) {
    case Expected::KeyboardByte: return send_to(keyboard_, value, Origin::KeyboardTimeout);
    case Expected::MouseByte: return send_to(mouse_, value, Origin::MouseTimeout);
    case Expected::Ram: return write_ram(ram_address_, value);
    case Expected::Password:
        if (value != 0) expected_ = Expected::Password; // up to the terminating 0
        return;
    case Expected::OutputPort: return write_output_port(value);
    case Expected::KeyboardOutput: return answer(value, Origin::Keyboard);
    case Expected::MouseOutput: return answer(value, Origin::Mouse);
    }
}

u32 I8042::read_port(u16 port, unsigned) { return port == command_port ? status() : read_data(); }

void I8042::write_port(u16 port, u32 value, unsigned) {
    command_last_ = port == command_port;
    if (command_last_)
        command(static_cast<u8>(value));
    else
        write_data(static_cast<u8>(value));
}

} // namespace truering
