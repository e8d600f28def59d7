// Line A20, PCI configuration, and devices that write to memory by themselves: the 8237, the IDE bus master, the
// firmware's configuration device. The processor's mode has no say there; that nothing arrives in the hidden range is
// the VMM's work alone. (The host looks at the range itself; the guest sees only ones.)
#include "tests/vmm/hostile/hostile.hpp"

namespace hostile {

namespace {

constexpr uint32_t megabyte = 1u << 20;

void set_A20_by_92(bool on) { out8(0x92, static_cast<uint8_t>(on ? 2 : 0)); }

void wait_for_keyboard() {
    for (int patience = 100'000; patience != 0 && (in8(0x64) & 2) != 0; --patience) {
    }
}
void set_A20_by_8042(bool on) {
    wait_for_keyboard();
    out8(0x64, 0xD1);
    wait_for_keyboard();
    out8(0x60, static_cast<uint8_t>(on ? 0xDF : 0xDD));
    wait_for_keyboard();
}

uint32_t configuration(uint32_t function, uint32_t reg) {
    out32(0xCF8, 0x8000'0000 | function << 8 | reg);
    return in32(0xCFC);
}
void configure(uint32_t function, uint32_t reg, uint32_t value) {
    out32(0xCF8, 0x8000'0000 | function << 8 | reg);
    out32(0xCFC, value);
}

constexpr uint32_t swap(uint32_t value) { return __builtin_bswap32(value); }

// A descriptor: control, length, address (64 bits), all big-endian.
void fw_cfg_write(uint32_t to, uint32_t address_high, uint32_t length) {
    constexpr uint32_t descriptor_at = scratch + 0x1000, read = 2, select = 8;
    word_at(descriptor_at) = swap(read | select | 0x19u << 16); // the directory's bytes
    word_at(descriptor_at + 4) = swap(length);
    word_at(descriptor_at + 8) = swap(address_high);
    word_at(descriptor_at + 12) = swap(to);
    out32(0x514, 0);
    out32(0x518, swap(descriptor_at));
}

void by_fw_cfg() {
    const uint32_t hidden = hidden_begin();
    fw_cfg_write(hidden, 0, 0x10'0000);
    fw_cfg_write(hidden - 0x1000, 0, hidden_end() - hidden + 0x1000); // across its beginning
    for (uint32_t n = 0; n < 4; ++n) fw_cfg_write(hidden + below(hidden_end() - hidden), n % 2, random() % 65536);
    fw_cfg_write(0x1000, 0xFFFF'FFFF, 0x2000);
    out32(0x514, 0); // a descriptor there, which gets its status written
    out32(0x518, swap(hidden + 0x2000));
    out32(0x514, 0);
    for (uint16_t n = 0; n < 4; ++n)
        out8(static_cast<uint16_t>(0x518 + n), static_cast<uint8_t>(hidden >> (24 - 8 * n)));
    // What it is there for must go on.
    fw_cfg_write(scratch + 0x3000, 0, 64);
    check("the firmware's device still writes where it may", word_at(scratch + 0x3000) != 0);
}

void by_8237() {
    const uint32_t hidden = hidden_begin();
    for (uint32_t n = 0; n < 32; ++n) {
        const uint32_t to = hidden + n * 0x1'0000;
        out8(0x0D, 0);                              // master clear
        out8(0x08, 1);                              // memory to memory
        out8(0x0B, 0x88);                           // channel 0: block, read
        out8(0x0B, 0x85);                           // channel 1: block, write
        out8(0x83, static_cast<uint8_t>(to >> 16)); // its page
        out8(0x87, static_cast<uint8_t>(scratch >> 16));
        for (int k = 0; k < 2; ++k) {
            out8(0x00, static_cast<uint8_t>(random()));
            out8(0x02, static_cast<uint8_t>(to >> (8 * k)));
            out8(0x03, 0xFF);
        }
        out8(0x0F, 0);
        out8(0x09, 4); // request channel 0
    }
    out8(0x0D, 0);
}

constexpr uint32_t ide_function = 1 << 3 | 1; // 00:01.1

void wait_for_disk() {
    for (int patience = 100'000; patience != 0 && (in8(0x1F7) & 0x80) != 0; --patience) {
    }
}

// A sector of the disk to memory, by a table of regions.
void ide_read(uint16_t ports, uint32_t table) {
    configure(ide_function, 4, configuration(ide_function, 4) | 5);
    out8(ports, 0);
    out32(static_cast<uint16_t>(ports + 4), table);
    out8(static_cast<uint16_t>(ports + 2), 6);
    out8(0x1F6, 0xE0);
    wait_for_disk();
    out8(0x3F6, 2); // no interrupts
    out8(0x1F2, 8);
    out8(0x1F3, 0);
    out8(0x1F4, 0);
    out8(0x1F5, 0);
    out8(0x1F7, 0xC8); // READ DMA
    out8(ports, 9);
    for (int patience = 10'000; patience != 0; --patience) in8(0x1F7);
    out8(ports, 8);
    wait_for_disk();
}

void region(uint32_t table, uint32_t address, uint32_t bytes_and_end) {
    word_at(table) = address;
    word_at(table + 4) = bytes_and_end;
}

void by_bus_master() {
    constexpr uint32_t table = scratch + 0x8000, last = 1u << 31;
    const uint32_t hidden = hidden_begin();
    const auto ports = static_cast<uint16_t>(configuration(ide_function, 0x20) & 0xFFF0);
    region(table, scratch + 0x9000, 4096 | last);
    word_at(scratch + 0x9000) = 0x5555'5555;
    ide_read(ports, table);
    check("the disk still writes where it may", word_at(scratch + 0x9000) != 0x5555'5555);
    region(table, hidden, 4096 | last);
    ide_read(ports, table);
    region(table, hidden - 512, 4096 | last);
    ide_read(ports, table);
    region(table, scratch + 0x9000, 512);
    region(table + 8, hidden + 0x4000, 3584 | last);
    ide_read(ports, table);
    ide_read(ports, hidden); // the table itself is there
    // The ports moved elsewhere, where nobody may be watching.
    constexpr uint16_t elsewhere = 0xD000;
    configure(ide_function, 0x20, elsewhere);
    region(table, hidden + 0x8000, 4096 | last);
    ide_read(elsewhere, table);
    configure(ide_function, 0x20, ports);
}

} // namespace

void toggle_A20() {
    bool right = true;
    for (uint32_t n = 0; n < 16; ++n) {
        const bool on = n % 2 != 0;
        if (n < 8)
            set_A20_by_92(on);
        else
            set_A20_by_8042(on);
        // Writes in an odd megabyte and in an even one: wherever they go, not to the VMM.
        for (uint32_t at = hidden_begin(); at < hidden_end(); at += megabyte) word_at(at + n * 64) = random();
        uint32_t a = 0, b, c, d;
        asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
        right = right && a != 0 && word_at(hidden_begin()) == ~0u;
    }
    set_A20_by_8042(true);
    set_A20_by_92(true);
    check("the VMM answers whatever A20 is", right);
}

void let_devices_write() {
    by_fw_cfg();
    by_8237();
    by_bus_master();
}

// Every register of every function but those that hold what this guest boots from, and the switch of the power.
void configure_PCI() {
    constexpr uint32_t host_bridge = 0, isa_bridge = 1 << 3, vga = 2 << 3;
    constexpr uint32_t functions[] = {host_bridge, isa_bridge, vga, ide_function};
    for (const uint32_t function : functions) {
        uint32_t saved[64];
        for (uint32_t n = 0; n < 64; ++n) saved[n] = configuration(function, 4 * n);
        for (uint32_t n = 0; n < 512; ++n) {
            const uint32_t reg = below(64) * 4;
            // PAM and SMRAM of the host bridge take away the firmware's memory, not the VMM's.
            if (function == host_bridge && reg >= 0x58 && reg < 0x74) continue;
            configure(function, reg, n % 2 != 0 ? hidden_begin() | below(8) : random());
            if (n % 8 == 0) configure(function, 4, 7);
        }
        for (uint32_t n = 0; n < 64; ++n) configure(function, 4 * n, saved[n]);
    }
    check("windows of PCI over the VMM's memory open nothing", word_at(hidden_begin()) == ~0u);
}

} // namespace hostile
