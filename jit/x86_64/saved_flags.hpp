// The guest's arithmetic flags as translated code carries them from instruction to instruction: what the host's
// LAHF and SETO AL leave in AX. Bits 15:8 are SF ZF - AF - PF 1 CF, bit 0 is OF.
#pragma once

#include "cpu/flags.hpp"

#include <vector>

namespace truering::saved_flags {

inline constexpr u32 always = 0x0200; // LAHF's bit 1

constexpr u32 to_eflags(u32 saved) { return (saved >> 8 & 0xD5) | ((saved & 1) != 0 ? u32{flag_OF} : 0u); }
constexpr u32 from_eflags(u32 eflags) { return (eflags & 0xD5) << 8 | always | ((eflags & flag_OF) != 0 ? 1u : 0u); }

// For each saved value the processor's own form of it.
inline std::vector<ArithmeticFlags> make_table() {
    std::vector<ArithmeticFlags> table(0x1'0000);
    for (u32 saved = 0; saved < table.size(); ++saved) table[saved].set_value(to_eflags(saved));
    return table;
}
static_assert(sizeof(ArithmeticFlags) == 8);

} // namespace truering::saved_flags
