// Devices that write to memory by themselves, asked to write to where the VMM hides: the IDE controller's bus master,
// and the firmware configuration device. Each is first seen to work where it may.
#include "tests/guests/probe/probe.hpp"

namespace probe {

namespace {

u8* const buffer = reinterpret_cast<u8*>(0x30000);

bool is_alive() { return cpuid(0x4000'0000).ebx == 0x676E'6952; }

// ---- Bus master IDE: the first disk's first sectors

struct Region {
    u32 address, count_and_flags;
};
Region* const regions = reinterpret_cast<Region*>(0x26000);
constexpr u32 end_of_table = 0x8000'0000;
constexpr u32 BAR4 = pci(1, 1, 0x20), command = pci(1, 1, 4);

void read_disk(u16 engine, u8 sectors) {
    constexpr u16 count = 0x1F2, low = 0x1F3, middle = 0x1F4, high = 0x1F5, drive = 0x1F6, order = 0x1F7,
                  control = 0x3F6;
    constexpr u8 no_interrupts = 2, LBA = 0xE0, READ_DMA = 0xC8, to_memory_and_start = 9, busy = 0x88;
    constexpr u32 patience = 1'000'000;
    out8(control, no_interrupts);
    out8(drive, LBA);
    out8(count, sectors);
    out8(low, 0);
    out8(middle, 0);
    out8(high, 0);
    out8(order, READ_DMA);
    out8(engine, to_memory_and_start);
    for (u32 n = 0; n < patience && (in8(order) & busy) != 0; ++n) {
    }
    out8(engine, 0);
}

void probe_ide(u32 hidden) {
    constexpr u32 io_and_master = 5;
    write_pci(command, (read_pci(command) & 0xFFFF) | io_and_master);
    // Moved, as a guest may: over another device's ports, by single bytes, by an access that begins elsewhere.
    write_pci(BAR4, 0x511);
    constexpr u16 pci_data = 0xCFC, before_pci_data = 0xCFA;
    out8(pci_data + 1, 0x58);
    write_pci(BAR4, 0x5701);
    out32(before_pci_data, 0x5801'0000);
    const u16 engine = static_cast<u16>(read_pci(BAR4) & 0xFFF0), pointer = static_cast<u16>(engine + 4);
    out8(engine, 0);

    regions[0] = {reinterpret_cast<u32>(buffer), 512 | end_of_table};
    out32(pointer, reinterpret_cast<u32>(regions));
    read_disk(engine, 1);
    check("the disk's bus master works", buffer[510] == 0x55 && buffer[511] == 0xAA);
    check("its table's address reads as written", in32(pointer) == reinterpret_cast<u32>(regions));

    constexpr u8 sectors_256 = 0; // 128 KiB
    regions[0] = {hidden, 0};
    regions[1] = {hidden + 0x10000, end_of_table};
    read_disk(engine, sectors_256);
    check("the disk's bus master does not reach the range", is_alive());
}

// ---- The firmware configuration device

struct Descriptor {
    u32 control, length, address_high, address_low; // big-endian
};
Descriptor* const descriptor = reinterpret_cast<Descriptor*>(0x27000);
enum Control : u32 { ctl_error = 1, ctl_read = 2, ctl_select = 8 };

// Returns what is left in `control`.
u32 copy_item(u32 key, u32 to, u32 size) {
    constexpr u16 address_high = 0x514, address_low = 0x518;
    descriptor->control = __builtin_bswap32(key << 16 | ctl_select | ctl_read);
    descriptor->length = __builtin_bswap32(size);
    descriptor->address_high = 0;
    descriptor->address_low = __builtin_bswap32(to);
    out32(address_high, 0);
    out32(address_low, __builtin_bswap32(reinterpret_cast<u32>(descriptor)));
    asm volatile("" : : : "memory");
    return __builtin_bswap32(descriptor->control);
}

void probe_firmware_device(u32 hidden, u32 size) {
    constexpr u32 signature_key = 0, no_item = 0x7FFF; // of which there are zeros
    const bool worked = copy_item(signature_key, reinterpret_cast<u32>(buffer), 4) == 0;
    check("the firmware device's DMA works", worked && buffer[0] == 'Q' && buffer[3] == 'U');
    check("the firmware device does not reach the range", copy_item(no_item, hidden, size) == ctl_error && is_alive());
    const bool refused = copy_item(no_item, hidden - 16, 32) == ctl_error;
    check("nor from below", refused && is_alive());
}

} // namespace

void probe_devices(u32 hidden, u32 size) {
    probe_ide(hidden);
    probe_firmware_device(hidden, size);
}

} // namespace probe
