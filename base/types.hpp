// The project's vocabulary of numbers and addresses.
//
// Freestanding-clean: the VMM compiles this file with a bare 32-bit toolchain, so it includes C headers only.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace truering {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i8 = int8_t;
using i16 = int16_t;
using i32 = int32_t;
using i64 = int64_t;

// A physical address: 36 bits on a processor with PAE or PSE-36, so it needs more than 32.
struct Physical {
    u64 value = 0;

    friend constexpr bool operator==(Physical a, Physical b) { return a.value == b.value; }
    friend constexpr bool operator<(Physical a, Physical b) { return a.value < b.value; }
    friend constexpr Physical operator+(Physical a, u64 n) { return {a.value + n}; }
};

// A linear address: what segmentation produces and paging translates.
struct Linear {
    u32 value = 0;

    friend constexpr bool operator==(Linear a, Linear b) { return a.value == b.value; }
    friend constexpr Linear operator+(Linear a, u32 n) { return {a.value + n}; } // wraps at 4 GiB, as the bus does
};

inline constexpr u32 page_size = 4096;
inline constexpr u32 page_offset_mask = page_size - 1;

constexpr u64 page_number(Physical address) { return address.value / page_size; }
constexpr u32 page_offset(u64 address) { return static_cast<u32>(address & page_offset_mask); }

} // namespace truering
