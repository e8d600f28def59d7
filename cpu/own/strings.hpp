// String instructions, with and without REP (SDM vol. 2B, REP).
//
// A REP instruction is as many instructions as it has iterations: each may fault, be followed by a trap, or give way to
// an interrupt, with the registers saying how far it came. Where nothing of the kind can happen, iterations are done in
// bulk: up to the end of a page of ordinary memory, and no more than the run loop allows.
#pragma once

#include "cpu/access.hpp"

namespace truering::op {

struct MOVS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct STOS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LODS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct CMPS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct SCAS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
