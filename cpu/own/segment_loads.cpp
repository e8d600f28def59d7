#include "cpu/own/segment_loads.hpp"

#include "cpu/access.hpp"
#include "cpu/segmentation.hpp"
#include "decoder/isa.hpp"

namespace truering::op {

namespace {

Outcome hold_back_after_SS(Cpu& cpu) {
    cpu.interruptibility |= blocked_by_MOV_SS;
    cpu.update_attention();
    return Outcome::Leave;
}

template <class T> Outcome load_pointer(Cpu& cpu, const Instruction& insn, SegmentIndex index) {
    const u32 address = effective_address(cpu, insn);
    const u32 selector_address = (address + static_cast<u32>(sizeof(T))) & insn.address_mask;
    T offset;
    u16 selector;
    if (const Outcome o = read_memory(cpu, operand_segment(insn), address, offset); failed(o)) return o;
    if (const Outcome o = read_memory(cpu, operand_segment(insn), selector_address, selector); failed(o)) return o;
    if (const Outcome o = load_segment(cpu, index, selector); failed(o)) return o;
    cpu.set_reg<T>(insn.reg, offset);
    return Outcome::Done;
}

} // namespace

// To memory 16 bits whatever the operand size; to a 32-bit register zero-extended (SDM vol. 2B, MOV).
template <class T> Outcome MOV_from_seg::run(Cpu& cpu, const Instruction& insn) {
    const u16 selector = cpu.segment[insn.reg].selector;
    if (insn.memory) return write_operand(cpu, insn, selector);
    cpu.set_reg<T>(insn.rm, selector);
    return Outcome::Done;
}

template <class T> Outcome MOV_to_seg::run(Cpu& cpu, const Instruction& insn) {
    const SegmentIndex index = static_cast<SegmentIndex>(insn.reg);
    u16 selector;
    if (const Outcome o = read_e(cpu, insn, selector); failed(o)) return o;
    if (const Outcome o = load_segment(cpu, index, selector); failed(o)) return o;
    return index == seg_SS ? hold_back_after_SS(cpu) : Outcome::Done;
}

// Reads two bytes and drops an operand's worth, on the stack as it was before SS changed.
template <class T> Outcome POP_seg::run(Cpu& cpu, const Instruction& insn) {
    const SegmentIndex index = static_cast<SegmentIndex>(isa[insn.row].operands[0].fixed);
    u16 selector;
    if (const Outcome o = peek_stack(cpu, 0, selector); failed(o)) return o;
    const u32 mask = cpu.stack_mask();
    const u32 sp = (cpu.gpr[reg_ESP] + static_cast<u32>(sizeof(T))) & mask;
    if (const Outcome o = load_segment(cpu, index, selector); failed(o)) return o;
    cpu.gpr[reg_ESP] = (cpu.gpr[reg_ESP] & ~mask) | sp;
    return index == seg_SS ? hold_back_after_SS(cpu) : Outcome::Done;
}

template <class T> Outcome LES::run(Cpu& cpu, const Instruction& insn) { return load_pointer<T>(cpu, insn, seg_ES); }
template <class T> Outcome LDS::run(Cpu& cpu, const Instruction& insn) { return load_pointer<T>(cpu, insn, seg_DS); }
template <class T> Outcome LSS::run(Cpu& cpu, const Instruction& insn) { return load_pointer<T>(cpu, insn, seg_SS); }
template <class T> Outcome LFS::run(Cpu& cpu, const Instruction& insn) { return load_pointer<T>(cpu, insn, seg_FS); }
template <class T> Outcome LGS::run(Cpu& cpu, const Instruction& insn) { return load_pointer<T>(cpu, insn, seg_GS); }

template Outcome MOV_from_seg::run<u16>(Cpu&, const Instruction&);
template Outcome MOV_from_seg::run<u32>(Cpu&, const Instruction&);
template Outcome MOV_to_seg::run<u16>(Cpu&, const Instruction&);
template Outcome MOV_to_seg::run<u32>(Cpu&, const Instruction&);
template Outcome POP_seg::run<u16>(Cpu&, const Instruction&);
template Outcome POP_seg::run<u32>(Cpu&, const Instruction&);
template Outcome LES::run<u16>(Cpu&, const Instruction&);
template Outcome LES::run<u32>(Cpu&, const Instruction&);
template Outcome LDS::run<u16>(Cpu&, const Instruction&);
template Outcome LDS::run<u32>(Cpu&, const Instruction&);
template Outcome LSS::run<u16>(Cpu&, const Instruction&);
template Outcome LSS::run<u32>(Cpu&, const Instruction&);
template Outcome LFS::run<u16>(Cpu&, const Instruction&);
template Outcome LFS::run<u32>(Cpu&, const Instruction&);
template Outcome LGS::run<u16>(Cpu&, const Instruction&);
template Outcome LGS::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
