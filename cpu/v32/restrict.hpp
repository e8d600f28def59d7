// Step 3 of docs/v32.md 6: the operations that V32 mode restricts.
#pragma once

#include "cpu/cpu.hpp"

namespace truering::v32 {

// Called by admission, in V32 mode, for an instruction whose row names an exit and that a bare processor would not
// refuse. Outcome::Exit: it exits; Outcome::Done: its control lets it pass; Outcome::Fault: the segment check of its
// memory operand, the last thing that a bare processor refuses before paging.
Outcome restrict_instruction(Cpu& cpu, const Instruction& insn, Reason reason);

// A port access of the guest's: does the VMM want it? Bytes port..port+size-1.
[[nodiscard]] bool takes_port(const Cpu& cpu, u16 port, unsigned size);

} // namespace truering::v32
