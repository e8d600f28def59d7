// IRET in all modes (SDM vol. 2A, IRET).
#pragma once

#include "cpu/cpu.hpp"

namespace truering::op {

struct IRET {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
