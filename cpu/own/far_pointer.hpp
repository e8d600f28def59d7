// Where a far transfer goes, and the transfers of real and virtual-8086 mode, for the instructions that make them.
#pragma once

#include "cpu/access.hpp"
#include "cpu/code_transfer.hpp"

namespace truering {

struct FarPointer {
    u16 selector = 0;
    u32 offset = 0;
};

template <class T> Outcome read_far_pointer(Cpu& cpu, const Instruction& insn, FarPointer& pointer) {
    const u32 address = effective_address(cpu, insn);
    T offset;
    if (const Outcome o = read_memory(cpu, operand_segment(insn), address, offset); failed(o)) return o;
    pointer.offset = offset;
    const u32 behind = (address + static_cast<u32>(sizeof(T))) & insn.address_mask;
    return read_memory(cpu, operand_segment(insn), behind, pointer.selector);
}

// Reads a far return address from the stack: offset, then selector in an item of its own.
template <class T> Outcome peek_far_pointer(Cpu& cpu, FarPointer& pointer) {
    T offset, selector;
    if (const Outcome o = peek_stack(cpu, 0, offset); failed(o)) return o;
    if (const Outcome o = peek_stack(cpu, sizeof(T), selector); failed(o)) return o;
    pointer = {static_cast<u16>(selector), offset};
    return Outcome::Done;
}

// Goes there, the offset having been checked.
inline void jump_real(Cpu& cpu, const FarPointer& target) {
    load_segment_real(cpu, seg_CS, target.selector);
    cpu.eip = target.offset;
}

// A return to an outer level makes segment registers null that its code could not have loaded (SDM vol. 3A, 5.8.6).
inline void drop_inner_segments(Cpu& cpu) {
    for (const SegmentIndex index : {seg_ES, seg_DS, seg_FS, seg_GS}) {
        const Segment& segment = cpu.segment[index];
        const bool conforming = segment.is_code() && (segment.attributes & attr_conforming) != 0;
        if (segment.usable() && !conforming && segment.dpl() < cpu.cpl) cpu.set_segment(index, null_segment());
    }
}

// ESP of a stack just loaded: a 16-bit one takes over SP alone.
inline void set_stack_pointer(Cpu& cpu, u32 value) {
    const u32 mask = cpu.stack_mask();
    cpu.gpr[reg_ESP] = (cpu.gpr[reg_ESP] & ~mask) | (value & mask);
}

} // namespace truering
