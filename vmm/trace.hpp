// The phase of the guest's life, and the option trace: a line per exit.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

enum class Phase : u8 { Real, Protected, Paged, V86 };
inline constexpr u32 phase_count = 4;
Phase phase_now(); // account.cpp

void trace_exit();

} // namespace ringmaster
