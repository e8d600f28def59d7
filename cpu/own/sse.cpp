#include "cpu/own/sse.hpp"

#include "cpu/access.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/semantics/mmx_shuffle.hpp"

namespace truering::op {

namespace {

// Write rights to the whole destination are asked for first, so that a fault finds nothing written. An empty mask
// touches no memory.
template <class P> Outcome masked_store(Cpu& cpu, const Instruction& insn, const P& source, const P& mask) {
    const u32 selected = PMOVMSKB::run(mask);
    if (selected == 0) return Outcome::Done;
    const SegmentIndex segment = operand_segment(insn);
    const u32 offset = cpu.gpr[reg_EDI] & insn.address_mask;
    if (const Outcome o = check_write(cpu, segment, offset, P::size); failed(o)) return o;
    for (unsigned i = 0; i < P::size; ++i) {
        if (!test_bit(selected, i)) continue;
        if (const Outcome o = write_memory(cpu, segment, offset + i, source.bytes[i]); failed(o)) return o;
    }
    return Outcome::Done;
}

} // namespace

Outcome LDMXCSR::run(Cpu& cpu, const Instruction& insn) {
    u32 value = 0;
    if (const Outcome o = read_operand(cpu, insn, value); failed(o)) return o;
    if ((value & ~cpu.model.mxcsr_mask) != 0) return raise(cpu, Vector::GP, 0);
    cpu.host_mxcsr.load(cpu.sse, value);
    return Outcome::Done;
}

Outcome STMXCSR::run(Cpu& cpu, const Instruction& insn) {
    return write_operand(cpu, insn, cpu.host_mxcsr.guest_mxcsr(cpu.sse));
}

Outcome MASKMOVQ::run(Cpu& cpu, const Instruction& insn) {
    const Packed64 source = Packed64::low(cpu.fpu.mm(insn.reg));
    const Packed64 mask = Packed64::low(cpu.fpu.mm(insn.rm));
    const Outcome outcome = masked_store(cpu, insn, source, mask);
    if (!failed(outcome)) cpu.fpu.enter_mmx();
    return outcome;
}

Outcome MASKMOVDQU::run(Cpu& cpu, const Instruction& insn) {
    return masked_store(cpu, insn, cpu.sse.xmm[insn.reg], cpu.sse.xmm[insn.rm & 7u]);
}

Outcome EMMS::run(Cpu& cpu, const Instruction&) {
    cpu.fpu.enter_mmx();
    cpu.fpu.emms();
    return Outcome::Done;
}

Outcome CLFLUSH::run(Cpu& cpu, const Instruction& insn) {
    u8 byte = 0;
    return read_operand(cpu, insn, byte);
}

} // namespace truering::op
