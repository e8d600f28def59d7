// The AT's real-time clock: an MC146818 with 128 bytes (14 registers, the rest battery-backed RAM), and the PIIX's
// second bank of 128.
//
// Idea: nothing ticks. The chip remembers when its divider chain was last started; the seconds and periodic ticks that
// passed since the last look are accounted for when somebody looks, in constant time. An alarm on the Clock is armed
// only while an enabled interrupt could come, and not again before the guest has read register C.
//
// The calendar is the register bytes themselves, in the format that register B names, so that a guest reads back what
// it wrote. Registers change at the end of the update cycle; UIP is high for the 244 + 1984 microseconds before.
//
// Register 32H holds the century, in the same format, and is carried. Daylight saving (DSE) has no effect and the
// divider inputs for other crystals count as the 32,768 Hz one, as in the PIIX.
// Source: Motorola MC146818 datasheet; PIIX3 (82371SB), real-time clock.
#pragma once

#include "base/bits.hpp"
#include "memory/clock.hpp"
#include "memory/line.hpp"
#include "memory/port_bus.hpp"

#include <array>

namespace truering {

class RtcMc146818 final : public PortDevice {
  public:
    enum class Reg : u8 {
        Seconds = 0x00,
        SecondsAlarm = 0x01,
        Minutes = 0x02,
        MinutesAlarm = 0x03,
        Hours = 0x04,
        HoursAlarm = 0x05,
        DayOfWeek = 0x06, // 1 is Sunday
        DateOfMonth = 0x07,
        Month = 0x08,
        Year = 0x09,
        A = 0x0A,
        B = 0x0B,
        C = 0x0C,
        D = 0x0D,
        Century = 0x32,
    };

    static constexpr u16 first_port = 0x70; // 70H-73H
    static constexpr unsigned bytes = 256;

    // start: seconds since 1970-01-01 00:00 UTC that the clock shows at the Clock's present moment (years 1970-9999).
    RtcMc146818(Clock& clock, u64 start);
    RtcMc146818(const RtcMc146818&) = delete;
    RtcMc146818& operator=(const RtcMc146818&) = delete;

    void map(PortBus& bus) { bus.map(first_port, 4, *this); }

    // The RESET# pin: interrupts are off; time, RAM and divider go on, they have a battery.
    void reset();

    Line irq;      // IRQ 8
    Line nmi_mask; // bit 7 of port 70H: high while NMI is masked
    [[nodiscard]] bool nmi_masked() const { return nmi_mask.level(); }

    // The RAM for the machine: memory sizes, disk types, boot order. Index 0-255; from 128 on the second bank.
    void set_cmos(unsigned index, u8 value);
    [[nodiscard]] u8 cmos(unsigned index); // without side effects

    // What the calendar shows, in seconds since 1970.
    [[nodiscard]] u64 calendar_seconds();

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

  private:
    [[nodiscard]] u8& at(Reg reg) { return cmos_[static_cast<unsigned>(reg)]; }
    [[nodiscard]] u8 at(Reg reg) const { return cmos_[static_cast<unsigned>(reg)]; }

    [[nodiscard]] bool running() const;
    [[nodiscard]] bool updates() const;
    [[nodiscard]] u64 divider_time() const;
    [[nodiscard]] u64 periodic_ticks() const;
    [[nodiscard]] bool update_in_progress() const;

    [[nodiscard]] u8 encode(unsigned value) const;
    [[nodiscard]] unsigned decode(u8 value) const;
    [[nodiscard]] u8 encode_hour(unsigned hour) const;
    [[nodiscard]] u32 second_of_day() const;
    [[nodiscard]] i64 day_number() const;
    void set_second_of_day(u32 second);
    void set_day(i64 days_since_1970);
    [[nodiscard]] u32 seconds_to_alarm() const;

    u8 read(unsigned index);
    void write(unsigned index, u8 value);
    void write_a(u8 value);
    void write_b(u8 value);
    u8 read_c();
    void account();
    void account_seconds();
    void follow();
    [[nodiscard]] Nanoseconds next_interrupt() const;
    void alarm();

    Clock& clock_;
    Alarm alarm_;
    std::array<u8, bytes> cmos_{};
    u8 index_ = 0;          // 70H
    u8 extended_index_ = 0; // 72H
    i64 divider_start_ = 0; // nanoseconds; a second ends at every whole second from here
    u64 seconds_seen_ = 0;  // since divider_start_
    u64 periodic_seen_ = 0;
};

} // namespace truering
