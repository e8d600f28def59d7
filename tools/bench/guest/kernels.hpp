// The benchmark kernels: each does `turns` turns of one kind of work and returns a checksum of it.
//
// The table is the single list: the driver reads the names from it.
#pragma once

#include <stdint.h>

namespace bench {

struct Kernel {
    const char* name;
    uint32_t (*run)(uint32_t turns);
    uint32_t needs;                  // bits of CPUID leaf 1, EDX
    bool (*is_possible)() = nullptr; // when that does not tell
};

constexpr uint32_t needs_SEP = 1u << 11, needs_SSE = 1u << 25, needs_SSE2 = 1u << 26;

extern const Kernel kernels[];
extern const uint32_t kernel_count;

} // namespace bench
