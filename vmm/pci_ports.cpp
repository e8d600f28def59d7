#include "vmm/pci_ports.hpp"

#include "vmm/io.hpp"

namespace ringmaster {

namespace {

constexpr u16 address_port = 0xCF8, data_port = 0xCFC;
constexpr u32 data_ports = 4;
constexpr u32 bus_master_ports = 16, pm1_ports = 2;

constexpr u32 config(u32 slot, u32 function, u32 reg) { return 0x8000'0000 | slot << 11 | function << 8 | reg; }
constexpr u32 ide_BAR4 = config(1, 1, 0x20), power_PMBASE = config(1, 3, 0x40);

u32 guest_address = 0; // what the guest has in CF8H
u16 bus_master = 0, pm1 = 0;

u32 read(u32 address) {
    out32(address_port, address);
    return in32(data_port);
}

void watch(u16 first, u32 count) {
    for (u32 n = 0; n < count; ++n) watch_port(static_cast<u16>(first + n));
}
void leave(u16 first, u32 count) {
    for (u32 n = 0; n < count; ++n) leave_port(static_cast<u16>(first + n));
}

void move(u16& now, u16 base, u32 count) {
    if (now == base) return;
    if (now != 0) leave(now, count);
    now = base;
    if (now != 0) watch(now, count);
}

// The registers' ports by a base address register, or 0.
u16 bus_master_place() {
    constexpr u32 no_function = ~0u, crowded = 0x1000;
    const u32 bar = read(ide_BAR4);
    const u32 base = bar == no_function ? 0 : bar & 0xFFF0;
    if (base == 0 || base >= crowded) return static_cast<u16>(base);
    out32(address_port, ide_BAR4);
    out32(data_port, 0);
    return 0;
}

u16 pm1_place() {
    constexpr u32 no_function = ~0u, PM1a_CNT = 4;
    const u32 power = read(power_PMBASE);
    const u32 base = power & 0xFFC0;
    return power == no_function || base == 0 ? u16{0} : static_cast<u16>(base + PM1a_CNT);
}

void look_up() {
    move(bus_master, bus_master_place(), bus_master_ports);
    move(pm1, pm1_place(), pm1_ports);
    if (pm1 != 0) watch(pm1, pm1_ports); // the others may have been there, and left
    out32(address_port, guest_address);
}

} // namespace

void find_PCI_ports() {
    for (u32 n = 0; n < data_ports; ++n) watch_port(static_cast<u16>(address_port + n));
    look_up();
}

u16 bus_master_base() { return bus_master; }
u16 pm1_control() { return pm1; }

void PCI_address_written(u32 address) {
    guest_address = address;
    const u32 selected = address & ~3u & 0x80FF'FFFF;
    if (selected == ide_BAR4 || selected == power_PMBASE)
        watch(data_port, data_ports);
    else
        leave(data_port, data_ports);
}

bool meets_PCI_data(u16 port, u32 size) { return port < data_port + data_ports && data_port < port + size; }

void PCI_data_written() { look_up(); }

} // namespace ringmaster
