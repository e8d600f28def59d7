#include "cpu/own/stack.hpp"

#include "decoder/isa.hpp"

namespace truering::op {

template <class T> Outcome POP_E::run(Cpu& cpu, const Instruction& insn) {
    T value;
    if (const Outcome o = peek_stack(cpu, 0, value); failed(o)) return o;
    const u32 old_esp = cpu.gpr[reg_ESP];
    drop_stack(cpu, sizeof(T));
    const Outcome o = write_e<T>(cpu, insn, value);
    if (failed(o)) cpu.gpr[reg_ESP] = old_esp;
    return o;
}

template <class T> Outcome PUSH_seg::run(Cpu& cpu, const Instruction& insn) {
    const u16 selector = cpu.segment[isa[insn.row].operands[0].fixed].selector;
    const u32 mask = cpu.stack_mask();
    const u32 sp = (cpu.gpr[reg_ESP] - static_cast<u32>(sizeof(T))) & mask;
    if (const Outcome o = write_memory<u16>(cpu, seg_SS, sp, selector); failed(o)) return o;
    cpu.gpr[reg_ESP] = (cpu.gpr[reg_ESP] & ~mask) | sp;
    return Outcome::Done;
}

template <class T> Outcome PUSHA::run(Cpu& cpu, const Instruction&) {
    const u32 old_esp = cpu.gpr[reg_ESP];
    for (unsigned n = 0; n < 8; ++n) {
        const T value = n == reg_ESP ? static_cast<T>(old_esp) : cpu.reg<T>(n);
        if (const Outcome o = push<T>(cpu, value); failed(o)) {
            cpu.gpr[reg_ESP] = old_esp;
            return o;
        }
    }
    return Outcome::Done;
}

template <class T> Outcome POPA::run(Cpu& cpu, const Instruction&) {
    T values[8];
    for (u32 n = 0; n < 8; ++n)
        if (const Outcome o = peek_stack(cpu, n * static_cast<u32>(sizeof(T)), values[7 - n]); failed(o)) return o;
    for (unsigned n = 0; n < 8; ++n)
        if (n != reg_ESP) cpu.set_reg<T>(n, values[n]);
    drop_stack(cpu, 8 * sizeof(T));
    return Outcome::Done;
}

// SDM vol. 2A, ENTER. The operand size sets what is pushed, the stack's size which of ESP/EBP and SP/BP address it.
template <class T> Outcome ENTER::run(Cpu& cpu, const Instruction& insn) {
    const u32 mask = cpu.stack_mask();
    const u32 old_esp = cpu.gpr[reg_ESP];
    const auto restore = [&](Outcome o) { return cpu.gpr[reg_ESP] = old_esp, o; };
    const unsigned level = insn.selector & 31;
    if (const Outcome o = push<T>(cpu, cpu.reg<T>(reg_EBP)); failed(o)) return restore(o);
    const u32 frame = cpu.gpr[reg_ESP];
    u32 link = cpu.gpr[reg_EBP];
    for (unsigned n = 1; n < level; ++n) {
        link -= static_cast<u32>(sizeof(T));
        T value;
        if (const Outcome o = read_memory(cpu, seg_SS, link & mask, value); failed(o)) return restore(o);
        if (const Outcome o = push<T>(cpu, value); failed(o)) return restore(o);
    }
    if (level > 0)
        if (const Outcome o = push<T>(cpu, static_cast<T>(frame)); failed(o)) return restore(o);
    const u32 sp = (cpu.gpr[reg_ESP] - insn.immediate) & mask;
    // The last thing it does is a write check of the new top of the stack.
    if (const Outcome o = check_write(cpu, seg_SS, sp, sizeof(T)); failed(o)) return restore(o);
    cpu.gpr[reg_ESP] = (cpu.gpr[reg_ESP] & ~mask) | sp;
    if (mask == 0xFFFF)
        cpu.set_reg<u16>(reg_EBP, static_cast<u16>(frame));
    else
        cpu.set_reg<T>(reg_EBP, static_cast<T>(frame));
    return Outcome::Done;
}

template <class T> Outcome LEAVE::run(Cpu& cpu, const Instruction&) {
    const u32 mask = cpu.stack_mask();
    const u32 sp = cpu.gpr[reg_EBP] & mask;
    T value;
    if (const Outcome o = read_memory(cpu, seg_SS, sp, value); failed(o)) return o;
    cpu.gpr[reg_ESP] = (cpu.gpr[reg_ESP] & ~mask) | ((sp + static_cast<u32>(sizeof(T))) & mask);
    cpu.set_reg<T>(reg_EBP, value);
    return Outcome::Done;
}

template Outcome POP_E::run<u16>(Cpu&, const Instruction&);
template Outcome POP_E::run<u32>(Cpu&, const Instruction&);
template Outcome PUSH_seg::run<u16>(Cpu&, const Instruction&);
template Outcome PUSH_seg::run<u32>(Cpu&, const Instruction&);
template Outcome PUSHA::run<u16>(Cpu&, const Instruction&);
template Outcome PUSHA::run<u32>(Cpu&, const Instruction&);
template Outcome POPA::run<u16>(Cpu&, const Instruction&);
template Outcome POPA::run<u32>(Cpu&, const Instruction&);
template Outcome ENTER::run<u16>(Cpu&, const Instruction&);
template Outcome ENTER::run<u32>(Cpu&, const Instruction&);
template Outcome LEAVE::run<u16>(Cpu&, const Instruction&);
template Outcome LEAVE::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
