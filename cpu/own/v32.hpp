// The two instructions of V32 mode (docs/v32.md 3), as root executes them: in the mode admission makes exits of them.
#pragma once

#include "cpu/cpu.hpp"

namespace truering::op {

struct V32ENTER {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct V32CALL {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
