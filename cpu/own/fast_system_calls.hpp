// SYSENTER and SYSEXIT (SDM vol. 2B; vol. 3A, 5.8.7): transfers between flat segments that no table is read for.
#pragma once

#include "cpu/cpu.hpp"

namespace truering::op {

struct SYSENTER {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct SYSEXIT {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
