// IN, OUT, INS, OUTS. Admission has checked ports and privilege; each iteration of a REP is admitted anew by its own
// dispatch only where the I/O map decides, so the ports of one instruction never change.
#pragma once

#include "cpu/access.hpp"

namespace truering::op {

struct IN {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct OUT {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct INS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct OUTS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
