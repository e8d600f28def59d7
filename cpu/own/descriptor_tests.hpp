// Instructions that look at selectors and descriptors without loading them: ARPL, LAR, LSL, VERR, VERW
// (SDM vol. 3A, 5.10). What they cannot use is an answer in ZF, not a fault.
#pragma once

#include "cpu/cpu.hpp"

namespace truering::op {

struct ARPL {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LAR {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LSL {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct VERR {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct VERW {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
