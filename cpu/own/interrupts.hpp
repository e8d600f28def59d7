// INT n, INT3, INTO and INT1.
#pragma once

#include "cpu/cpu.hpp"

namespace truering::op {

struct INT {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct INT3 {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct INTO {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct INT1 {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
