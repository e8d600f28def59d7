// The registers that hold descriptor tables and the task, and the machine status word.
#pragma once

#include "cpu/cpu.hpp"

namespace truering::op {

struct SGDT {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct SIDT {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LGDT {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LIDT {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct SLDT {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct STR {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LLDT {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LTR {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct SMSW {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LMSW {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
