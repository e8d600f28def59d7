// MMX, SSE and SSE2 instructions that are not a body on values: MXCSR, masked stores, EMMS, ordering and cache control.
//
// Ordering has nothing to do here: one processor, memory operations in program order. Prefetches are hints and touch
// nothing, not even page tables. CLFLUSH reads a byte as far as faults go (SDM vol. 2A, CLFLUSH); no cache is modelled.
#pragma once

#include "cpu/cpu.hpp"

namespace truering::op {

struct LDMXCSR {
    static Outcome run(Cpu& cpu, const Instruction& insn); // #GP(0) on bits outside the model's MXCSR_MASK
};
struct STMXCSR {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
// The bytes of the first operand whose mask byte in the second has its top bit set, to DS:(E)DI.
struct MASKMOVQ {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct MASKMOVDQU {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct EMMS {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct CLFLUSH {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};

struct NoEffect {
    static Outcome run(Cpu&, const Instruction&) { return Outcome::Done; }
};
struct SFENCE : NoEffect {};
struct LFENCE : NoEffect {};
struct MFENCE : NoEffect {};
struct PREFETCHNTA : NoEffect {};
struct PREFETCHT0 : NoEffect {};
struct PREFETCHT1 : NoEffect {};
struct PREFETCHT2 : NoEffect {};

} // namespace truering::op
