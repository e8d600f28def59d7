// CPUID; all zeros from a processor that does not know it.
#pragma once

#include "base/types.hpp"

namespace audit {

using namespace truering;

struct Cpuid {
    u32 eax, ebx, ecx, edx;
};

inline Cpuid cpuid(u32 leaf) {
    constexpr u32 EFLAGS_ID = 1 << 21;
    u32 before = 0, after = 0;
    asm volatile("pushfl; pop %0; mov %0, %1; xor %2, %1; push %1; popfl; pushfl; pop %1; push %0; popfl"
                 : "=&r"(before), "=&r"(after)
                 : "i"(EFLAGS_ID));
    Cpuid answer{};
    if (((before ^ after) & EFLAGS_ID) != 0)
        asm volatile("cpuid"
                     : "=a"(answer.eax), "=b"(answer.ebx), "=c"(answer.ecx), "=d"(answer.edx)
                     : "a"(leaf), "c"(0));
    return answer;
}

} // namespace audit
