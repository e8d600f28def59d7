// From EFLAGS as translated code leaves them to the processor's own form of the arithmetic flags, by one look.
#pragma once

#include "cpu/flags.hpp"

#include <vector>

namespace truering {

// By the arithmetic bits of EFLAGS at their places.
inline std::vector<ArithmeticFlags> make_flag_table() {
    std::vector<ArithmeticFlags> table(arithmetic_flags + 1u);
    for (u32 eflags = 0; eflags < table.size(); ++eflags) table[eflags].set_value(eflags & arithmetic_flags);
    return table;
}
static_assert(sizeof(ArithmeticFlags) == 8);

} // namespace truering
