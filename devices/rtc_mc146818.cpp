#include "devices/rtc_mc146818.hpp"

#include <algorithm>
#include <chrono>

namespace truering {

namespace {

// Register A
constexpr u8 UIP = 0x80;
constexpr u8 DV_reset = 0x60; // DV 11x holds the divider
constexpr u8 RS = 0x0F;

// Register B
constexpr u8 SET = 0x80;
constexpr u8 PIE = 0x40;
constexpr u8 AIE = 0x20;
constexpr u8 UIE = 0x10;
constexpr u8 SQWE = 0x08;
constexpr u8 DM = 0x04;       // binary
constexpr u8 hours_24 = 0x02; // "24/12"

// Register C
constexpr u8 IRQF = 0x80;
constexpr u8 PF = 0x40;
constexpr u8 AF = 0x20;
constexpr u8 UF = 0x10;

// Register D
constexpr u8 VRT = 0x80;

constexpr u8 alarm_any = 0xC0; // "don't care" in an alarm byte
constexpr u8 PM = 0x80;

constexpr u64 crystal = 32'768;
constexpr u32 seconds_per_day = 86'400;
constexpr Nanoseconds update_time = 244'000 + 1'984'000;
constexpr i64 half_second = 500'000'000;
constexpr Nanoseconds never = ~Nanoseconds{0};
constexpr u32 no_alarm = ~u32{0};

} // namespace

RtcMc146818::RtcMc146818(Clock& clock, u64 start)
    : clock_(clock), alarm_(Alarm::calling<&RtcMc146818::alarm>(*this)), divider_start_(static_cast<i64>(clock.now())) {
    at(Reg::A) = 0x26; // the divider runs, periodic rate 1,024 Hz
    at(Reg::B) = hours_24;
    at(Reg::D) = VRT;
    constexpr u64 end_of_9999 = 253'402'300'799;
    const u64 seconds = std::min(start, end_of_9999);
    set_day(static_cast<i64>(seconds / seconds_per_day));
    set_second_of_day(static_cast<u32>(seconds % seconds_per_day));
    at(Reg::DayOfWeek) = static_cast<u8>((seconds / seconds_per_day + 4) % 7 + 1); // 1970-01-01 was a Thursday
}

void RtcMc146818::reset() {
    account();
    at(Reg::B) = at(Reg::B) & static_cast<u8>(~(PIE | AIE | UIE | SQWE));
    at(Reg::C) = 0;
    index_ = extended_index_ = 0;
    nmi_mask.lower();
    follow();
}

// --- The divider chain -----------------------------------------------------------------------------------------

bool RtcMc146818::running() const { return (at(Reg::A) & DV_reset) != DV_reset; }
bool RtcMc146818::updates() const { return running() && (at(Reg::B) & SET) == 0; }

u64 RtcMc146818::divider_time() const { return static_cast<u64>(static_cast<i64>(clock_.now()) - divider_start_); }

namespace {

// Crystal ticks of one periodic interrupt: rate 3 is 8,192 Hz, each further one half of it; 1 and 2 are 8 and 9.
u64 periodic_interval(u8 register_a) {
    const unsigned rate = register_a & RS;
    return u64{1} << (rate < 3 ? rate + 6 : rate - 1);
}

} // namespace

u64 RtcMc146818::periodic_ticks() const { return ticks_at(divider_time(), crystal) / periodic_interval(at(Reg::A)); }

bool RtcMc146818::update_in_progress() const {
    return updates() && divider_time() % nanoseconds_per_second >= nanoseconds_per_second - update_time;
}

// --- The calendar ----------------------------------------------------------------------------------------------

u8 RtcMc146818::encode(unsigned value) const { return (at(Reg::B) & DM) != 0 ? static_cast<u8>(value) : to_bcd(value); }

unsigned RtcMc146818::decode(u8 value) const { return (at(Reg::B) & DM) != 0 ? value : from_bcd(value); }

u8 RtcMc146818::encode_hour(unsigned hour) const {
    if ((at(Reg::B) & hours_24) != 0) return encode(hour);
    const u8 code = encode(hour % 12 == 0 ? 12 : hour % 12);
    return hour >= 12 ? static_cast<u8>(code | PM) : code;
}

u32 RtcMc146818::second_of_day() const {
    const u8 code = at(Reg::Hours);
    unsigned hour = decode(code);
    if ((at(Reg::B) & hours_24) == 0) hour = decode(code & 0x7F) % 12 + ((code & PM) != 0 ? 12 : 0);
    return std::min(hour, 23u) * 3600 + std::min(decode(at(Reg::Minutes)), 59u) * 60 +
           std::min(decode(at(Reg::Seconds)), 59u);
}

void RtcMc146818::set_second_of_day(u32 second) {
    at(Reg::Hours) = encode_hour(second / 3600);
    at(Reg::Minutes) = encode(second / 60 % 60);
    at(Reg::Seconds) = encode(second % 60);
}

i64 RtcMc146818::day_number() const {
    using namespace std::chrono;
    const unsigned y = std::min(decode(at(Reg::Century)), 99u) * 100 + std::min(decode(at(Reg::Year)), 99u);
    const unsigned m = std::clamp(decode(at(Reg::Month)), 1u, 12u);
    const unsigned d = std::clamp(decode(at(Reg::DateOfMonth)), 1u, 31u);
    const sys_days first_of_month = year(static_cast<int>(y)) / month(m) / day(1);
    return first_of_month.time_since_epoch().count() + static_cast<i64>(d) - 1;
}

void RtcMc146818::set_day(i64 days_since_1970) {
    using namespace std::chrono;
    const year_month_day date{sys_days{days{days_since_1970}}};
    const unsigned y = static_cast<unsigned>(static_cast<int>(date.year())) % 10'000;
    at(Reg::Century) = encode(y / 100);
    at(Reg::Year) = encode(y % 100);
    at(Reg::Month) = encode(static_cast<unsigned>(date.month()));
    at(Reg::DateOfMonth) = encode(static_cast<unsigned>(date.day()));
}

u64 RtcMc146818::calendar_seconds() {
    account();
    const i64 seconds = day_number() * seconds_per_day + second_of_day();
    return seconds < 0 ? 0 : static_cast<u64>(seconds);
}

// Seconds until the next one that matches the alarm bytes, 1-86,400; no_alarm when none does.
u32 RtcMc146818::seconds_to_alarm() const {
    const auto matches = [](u8 alarm_byte, u8 code) { return alarm_byte >= alarm_any || alarm_byte == code; };
    const u32 now = second_of_day();
    u32 t = now + 1;
    // Skips the rest of an hour or minute that cannot match, so the loop is short.
    while (t <= now + seconds_per_day) {
        if (!matches(at(Reg::HoursAlarm), encode_hour(t / 3600 % 24)))
            t = (t / 3600 + 1) * 3600;
        else if (!matches(at(Reg::MinutesAlarm), encode(t / 60 % 60)))
            t = (t / 60 + 1) * 60;
        else if (!matches(at(Reg::SecondsAlarm), encode(t % 60)))
            ++t;
        else
            return t - now;
    }
    return no_alarm;
}

// --- Time passes -----------------------------------------------------------------------------------------------

// Accounts for everything that happened since the last look; afterwards registers and flags are those of now.
void RtcMc146818::account() {
    if (!running()) return;
    account_seconds();
    if ((at(Reg::A) & RS) == 0) return;
    const u64 ticks = periodic_ticks();
    if (ticks != periodic_seen_) at(Reg::C) |= PF;
    periodic_seen_ = ticks;
}

void RtcMc146818::account_seconds() {
    const u64 seconds = divider_time() / nanoseconds_per_second;
    const u64 passed = seconds - seconds_seen_;
    seconds_seen_ = seconds;
    if (passed == 0 || !updates()) return;
    at(Reg::C) |= UF;
    if (seconds_to_alarm() <= passed) at(Reg::C) |= AF;
    const u64 sum = second_of_day() + passed;
    set_second_of_day(static_cast<u32>(sum % seconds_per_day));
    const u64 days = sum / seconds_per_day;
    if (days == 0) return;
    set_day(day_number() + static_cast<i64>(days));
    const unsigned weekday = std::clamp(at(Reg::DayOfWeek) & 7u, 1u, 7u);
    at(Reg::DayOfWeek) = static_cast<u8>((weekday - 1 + days) % 7 + 1);
}

// Brings IRQF, the pin and the alarm in line with flags and enables.
void RtcMc146818::follow() {
    u8& c = at(Reg::C);
    const bool request = (c & at(Reg::B) & (PF | AF | UF)) != 0;
    c = static_cast<u8>(request ? c | IRQF : c & ~IRQF);
    irq.set(request);
    const Nanoseconds next = request ? never : next_interrupt();
    if (next == never)
        clock_.disarm(alarm_);
    else
        clock_.arm(alarm_, next);
}

Nanoseconds RtcMc146818::next_interrupt() const {
    if (!running()) return never;
    const auto moment = [this](u64 after_start) {
        return static_cast<Nanoseconds>(divider_start_ + static_cast<i64>(after_start));
    };
    const u8 b = at(Reg::B);
    Nanoseconds next = never;
    if ((b & PIE) != 0 && (at(Reg::A) & RS) != 0)
        next = moment(time_of_tick((periodic_ticks() + 1) * periodic_interval(at(Reg::A)), crystal));
    if ((b & SET) != 0) return next;
    if ((b & UIE) != 0) next = std::min(next, moment((seconds_seen_ + 1) * nanoseconds_per_second));
    const u32 seconds = (b & AIE) != 0 ? seconds_to_alarm() : no_alarm;
    if (seconds != no_alarm) next = std::min(next, moment((seconds_seen_ + seconds) * nanoseconds_per_second));
    return next;
}

void RtcMc146818::alarm() {
    account();
    follow();
}

// --- Registers -------------------------------------------------------------------------------------------------

u8 RtcMc146818::cmos(unsigned index) {
    account();
    follow();
    const u8 value = cmos_[index % bytes];
    return index == static_cast<unsigned>(Reg::A) && update_in_progress() ? static_cast<u8>(value | UIP) : value;
}

void RtcMc146818::set_cmos(unsigned index, u8 value) {
    account();
    cmos_[index % bytes] = value;
    follow();
}

u8 RtcMc146818::read(unsigned index) {
    const u8 value = cmos(index);
    return index == static_cast<unsigned>(Reg::C) ? read_c() : value;
}

u8 RtcMc146818::read_c() {
    const u8 flags = at(Reg::C);
    at(Reg::C) = 0;
    follow();
    return flags;
}

void RtcMc146818::write(unsigned index, u8 value) {
    account();
    switch (static_cast<Reg>(index)) {
    case Reg::A: write_a(value); break;
    case Reg::B: write_b(value); break;
    case Reg::C:
    case Reg::D: break; // read-only
    default: cmos_[index] = value; break;
    }
    follow();
}

void RtcMc146818::write_a(u8 value) {
    const bool ran = running();
    at(Reg::A) = value & static_cast<u8>(~UIP);
    if (running() && !ran) {
        // Let go, the divider completes the first second after half of one.
        divider_start_ = static_cast<i64>(clock_.now()) - half_second;
        seconds_seen_ = 0;
    }
    if (running()) periodic_seen_ = periodic_ticks();
}

void RtcMc146818::write_b(u8 value) {
    if ((value & SET) != 0) value = value & static_cast<u8>(~UIE);
    at(Reg::B) = value;
}

u32 RtcMc146818::read_port(u16 port, unsigned) {
    switch (port & 3) {
    case 1: return read(index_);
    case 3: return read(extended_index_ | 0x80u);
    default: return 0xFF; // the index registers are write-only
    }
}

void RtcMc146818::write_port(u16 port, u32 value, unsigned) {
    const u8 byte = static_cast<u8>(value);
    switch (port & 3) {
    case 0:
        index_ = byte & 0x7F;
        nmi_mask.set(test_bit(byte, 7));
        break;
    case 1: write(index_, byte); break;
    case 2: extended_index_ = byte & 0x7F; break;
    case 3: write(extended_index_ | 0x80u, byte); break;
    }
}

} // namespace truering
