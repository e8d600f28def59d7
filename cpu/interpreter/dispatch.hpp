// From a decoded instruction to the function that executes it: tables made from decoder/isa.def.
#pragma once

#include "base/outcome.hpp"
#include "decoder/instruction.hpp"

namespace truering {

class Cpu;

// Executes one instruction. Cpu::eip is the instruction's own; for Outcome::Done and Leave the caller advances it.
using Handler = Outcome (*)(Cpu& cpu, const Instruction& insn);

// An instruction in a block. Its handler is a chained one (chain.hpp): it goes on to the next operation by itself.
struct Operation {
    Handler handler;
    Instruction insn;
    u16 end;   // bytes from the block's beginning to behind this instruction
    u16 index; // its place in the block
};
static_assert(sizeof(Operation) == 40);

// The handlers of a row: by operand size (16, 32) and by where the ModRM operand is (register, memory).
struct RowHandlers {
    Handler single[2][2];  // executes one instruction and returns
    Handler chained[2][2]; // goes on to the next
};

[[nodiscard]] Handler single_handler(const Instruction& insn);
[[nodiscard]] Handler chained_handler(const Instruction& insn);

} // namespace truering
