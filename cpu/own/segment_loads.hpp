// MOV and POP to and from segment registers, and LES..LGS. CS is loaded by far transfers alone.
#pragma once

#include "cpu/cpu.hpp"

namespace truering::op {

struct MOV_from_seg {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
// MOV and POP to SS hold back interrupts and debug traps for one instruction (SDM vol. 3A, 6.8.3).
struct MOV_to_seg {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct POP_seg {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LES {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LDS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LSS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LFS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LGS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
