// JMP, CALL and RET between segments (SDM vol. 2A, CALL, JMP; vol. 2B, RET; vol. 3A, 5.8 and 7.3).
#pragma once

#include "cpu/cpu.hpp"

namespace truering::op {

struct JMPF {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct JMPF_M { // the pointer is in memory
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct CALLF {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct CALLF_M {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct RETF {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
