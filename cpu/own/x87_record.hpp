// The record that the FPU keeps of its last instruction, for exception handlers.
#pragma once

#include "cpu/access.hpp"

namespace truering {

// FIP, FCS and FOP; FDP and FDS if there is a memory operand. Not for control instructions (SDM vol. 1, 8.1.8).
inline void record_x87(Cpu& cpu, const Instruction& insn) {
    FpuState& fpu = cpu.fpu;
    fpu.fip = cpu.eip;
    fpu.fcs = cpu.segment[seg_CS].selector;
    fpu.last_opcode = static_cast<u16>((insn.opcode & 7) << 8 | insn.modrm);
    if (!insn.memory) return;
    fpu.fdp = effective_address(cpu, insn);
    fpu.fds = cpu.segment[insn.segment].selector;
}

// Reads a memory operand of type T; then the record is kept and `body(operand)` runs.
template <class T, class Body> inline Outcome with_x87_operand(Cpu& cpu, const Instruction& insn, Body body) {
    T operand;
    if (const Outcome o = read_operand(cpu, insn, operand); failed(o)) return o;
    record_x87(cpu, insn);
    body(operand);
    return Outcome::Done;
}

} // namespace truering
