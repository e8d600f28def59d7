// What the firmware is told about the machine: the RTC's battery-backed registers, and the items of fw_cfg.
//
// Source: IBM PC AT technical reference, CMOS RAM; R. Brown's CMOS memory map; SeaBIOS's run-time configuration.
#include "machine/boot_rom.hpp"
#include "machine/empty_acpi.hpp"
#include "machine/pc.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace truering {

namespace {

constexpr u64 kib = 1024;
constexpr u64 mib = 1024 * kib;

enum Cmos : unsigned {
    cmos_floppy_types = 0x10,
    cmos_disk_types = 0x12,
    cmos_equipment = 0x14,
    cmos_base_memory = 0x15,     // KiB, a word
    cmos_extended_memory = 0x17, // the same, above 1 MiB
    cmos_disk_c_type = 0x19,
    cmos_disk_d_type = 0x1A,
    cmos_disk_c = 0x1B, // nine bytes each
    cmos_disk_d = 0x24,
    cmos_extended_memory_found = 0x30,
    cmos_memory_above_16m = 0x34, // 64 KiB, a word
    cmos_boot_flag_1 = 0x38,
    cmos_disk_translation = 0x39, // two bits a drive
    cmos_boot_flag_2 = 0x3D,
    cmos_memory_above_4g = 0x5B, // 64 KiB, three bytes
    cmos_more_processors = 0x5F,
};

constexpr u8 user_defined_disk = 47;

} // namespace

std::vector<BootDevice> Pc::boot_order(const PcConfig& config) const {
    if (!config.boot.empty()) return config.boot;
    const auto kind_of = [](BootDevice device) {
        return device == BootDevice::Floppy     ? MediumKind::Floppy
               : device == BootDevice::HardDisk ? MediumKind::HardDisk
                                                : MediumKind::CdRom;
    };
    // What can boot, then what might (a boot sector without its signature), and no empty drives at all.
    std::vector<BootDevice> order;
    for (const bool bootable : {true, false})
        for (const BootDevice device : {BootDevice::Floppy, BootDevice::HardDisk, BootDevice::CdRom}) {
            const auto fits = [&](bool wanted) {
                return std::any_of(drives_.begin(), drives_.end(), [&](const Drive& drive) {
                    return drive.opened.kind == kind_of(device) && drive.opened.bootable == wanted;
                });
            };
            if (fits(bootable) && (bootable || !fits(true))) order.push_back(device);
        }
    return order;
}

void Pc::fill_cmos(const PcConfig& config) {
    const auto set_word = [this](unsigned at, u64 value) {
        const auto word = static_cast<u16>(std::min<u64>(value, 0xFFFF));
        rtc.set_cmos(at, static_cast<u8>(word));
        rtc.set_cmos(at + 1, static_cast<u8>(word >> 8));
    };
    const u64 below_4g = memory.ram_below_4g();
    set_word(cmos_base_memory, 640);
    const u64 extended = below_4g > mib ? (below_4g - mib) / kib : 0;
    set_word(cmos_extended_memory, extended);
    set_word(cmos_extended_memory_found, extended);
    set_word(cmos_memory_above_16m, below_4g > 16 * mib ? (below_4g - 16 * mib) / (64 * kib) : 0);
    const u64 above_4g = memory.ram_above_4g() / (64 * kib);
    set_word(cmos_memory_above_4g, above_4g & 0xFFFF);
    rtc.set_cmos(cmos_memory_above_4g + 2, static_cast<u8>(above_4g >> 16));
    rtc.set_cmos(cmos_more_processors, 0);

    const auto type_a = static_cast<unsigned>(fdc->drive(0).type());
    const auto type_b = static_cast<unsigned>(fdc->drive(1).type());
    rtc.set_cmos(cmos_floppy_types, static_cast<u8>(type_a << 4 | type_b));
    const unsigned floppies = (type_a != 0 ? 1u : 0u) + (type_b != 0 ? 1u : 0u);
    constexpr unsigned coprocessor = 0x02, ps2_mouse = 0x04;
    const unsigned floppy_bits = floppies == 0 ? 0 : 1 | (floppies - 1) << 6;
    rtc.set_cmos(cmos_equipment, static_cast<u8>(floppy_bits | coprocessor | ps2_mouse));
    fill_disk_types();

    // SeaBIOS's boot order: a digit a device, the first in the low half of register 3DH.
    unsigned order = 0, shift = 0;
    for (const BootDevice device : boot_order(config)) {
        if (shift >= 12) break;
        order |= (static_cast<unsigned>(device) + 1) << shift;
        shift += 4;
    }
    constexpr unsigned no_floppy_signature_check = 1;
    rtc.set_cmos(cmos_boot_flag_2, static_cast<u8>(order));
    rtc.set_cmos(cmos_boot_flag_1, static_cast<u8>((order >> 4 & 0xF0) | no_floppy_signature_check));
}

