// Control and debug registers, model-specific registers, caches, halting, identification. Admission has checked
// privilege; what is left is what the operation itself refuses.
#pragma once

#include "cpu/access.hpp"

namespace truering::op {

struct MOV_from_CR {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct MOV_to_CR {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct MOV_from_DR {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct MOV_to_DR {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct CLTS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct INVLPG {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct INVD {
    template <class T> static Outcome run(Cpu&, const Instruction&) { return Outcome::Done; } // no cache to lose
};
struct WBINVD : INVD {};
struct HLT {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct CPUID {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct RDTSC {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct RDPMC {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct RDMSR {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct WRMSR {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
