#include "devices/piix4_pm.hpp"

namespace truering {

namespace {

constexpr u16 apm_control_port = 0xB2;
constexpr u16 apm_status_port = 0xB3;
constexpr u16 pci_hotplug_first = 0xAE00;
constexpr unsigned pci_hotplug_count = 0x14;
constexpr u16 cpu_hotplug_first = 0xAF00;
constexpr unsigned cpu_hotplug_count = 0x20;
constexpr u16 event_block_first = 0xAFE0;
constexpr unsigned event_block_count = 4;

constexpr unsigned pm_block_size = 64;
constexpr unsigned smbus_block_size = 16;

constexpr u16 sci_en = 1 << 0;
constexpr u16 slp_en = 1 << 13;
constexpr u16 control_bits = 0x1C07; // SCI_EN, BRLD_EN, GBL_RLS, SUS_TYP
constexpr u16 enable_bits = Piix4Pm::TMROF | Piix4Pm::GBL | Piix4Pm::PWRBTN | Piix4Pm::RTC;
constexpr u16 status_bits = enable_bits | 1 << 4 | 1 << 11 | Piix4Pm::RSM;

constexpr u64 half_period_ticks = u64{1} << 23;

// SMBus host registers and bits.
constexpr unsigned SMBHSTSTS = 0;
constexpr unsigned SMBHSTCNT = 2;
constexpr u8 smbus_device_error = 1 << 2;
constexpr u8 smbus_start = 1 << 6;

u8 low_or_high(u16 value, unsigned offset) { return static_cast<u8>(offset % 2 == 0 ? value : value >> 8); }

u16 with_byte(u16 value, unsigned offset, u8 byte) {
    return static_cast<u16>(offset % 2 == 0 ? (value & 0xFF00) | byte : (value & 0x00FF) | byte << 8);
}

} // namespace

Piix4Pm::Piix4Pm(Clock& clock, PortBus& ports, const BoardPorts& board)
    : PciFunction({.vendor = 0x8086, .device = 0x7113, .class_code = 0x068000, .revision = 3}, PciPin::IntA),
      clock_(clock), ports_(ports), alarm_(Alarm::calling<&Piix4Pm::timer_alarm>(*this)) {
    set_config(offset_of(PciRegister::Status), 0x0280, 2);
    allow_writes(at(Reg::PMBA), 0xFFC0, 2);
    for (u8 offset = 0x44; offset < at(Reg::PMREGMISC); ++offset) allow_writes(offset, 0xFF);
    allow_writes(at(Reg::PMREGMISC), 0x01);
    allow_writes(at(Reg::SMBBA), 0xFFF0, 2);
    allow_writes(at(Reg::SMBHSTCFG), 0x0F);
    set_config(at(Reg::DEVRESB) + 3, board.parallel ? 0x90 : 0x10);
    set_config(at(Reg::DEVRESC) + 3, 0x60);
    set_config(at(Reg::DEVRESE) + 3, (board.com1 ? 0x08u : 0u) | (board.com2 ? 0x90u : 0u));

    ports.map(apm_control_port, 2, *this);
    ports.map(pci_hotplug_first, pci_hotplug_count, *this, PortWidth::Dword);
    ports.map(cpu_hotplug_first, cpu_hotplug_count, *this, PortWidth::Dword);
    ports.map(event_block_first, event_block_count, *this, PortWidth::Dword);
    Piix4Pm::reset();
}

void Piix4Pm::reset() {
    PciFunction::reset();
    set_config(at(Reg::PMBA), 0x0001, 4);
    set_config(at(Reg::SMBBA), 0x0001, 4);
    set_config(at(Reg::DEVACTB), bit(25), 4); // APMC_EN
    set_config(at(Reg::PMREGMISC), 0);
    set_config(at(Reg::SMBHSTCFG), 0);
    status_ = enable_ = control_ = event_status_ = event_enable_ = 0;
    half_periods_seen_ = ticks_at(clock_.now(), timer_hertz) / half_period_ticks;
    for (u8& byte : pm_scratch_) byte = 0;
    for (u8& byte : smbus_) byte = 0;
    apm_control_ = apm_status_ = 0;
    config_written(0, 0);
    update_sci();
}

void Piix4Pm::place(Window& window, u16 wanted_base, bool enabled, unsigned size) {
    if (window.mapped && enabled && window.base == wanted_base) return;
    if (window.mapped) ports_.unmap(window.base, size);
    window.mapped = enabled && wanted_base != 0;
    for (unsigned n = 0; n < size && window.mapped; ++n)
        window.mapped = !ports_.is_mapped(static_cast<u16>(wanted_base + n)); // other chips' ports stay theirs
    window.base = wanted_base;
    if (window.mapped) ports_.map(wanted_base, size, *this, PortWidth::Dword);
}

void Piix4Pm::config_written(u8, unsigned) {
    place(pm_window_, static_cast<u16>(read_config(at(Reg::PMBA), 2) & 0xFFC0), (config_8(at(Reg::PMREGMISC)) & 1) != 0,
          pm_block_size);
    place(smbus_window_, static_cast<u16>(read_config(at(Reg::SMBBA), 2) & 0xFFF0),
          (config_8(at(Reg::SMBHSTCFG)) & 1) != 0, smbus_block_size);
}

// --- events ---

u32 Piix4Pm::timer_value() const { return static_cast<u32>(ticks_at(clock_.now(), timer_hertz) & 0xFF'FFFF); }

void Piix4Pm::note_overflow() {
    const u64 half_periods = ticks_at(clock_.now(), timer_hertz) / half_period_ticks;
    if (half_periods != half_periods_seen_) status_ |= TMROF;
    half_periods_seen_ = half_periods;
}

void Piix4Pm::timer_alarm() { update_sci(); }

void Piix4Pm::update_sci() {
    note_overflow();
    const bool event = (status_ & enable_) != 0 || (event_status_ & event_enable_) != 0;
    sci.set((control_ & sci_en) != 0 && event);
    if ((enable_ & TMROF) != 0 && (status_ & TMROF) == 0)
        clock_.arm(alarm_, time_of_tick((half_periods_seen_ + 1) * half_period_ticks, timer_hertz));
    else
        clock_.disarm(alarm_);
}

bool Piix4Pm::press_power_button() {
    status_ |= PWRBTN;
    update_sci();
    return (control_ & sci_en) != 0 && (enable_ & PWRBTN) != 0;
}

void Piix4Pm::hear_rtc(unsigned, bool level) {
    if (!level) return;
    status_ |= RTC;
    update_sci();
}

void Piix4Pm::raise_event(unsigned n) {
    event_status_ |= bit<u16>(n & 15);
    update_sci();
}

void Piix4Pm::enter_sleep() {
    if (bits(control_, 12, 10) == 0)
        power_off.pulse();
    else
        status_ |= RSM;
}

// --- the power management block ---

u8 Piix4Pm::read_pm(unsigned offset) {
    switch (offset & ~1u) {
    case 0x00: note_overflow(); return low_or_high(status_, offset);
    case 0x02: return low_or_high(enable_, offset);
    case 0x04: return low_or_high(control_, offset);
    case 0x0C: return low_or_high(event_status_, offset);
    case 0x0E: return low_or_high(event_enable_, offset);
    case 0x08:
    case 0x0A: return static_cast<u8>(timer_value() >> (8 * (offset & 3)));
    default: return pm_scratch_[offset];
    }
}

void Piix4Pm::write_pm(unsigned offset, u8 value) {
    const u16 ones = with_byte(0, offset, value);
    switch (offset & ~1u) {
    case 0x00:
        note_overflow();
        status_ = static_cast<u16>(status_ & ~(ones & status_bits));
        break;
    case 0x02: enable_ = with_byte(enable_, offset, value) & enable_bits; break;
    case 0x04: write_control(offset, value); break;
    case 0x0C: event_status_ = static_cast<u16>(event_status_ & ~ones); break;
    case 0x0E: event_enable_ = with_byte(event_enable_, offset, value); break;
    case 0x08:
    case 0x0A: break; // the timer is read-only
    default: pm_scratch_[offset] = value; break;
    }
    update_sci();
}

void Piix4Pm::write_control(unsigned offset, u8 value) {
    const u16 written = with_byte(control_, offset, value);
    control_ = written & control_bits;
    if ((written & slp_en) != 0) enter_sleep();
}

// --- SMBus: a controller on a bus without devices ---

u8 Piix4Pm::read_smbus(unsigned offset) const { return smbus_[offset]; }

void Piix4Pm::write_smbus(unsigned offset, u8 value) {
    if (offset == SMBHSTSTS) {
        smbus_[SMBHSTSTS] &= static_cast<u8>(~(value & 0x1E));
        return;
    }
    smbus_[offset] = static_cast<u8>(offset == SMBHSTCNT ? value & ~smbus_start : value);
    // A started transaction ends at once: no device acknowledged.
    if (offset == SMBHSTCNT && (value & smbus_start) != 0) smbus_[SMBHSTSTS] |= smbus_device_error;
}

// --- ports ---

void Piix4Pm::write_apm_control(u8 value) {
    apm_control_ = value;
    if (value == 0xF1 || value == 0xE1) control_ |= sci_en;
    if (value == 0xF0 || value == 0x1E) control_ &= static_cast<u16>(~sci_en);
    update_sci();
}

u8 Piix4Pm::read_byte(u16 port) {
    if (port == apm_control_port) return apm_control_;
    if (port == apm_status_port) return apm_status_;
    if (pm_window_.mapped && port >= pm_window_.base && port < pm_window_.base + pm_block_size)
        return read_pm(port - pm_window_.base);
    if (smbus_window_.mapped && port >= smbus_window_.base && port < smbus_window_.base + smbus_block_size)
        return read_smbus(port - smbus_window_.base);
    if (port >= event_block_first && port < event_block_first + event_block_count)
        return read_pm(static_cast<unsigned>(PmReg::GPSTS) + port - event_block_first);
    return port == cpu_hotplug_first ? 1 : 0; // processor 0 is present; no PCI slot can be ejected
}

void Piix4Pm::write_byte(u16 port, u8 value) {
    if (port == apm_control_port)
        write_apm_control(value);
    else if (port == apm_status_port)
        apm_status_ = value;
    else if (pm_window_.mapped && port >= pm_window_.base && port < pm_window_.base + pm_block_size)
        write_pm(port - pm_window_.base, value);
    else if (smbus_window_.mapped && port >= smbus_window_.base && port < smbus_window_.base + smbus_block_size)
        write_smbus(port - smbus_window_.base, value);
    else if (port >= event_block_first && port < event_block_first + event_block_count)
        write_pm(static_cast<unsigned>(PmReg::GPSTS) + port - event_block_first, value);
}

// The timer is read in one go for a wide access since all of its bytes come from the same moment.
u32 Piix4Pm::read_port(u16 port, unsigned size) {
    u32 value = 0;
    for (unsigned n = 0; n < size; ++n) value |= u32{read_byte(static_cast<u16>(port + n))} << (8 * n);
    return value;
}

void Piix4Pm::write_port(u16 port, u32 value, unsigned size) {
    for (unsigned n = 0; n < size; ++n) write_byte(static_cast<u16>(port + n), static_cast<u8>(value >> (8 * n)));
}

} // namespace truering
