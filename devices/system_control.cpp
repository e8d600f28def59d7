#include "devices/system_control.hpp"

namespace truering {

namespace {

// Port 61H
constexpr unsigned TIM_CNT2_EN = 0;
constexpr unsigned PCI_SERR_DIS = 2;
constexpr unsigned IOCHK_DIS = 3;
constexpr unsigned REFRESH = 4;
constexpr unsigned TMR2_OUT = 5;
constexpr unsigned IOCHK_STS = 6;
constexpr unsigned SERR_STS = 7;
constexpr u8 written_b = 0x0F;

// Port 92H
constexpr unsigned FAST_INIT = 0;
constexpr unsigned FAST_A20 = 1;

constexpr u64 ticks_per_refresh = 18;

} // namespace

SystemControl::SystemControl(Clock& clock, Pit8254& pit) : clock_(clock), pit_(pit) { reset(); }

void SystemControl::map(PortBus& bus) {
    bus.map(port_b, 1, *this);
    bus.map(port_a, 1, *this);
}

void SystemControl::reset() {
    control_b_ = control_a_ = 0;
    parity_error_ = channel_check_ = false;
    pit_.set_gate(2, false);
    a20.lower();
    update_nmi();
}

void SystemControl::parity_error() {
    parity_error_ = !test_bit(control_b_, PCI_SERR_DIS);
    update_nmi();
}

void SystemControl::channel_check() {
    channel_check_ = !test_bit(control_b_, IOCHK_DIS);
    update_nmi();
}

void SystemControl::update_nmi() { nmi.set(parity_error_ || channel_check_); }

u32 SystemControl::read_port(u16 port, unsigned) {
    if (port == port_a) return control_a_;
    const u64 refreshes = ticks_at(clock_.now(), Pit8254::hertz) / ticks_per_refresh;
    u8 value = control_b_;
    value = with_bit(value, REFRESH, (refreshes & 1) != 0);
    value = with_bit(value, TMR2_OUT, pit_.out(2));
    value = with_bit(value, IOCHK_STS, channel_check_);
    return with_bit(value, SERR_STS, parity_error_);
}

void SystemControl::write_port(u16 port, u32 value, unsigned) {
    if (port == port_a) return write_control_a(static_cast<u8>(value));
    control_b_ = value & written_b;
    pit_.set_gate(2, test_bit(control_b_, TIM_CNT2_EN));
    if (test_bit(control_b_, PCI_SERR_DIS)) parity_error_ = false;
    if (test_bit(control_b_, IOCHK_DIS)) channel_check_ = false;
    update_nmi();
}

void SystemControl::write_control_a(u8 value) {
    const bool reset_asked = test_bit(value, FAST_INIT) && !test_bit(control_a_, FAST_INIT);
    control_a_ = value & (bit<u8>(FAST_INIT) | bit<u8>(FAST_A20));
    a20.set(test_bit(control_a_, FAST_A20));
    if (reset_asked) reset_pulse.pulse();
}

} // namespace truering
