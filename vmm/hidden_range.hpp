// The VMM's own memory: a range of RAM that the guest cannot reach, and its two names.
//
// The image is linked at `linear_base` and runs there whatever physical memory stands behind: the loader's copy first,
// the hidden range after move_there(). The VMM's page directory maps that one region, and below it every physical
// address to itself, so that guest memory is an ordinary pointer. 4-MiB pages throughout: the range is aligned to 4
// MiB.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

inline constexpr u32 linear_base = 0xF000'0000; // image.ld says the same
inline constexpr u32 large_page = 4u << 20;

struct PhysicalRange {
    u32 base = 0, size = 0;

    [[nodiscard]] constexpr bool contains(u64 address) const { return address >= base && address - base < size; }
    [[nodiscard]] constexpr u32 end() const { return base + size; }
};

// Mapped to themselves too, in a large page without caching.
inline constexpr u32 io_apic_address = 0xFEC0'0000;
inline constexpr u32 local_apic_address = 0xFEE0'0000;

extern PhysicalRange hidden; // size 0 until the VMM lives there

// The physical address of an object of the VMM's.
inline u32 physical(const void* object) { return reinterpret_cast<u32>(object) - linear_base + hidden.base; }

// Copies the image to `range`, which becomes `hidden`, and goes on there. Stack, data and this call's return included.
void move_there(PhysicalRange range);

// The part of the range behind the image, in pages: who needs memory for good takes it from here.
void* take_pages(u32 count);
u32 pages_left();

} // namespace ringmaster