void Pc::fill_disk_types() {
    unsigned types = 0, translation = 0;
    for (const Drive& drive : drives_) {
        if (drive.opened.kind != MediumKind::HardDisk) continue;
        const auto* disk = dynamic_cast<const AtaDisk*>(
            (drive.index < 2 ? ide_primary_channel : ide_secondary_channel).drive(drive.index % 2));
        const DiskGeometry geometry = disk->geometry();
        constexpr u32 most_untranslated = 1024;
        constexpr unsigned by_lba = 1;
        if (geometry.cylinders > most_untranslated) translation |= by_lba << (drive.index * 2);
        if (drive.index > 1) continue;
        types |= 0xFu << (drive.index == 0 ? 4 : 0);
        rtc.set_cmos(drive.index == 0 ? cmos_disk_c_type : cmos_disk_d_type, user_defined_disk);
        const unsigned at = drive.index == 0 ? cmos_disk_c : cmos_disk_d;
        const auto cylinders = static_cast<u16>(geometry.cylinders);
        const u8 bytes[9] = {static_cast<u8>(cylinders),
                             static_cast<u8>(cylinders >> 8),
                             static_cast<u8>(geometry.heads),
                             0xFF, // no write precompensation
                             0xFF,
                             static_cast<u8>(0xC0 | (geometry.heads > 8 ? 8 : 0)),
                             static_cast<u8>(cylinders),
                             static_cast<u8>(cylinders >> 8),
                             static_cast<u8>(geometry.sectors)};
        for (unsigned n = 0; n < sizeof bytes; ++n) rtc.set_cmos(at + n, bytes[n]);
    }
    rtc.set_cmos(cmos_disk_types, static_cast<u8>(types));
    rtc.set_cmos(cmos_disk_translation, static_cast<u8>(translation));
}

void Pc::fill_fw_cfg(const PcConfig& config, const PcPlugs& plugs) {
    fw_cfg.add_u64(FwCfg::Key::RamSize, memory.ram_size());
    fw_cfg.add_u16(FwCfg::Key::NbCpus, 1);
    fw_cfg.add_u16(FwCfg::Key::MaxCpus, 1);
    fw_cfg.add_u16(FwCfg::Key::NoGraphic, plugs.serial_console ? 1 : 0);
    fw_cfg.add_u16(FwCfg::Key::BootMenu, config.boot_menu ? 1 : 0);
    fw_cfg.add_item(FwCfg::Key::Numa, std::vector<u8>(16));
    fw_cfg.add_item(FwCfg::Key::Irq0Override, {1}); // the timer is input 2 of the I/O APIC (irq_wires.hpp)

    constexpr u32 ram = 1;
    std::vector<FwCfg::MemoryRange> ranges{{0, memory.ram_below_4g(), ram}};
    if (memory.ram_above_4g() != 0) ranges.push_back({PhysicalMemory::four_gib, memory.ram_above_4g(), ram});
    fw_cfg.add_e820(ranges);

    // Without a device to boot from, SeaBIOS waits instead of resetting every minute.
    fw_cfg.add_file("etc/boot-fail-wait", {0xFF, 0xFF, 0xFF, 0xFF});
    if (plugs.serial_console) fw_cfg.add_file_u64("etc/sercon-port", Uart16550::com1);
    if (!config.acpi) add_empty_acpi(fw_cfg);
    if (kernels_) {
        // A ROM a kernel, all the same: who is started by the first may ask by INT 18H for the next device.
        std::string order;
        for (size_t n = 0; n < kernels_->count(); ++n) {
            const std::string name = fmt::format("genroms/truering-kernel-{}.rom", n);
            fw_cfg.add_file(name, make_boot_rom());
            order += fmt::format("/rom@{}\n", name);
        }
        fw_cfg.add_file_string("bootorder", order);
    }
}

} // namespace truering
