#include "devices/i440fx.hpp"

#include <algorithm>

namespace truering {

namespace {

constexpr u64 window_base = 0xC0000;
constexpr u64 window_size = 0x40000;
constexpr u64 bios_base = 0xE0000;
constexpr u64 bios_size = 0x20000;
constexpr u64 video_base = 0xA0000;
constexpr u64 video_size = 0x20000;
constexpr u32 drb_unit = 8 << 20;

constexpr unsigned read_enable = 1;
constexpr unsigned write_enable = 2;

constexpr u8 smram_d_open = 1 << 6;
constexpr u8 smram_d_lck = 1 << 4;
constexpr u8 smram_g_smrame = 1 << 3;

// Segments 0-11 are 16 KiB from C0000H, described by PAM1-PAM6, low nibble first; segment 12 is F0000H-FFFFFH, the
// high nibble of PAM0.
constexpr u64 segment_base(unsigned n) { return window_base + n * u64{0x4000}; }
constexpr u64 segment_size(unsigned n) { return n == 12 ? 0x10000 : 0x4000; }

} // namespace

I440fx::I440fx(PhysicalMemory& memory, std::span<const u8> system_bios, std::span<const u8> vga_bios)
    : PciFunction({.vendor = 0x8086, .device = 0x1237, .class_code = 0x060000, .revision = 2}), memory_(memory),
      window_(window_size, 0xFF) {
    const size_t padded = (system_bios.size() + page_offset_mask) & ~size_t{page_offset_mask};
    flash_.assign(padded, 0xFF);
    std::copy(system_bios.begin(), system_bios.end(), flash_.end() - static_cast<ptrdiff_t>(system_bios.size()));
    const size_t shown = std::min<size_t>(flash_.size(), bios_size);
    std::copy(flash_.end() - static_cast<ptrdiff_t>(shown), flash_.end(),
              window_.end() - static_cast<ptrdiff_t>(shown));
    const size_t video = std::min<size_t>(vga_bios.size(), bios_base - window_base);
    std::copy_n(vga_bios.begin(), video, window_.begin());

    set_config(offset_of(PciRegister::Status), 0x0280, 2); // fast back-to-back, medium DEVSEL#
    allow_writes(at(Reg::PMCCFG), 0xFF, 1);
    for (u8 offset = at(Reg::DRAMC); offset < at(Reg::DRB0) + 8; ++offset) allow_writes(offset, 0xFF);
    allow_writes(at(Reg::ERRCMD), 0xFF);
    allow_writes(at(Reg::SMRAM), 0x78);
    map_top_of_4g();
    I440fx::reset();
}

void I440fx::reset() {
    PciFunction::reset();
    set_config(offset_of(PciRegister::Command), pci_command::memory_space | pci_command::bus_master, 2);
    set_config(at(Reg::DRAMC), 1);
    set_config(at(Reg::DRAMT), 2);
    for (u8 n = 0; n < 7; ++n) set_config(static_cast<u8>(at(Reg::PAM0) + n), 0);
    const u64 rows = std::min<u64>(memory_.ram_size() / drb_unit, 0xFF);
    for (u8 n = 0; n < 8; ++n) set_config(static_cast<u8>(at(Reg::DRB0) + n), static_cast<u32>(rows));
    set_config(at(Reg::SMRAM), 2);
    for (unsigned n = 0; n < segment_count; ++n) {
        mapped_attributes_[n] = 0xFF; // none of the four: forces the mapping
        update_segment(n);
    }
    update_smram();
}

void I440fx::map_top_of_4g() { memory_.map_rom({PhysicalMemory::four_gib - flash_.size()}, flash_); }

unsigned I440fx::segment_attributes(unsigned n) const {
    const unsigned pam = n == 12 ? 0 : 1 + n / 2;
    const unsigned value = config_8(static_cast<u8>(at(Reg::PAM0) + pam));
    const bool high = n == 12 || n % 2 != 0;
    return (high ? value >> 4 : value) & (read_enable | write_enable);
}

void I440fx::update_segment(unsigned n) {
    const unsigned attributes = segment_attributes(n);
    if (attributes == mapped_attributes_[n]) return;
    mapped_attributes_[n] = static_cast<u8>(attributes);
    const Physical base{segment_base(n)};
    const u64 size = segment_size(n);
    const std::span<const u8> rom = std::span<const u8>(window_).subspan(base.value - window_base, size);
    switch (attributes) {
    case 0: memory_.map_rom(base, rom); break;
    case read_enable: memory_.map_ram_read_only(base, size); break;
    case write_enable: memory_.map_rom_over_ram(base, rom); break;
    default: memory_.map_ram(base, size); break;
    }
}

void I440fx::update_smram() {
    const u8 value = config_8(at(Reg::SMRAM));
    const bool open = (value & smram_d_open) != 0 && (value & smram_g_smrame) != 0;
    if (open == smram_open.level()) return;
    if (open) {
        smram_open.raise();
        memory_.map_ram({video_base}, video_size);
    } else {
        memory_.unmap({video_base}, video_size);
        smram_open.lower();
    }
}

void I440fx::config_written(u8 offset, unsigned size) {
    for (unsigned n = 0; n < segment_count; ++n) update_segment(n);
    const u8 smram = at(Reg::SMRAM);
    if (offset > smram || offset + size <= smram) return;
    // The lock closes the range for good: until the next reset the register reads as it stands.
    const u8 value = config_8(smram);
    if ((value & smram_d_lck) != 0) set_config(smram, value & ~u32{smram_d_open});
    update_smram();
}

} // namespace truering
