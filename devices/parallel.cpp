#include "devices/parallel.hpp"

namespace truering {

namespace {

// Status; BUSY and ACK are inverted: 1 means ready, idle
constexpr unsigned ERROR = 3; // inverted: 1 is no error
constexpr unsigned SLCT = 4;
constexpr unsigned PE = 5; // paper end
constexpr unsigned ACK = 6;
constexpr unsigned BUSY = 7;
constexpr unsigned IRQ_STATUS = 2; // inverted
constexpr u8 always_one = 0x03;

// Control
constexpr unsigned STROBE = 0;
constexpr unsigned INIT = 2; // inverted on the wire: 0 resets the printer
constexpr unsigned SLCT_IN = 3;
constexpr unsigned IRQ_ENABLE = 4;
constexpr unsigned DIRECTION = 5;
constexpr u8 written = 0x3F;
constexpr u8 read_as_one = 0xC0;

} // namespace

void ParallelPort::reset() {
    data_ = 0;
    control_ = bit<u8>(INIT) | bit<u8>(SLCT_IN);
    irq.lower();
}

u8 ParallelPort::read_status() {
    u8 status = with_bit(always_one, IRQ_STATUS, !irq.level());
    irq.lower();
    for (unsigned n : {ERROR, SLCT, ACK}) status = with_bit(status, n, true);
    // With nothing plugged in the inputs float high, and the inverted one low: out of paper and busy.
    return with_bit(status, sink_ == nullptr ? PE : BUSY, true);
}

u32 ParallelPort::read_port(u16 port, unsigned) {
    switch (static_cast<Reg>(port & 3)) {
    case Reg::Data: return test_bit(control_, DIRECTION) ? 0xFF : data_;
    case Reg::Status: return read_status();
    case Reg::Control: return control_ | read_as_one;
    }
    return 0xFF;
}

void ParallelPort::write_port(u16 port, u32 value, unsigned) {
    const u8 byte = static_cast<u8>(value);
    if (static_cast<Reg>(port & 3) == Reg::Data) data_ = byte;
    if (static_cast<Reg>(port & 3) == Reg::Control) write_control(byte & written);
}

void ParallelPort::write_control(u8 value) {
    const bool strobe = test_bit(value, STROBE) && !test_bit(control_, STROBE);
    control_ = value;
    if (!test_bit(control_, IRQ_ENABLE)) irq.lower();
    if (!strobe || sink_ == nullptr) return;
    if (!test_bit(control_, DIRECTION)) sink_->transmit(data_);
    irq.lower();
    irq.set(test_bit(control_, IRQ_ENABLE));
}

} // namespace truering
