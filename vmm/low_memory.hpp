// The first megabyte: vectors, BIOS, boot sector. Pointers into it must not look like null to the compiler.
#pragma once

#include "base/types.hpp"

namespace ringmaster {

template <class T> T* low_memory(truering::u32 address) {
    asm("" : "+r"(address));
    return reinterpret_cast<T*>(address);
}

inline constexpr truering::u32 first_megabyte = 1u << 20;

// The far pointer in the real-mode interrupt table: segment in [31:16].
inline truering::u32 real_vector(truering::u32 number) { return *low_memory<truering::u32>(number * 4); }
inline constexpr truering::u32 real_address(truering::u32 far_pointer) {
    return (far_pointer >> 16) * 16 + (far_pointer & 0xFFFF);
}

} // namespace ringmaster
