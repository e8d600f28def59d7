// Instruction to text, in Intel's syntax: for traces, reports and the monitor. The rows say all that is printed.
#pragma once

#include "decoder/instruction.hpp"

#include <string>

namespace truering {

// The instruction at `eip` as text, lower case, without its bytes: "mov eax, dword ptr [ebx+4]". A jump's target is
// printed absolute. What is no instruction prints as "(bad)".
[[nodiscard]] std::string format(const Instruction& insn, u32 eip);

} // namespace truering
