// Intel PIIX4, function 3: ACPI power management, the power management timer and the SMBus controller.
//
// Ports move: the power management block stands where PMBA says while PMREGMISC enables it, the SMBus block where
// SMBBA says while SMBHSTCFG does. Fixed are the APM ports B2H/B3H and, as firmware for emulators expects, the general
// purpose event block at AFE0H and the hot-plug blocks at AE00H (PCI) and AF00H (processors), which here say that
// nothing can be plugged.
//
// There is no system management mode. Firmware that would install a handler for it is told that this has been done
// (APMC_EN in DEVACTB is set from the start), and what the handler would do on a write to port B2H is done by the chip:
// F1H or E1H turns SCI_EN on, F0H or 1EH off.
//
// Events (timer overflow, power button, RTC alarm, general purpose) latch status bits. `sci` is high while SCI_EN is
// set and any status bit stands together with its enable. Sleep type 0 with SLP_EN pulses `power_off`; any other type
// wakes up again at once.
//
// The timer counts 24 bits of 3.579545 MHz and latches TMROF_STS each time its highest bit changes. It is computed from
// the clock when looked at; an alarm runs only while the overflow may interrupt.
//
// Source: Intel 82371AB (PIIX4) datasheet (290562), chapter 7; ACPI 1.0, section 4.7.
#pragma once

#include "devices/pci_function.hpp"
#include "memory/clock.hpp"

namespace truering {

// Which legacy ports the board has: ACPI reads it from configuration registers of this function.
struct BoardPorts {
    bool com1 = true;
    bool com2 = true;
    bool parallel = true;
};

class Piix4Pm final : public PciFunction, public PortDevice {
  public:
    static constexpr u64 timer_hertz = 3'579'545;

    // Configuration space.
    enum class Reg : u8 {
        PMBA = 0x40,
        DEVACTB = 0x58,
        DEVRESB = 0x5C,
        DEVRESC = 0x60,
        DEVRESE = 0x64,
        PMREGMISC = 0x80,
        SMBBA = 0x90,
        SMBHSTCFG = 0xD2,
        SMBREV = 0xD6
    };
    // Offsets in the power management block.
    enum class PmReg : u8 { PMSTS = 0x00, PMEN = 0x02, PMCNTRL = 0x04, PMTMR = 0x08, GPSTS = 0x0C, GPEN = 0x0E };
    // Bits of PMSTS and, where they can be enabled, PMEN.
    enum PmEvent : u16 {
        TMROF = 1 << 0,
        GBL = 1 << 5,
        PWRBTN = 1 << 8,
        RTC = 1 << 10,
        RSM = 1 << 15,
    };

    // Maps the fixed ports.
    Piix4Pm(Clock& clock, PortBus& ports, const BoardPorts& board);

    void reset() override;

    // Output to interrupt request 9, level, active high.
    Line sci;
    // Pulsed when software turns the machine off.
    Line power_off;

    // Somebody pressed the power button: an operating system with ACPI shuts down. False when none would notice.
    bool press_power_button();
    // Input from the real time clock's interrupt request 8.
    void hear_rtc(unsigned, bool level);
    // A general purpose event 0-15 happened.
    void raise_event(unsigned n);

    [[nodiscard]] u32 timer_value() const; // 24 bits

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

  protected:
    void config_written(u8 offset, unsigned size) override;

  private:
    struct Window {
        u16 base = 0;
        bool mapped = false;
    };
    void place(Window& window, u16 wanted_base, bool enabled, unsigned size);
    [[nodiscard]] u8 read_pm(unsigned offset);
    void write_pm(unsigned offset, u8 value);
    void write_control(unsigned offset, u8 value);
    [[nodiscard]] u8 read_smbus(unsigned offset) const;
    void write_smbus(unsigned offset, u8 value);
    [[nodiscard]] u8 read_byte(u16 port);
    void write_byte(u16 port, u8 value);
    void write_apm_control(u8 value);
    void enter_sleep();
    void note_overflow();
    void timer_alarm();
    void update_sci();
    static constexpr u8 at(Reg reg) { return static_cast<u8>(reg); }

    Clock& clock_;
    PortBus& ports_;
    Alarm alarm_;
    Window pm_window_;
    Window smbus_window_;

    u16 status_ = 0;
    u16 enable_ = 0;
    u16 control_ = 0;
    u16 event_status_ = 0;
    u16 event_enable_ = 0;
    u64 half_periods_seen_ = 0; // changes of the timer's highest bit that were latched or cleared already
    u8 pm_scratch_[64] = {};    // registers of the block that only remember
    u8 smbus_[16] = {};
    u8 apm_control_ = 0;
    u8 apm_status_ = 0;
};

} // namespace truering
