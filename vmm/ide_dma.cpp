#include "vmm/ide_dma.hpp"

#include "vmm/empty_socket.hpp"
#include "vmm/hidden_range.hpp"
#include "vmm/low_memory.hpp"
#include "vmm/pci_ports.hpp"

namespace ringmaster {

namespace {

constexpr u32 engines = 2, registers = 8;
constexpr u32 most_regions = page_size / 8; // twice what Linux uses; the table of a guest with more ends there
constexpr u32 BMIC = 0, BMIDTP = 4;
constexpr u8 SSBM = 1; // start

struct Region {
    u32 address;
    u16 count; // 0: 64 KiB
    u16 flags;
};
constexpr u16 end_of_table = 0x8000;

struct Engine {
    Region table[most_regions];
};
alignas(4096) [[gnu::section(".bss.pages")]] Engine copies[engines];
u32 pointers[engines]; // BMIDTP as the guest has written it

Region checked(const Region& region) {
    const u32 count = (region.count & ~1u) != 0 ? region.count & ~1u : 0x1'0000;
    // Aligned as it is, the hidden range cannot lie within a region without holding its first or last byte.
    const bool meets = hidden.contains(region.address) || hidden.contains(region.address + (count - 1));
    return {meets ? empty_socket_below_4G : region.address, region.count, region.flags};
}

void copy_table(u32 engine) {
    Region* const table = copies[engine].table;
    u32 at = pointers[engine];
    for (u32 n = 0; n < most_regions; ++n) {
        const bool reachable = at < linear_base && !hidden.contains(at);
        table[n] = reachable ? checked(*low_memory<const Region>(at)) : Region{empty_socket_below_4G, 0, end_of_table};
        if ((table[n].flags & end_of_table) != 0) return;
        at = (at & 0xFFFF'0000) | ((at + sizeof(Region)) & 0xFFFF); // a table stays within its 64 KiB
    }
    table[most_regions - 1].flags |= end_of_table;
}

void write_command(u32 engine, u8 value) {
    const u16 base = static_cast<u16>(bus_master_base() + engine * registers);
    if ((value & ~in8(base) & SSBM) != 0) { // it starts
        copy_table(engine);
        out32(static_cast<u16>(base + BMIDTP), physical(copies[engine].table));
    }
    out8(base, value);
}

u8& pointer_byte(u32 offset) {
    return reinterpret_cast<u8*>(&pointers[offset / registers])[offset % registers - BMIDTP];
}

bool is_ours(u32 port) {
    const u32 base = bus_master_base();
    return base != 0 && port - base < engines * registers;
}

} // namespace

void begin_ide_dma() {
    const u16 base = bus_master_base();
    if (base == 0) return;
    for (u32 n = 0; n < engines; ++n) pointers[n] = in32(static_cast<u16>(base + n * registers + BMIDTP));
}

void stop_ide_dma() {
    if (bus_master_base() == 0) return;
    for (u32 n = 0; n < engines; ++n) write_command(n, 0);
}

bool meets_ide_dma(u16 port, u32 size) {
    for (u32 n = 0; n < size; ++n)
        if (is_ours(port + n)) return true;
    return false;
}

u32 ide_dma_input(u16 port, u32 size) {
    u32 value = 0;
    for (u32 n = 0; n < size; ++n) {
        const u32 offset = port + n - bus_master_base();
        const bool is_pointer = is_ours(port + n) && offset % registers >= BMIDTP;
        value |= u32{is_pointer ? pointer_byte(offset) : in8(static_cast<u16>(port + n))} << (8 * n);
    }
    return value;
}

void ide_dma_output(u16 port, u32 size, u32 value) {
    for (u32 n = 0; n < size; ++n) {
        const u32 offset = port + n - bus_master_base();
        const u8 byte = static_cast<u8>(value >> (8 * n));
        if (!is_ours(port + n))
            out8(static_cast<u16>(port + n), byte);
        else if (offset % registers >= BMIDTP)
            pointer_byte(offset) = offset % registers == BMIDTP ? static_cast<u8>(byte & ~3u) : byte;
        else if (offset % registers == BMIC)
            write_command(offset / registers, byte);
        else
            out8(static_cast<u16>(port + n), byte);
    }
}

} // namespace ringmaster
