// From a decoded instruction to the function that executes it: tables made from decoder/isa.def.
#pragma once

#include "base/outcome.hpp"
#include "decoder/instruction.hpp"

namespace truering {

class Cpu;

// Executes one instruction. Cpu::eip is the instruction's own; for Outcome::Done and Leave the caller advances it.
using Handler = Outcome (*)(Cpu& cpu, const Instruction& insn);

[[nodiscard]] Handler handler_of(const Instruction& insn);

// The handlers of a row: by operand size (16, 32) and by where the ModRM operand is (register, memory).
struct RowHandlers {
    Handler handler[2][2];
};

} // namespace truering
