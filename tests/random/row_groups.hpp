// What the generator makes of each row of the instruction table.
#pragma once

#include "decoder/isa.hpp"

#include <vector>

namespace truering::random_test {

enum class RowGroup : u8 {
    Integer,
    String,
    X87,
    Mmx,
    Sse,
    System, // what an operating system uses, in forms that leave the program its surroundings
    Event,  // raises an exception or an interrupt as what it is for
    Flow,   // jumps, calls, returns, loops: made by the generator's constructs
    Unused, // not made: see row_groups.cpp
};
inline constexpr unsigned row_group_count = static_cast<unsigned>(RowGroup::Unused) + 1;

[[nodiscard]] RowGroup group_of(unsigned row);
[[nodiscard]] const std::vector<unsigned>& rows_of(RowGroup group);

} // namespace truering::random_test
