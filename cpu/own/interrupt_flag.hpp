// The instructions that read and write the interrupt flag, real or virtual: CLI, STI, PUSHF, POPF
// (SDM vol. 2A, CLI; vol. 2B, POPF, PUSHF, STI; vol. 3B, 20.3 and 20.4).
#pragma once

#include "cpu/cpu.hpp"

namespace truering::op {

struct CLI {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct STI {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct PUSHF {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct POPF {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
