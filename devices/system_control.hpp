// System control ports B (61H) and A (92H): odds and ends of the board around timer, speaker, NMI, A20 and reset.
//
// Port 61H: bit 0 gate of timer 2, 1 speaker data, 2 masks parity (SERR#) NMI, 3 masks channel check (IOCHK#) NMI,
// 4 refresh toggle, 5 output of timer 2, 6 channel check occurred, 7 parity error occurred. Bits 0-3 are written.
// The refresh toggle changes at every refresh, each 15.085 microseconds (18 ticks of the timer's crystal), as
// programs that use it for delays expect; counter 1 is free to be programmed differently.
//
// Port 92H: bit 0 pulses the processor's reset when it goes from 0 to 1, bit 1 is the fast A20 gate.
// Source: IBM PS/2 Technical Reference, system control ports; PIIX3 (82371SB), NMISC.
#pragma once

#include "devices/pit_8254.hpp"
#include "memory/port_bus.hpp"

namespace truering {

class SystemControl final : public PortDevice {
  public:
    static constexpr u16 port_b = 0x61;
    static constexpr u16 port_a = 0x92;

    SystemControl(Clock& clock, Pit8254& pit);
    SystemControl(const SystemControl&) = delete;
    SystemControl& operator=(const SystemControl&) = delete;

    void map(PortBus& bus);
    void reset();

    Line a20;         // the fast gate; the machine joins it with the keyboard controller's
    Line reset_pulse; // rises and falls at once
    Line nmi;         // high while an unmasked cause stands; the RTC's mask is the machine's to apply

    // Causes of NMI: SERR# (parity) and IOCHK#. They stand until the guest masks them.
    void parity_error();
    void channel_check();

    // What the speaker's membrane gets: timer 2 and-ed with the speaker data bit.
    [[nodiscard]] bool speaker() { return speaker_data() && pit_.out(2); }
    [[nodiscard]] bool speaker_data() const { return test_bit(control_b_, 1); }

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

  private:
    void update_nmi();
    void write_control_a(u8 value);

    Clock& clock_;
    Pit8254& pit_;
    u8 control_b_ = 0; // bits 3-0
    u8 control_a_ = 0;
    bool parity_error_ = false;
    bool channel_check_ = false;
};

} // namespace truering
