// The machine's memory map: what the Multiboot loader says, and what the guest is told.
//
// From the first comes the hidden range; the second is the first with that range reserved. Source: Multiboot
// Specification 0.6.96, 3.3; ACPI specification, "System Address Map Interfaces" (E820H).
#pragma once

#include "vmm/hidden_range.hpp"

namespace ringmaster {

// The loader's information structure, as far as it is read.
struct MultibootInfo {
    u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4], mmap_length, mmap_addr;
};
static_assert(sizeof(MultibootInfo) == 52);

struct MapEntry {
    u64 base, length;
    u32 type;
    [[nodiscard]] constexpr u64 end() const { return base + length; }
};
enum MapType : u32 { map_RAM = 1, map_reserved = 2 };

struct MemoryMap {
    static constexpr u32 most = 64;
    MapEntry entry[most];
    u32 count;

    // RAM from `base` on without a gap, in bytes.
    [[nodiscard]] u64 ram_from(u64 base) const;
};

extern MemoryMap machine_map; // the loader's word
extern MemoryMap guest_map;   // the guest's

// Reads the loader's map; false if it gave none.
bool read_memory_map(const MultibootInfo& info);

// Where the VMM shall live: size 0 if there is not room enough.
PhysicalRange choose_hidden_range();

// Fills guest_map: the machine's with `range` reserved, and RAM that the VMM cannot reach left out.
void hide_in_map(PhysicalRange range);

} // namespace ringmaster
