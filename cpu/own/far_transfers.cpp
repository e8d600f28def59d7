#include "cpu/own/far_transfers.hpp"

#include "cpu/exceptions.hpp"
#include "cpu/own/call_gate.hpp"
#include "cpu/own/far_pointer.hpp"
#include "cpu/stack_frame.hpp"

namespace truering::op {

namespace {

u32 next_eip(const Cpu& cpu, const Instruction& insn) { return cpu.eip + insn.length; }

// A non-null selector's descriptor, of code or of the system.
Outcome select_target(Cpu& cpu, u16 selector, SelectedDescriptor& target) {
    if (is_null_selector(selector)) return raise(cpu, Vector::GP, 0);
    if (const Outcome o = select_descriptor(cpu, selector, Vector::GP, target); failed(o)) return o;
    const bool is_data = target.descriptor.S() && (target.descriptor.type() & attr_code) == 0;
    return is_data ? raise_selector(cpu, Vector::GP, selector) : Outcome::Done;
}

Outcome jump(Cpu& cpu, const Instruction& insn, const FarPointer& pointer) {
    if (!cpu.uses_descriptors()) {
        if (const Outcome o = check_entry_point(cpu, cpu.segment[seg_CS], pointer.offset); failed(o)) return o;
        jump_real(cpu, pointer);
        return Outcome::Jumped;
    }
    SelectedDescriptor target;
    if (const Outcome o = select_target(cpu, pointer.selector, target); failed(o)) return o;
    if (!target.descriptor.S()) return jump_to_system_descriptor(cpu, target, next_eip(cpu, insn));
    if (const Outcome o = check_direct_transfer(cpu, target, target.rpl(), cpu.cpl); failed(o)) return o;
    if (const Outcome o = check_entry_point(cpu, target.descriptor, pointer.offset); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, target); failed(o)) return o;
    enter_code(cpu, target, cpu.cpl, pointer.offset);
    return Outcome::Jumped;
}

Outcome push_return(Cpu& cpu, const Instruction& insn, StackFrame& frame) {
    if (const Outcome o = frame.push(cpu.segment[seg_CS].selector); failed(o)) return o;
    return frame.push(next_eip(cpu, insn));
}

template <class T> Outcome call_real(Cpu& cpu, const Instruction& insn, const FarPointer& pointer) {
    StackFrame frame(cpu, sizeof(T));
    if (const Outcome o = frame.reserve(2); failed(o)) return o;
    if (const Outcome o = check_entry_point(cpu, cpu.segment[seg_CS], pointer.offset); failed(o)) return o;
    if (const Outcome o = push_return(cpu, insn, frame); failed(o)) return o;
    cpu.gpr[reg_ESP] = frame.esp();
    jump_real(cpu, pointer);
    return Outcome::Jumped;
}

template <class T> Outcome call(Cpu& cpu, const Instruction& insn, const FarPointer& pointer) {
    if (!cpu.uses_descriptors()) return call_real<T>(cpu, insn, pointer);
    SelectedDescriptor target;
    if (const Outcome o = select_target(cpu, pointer.selector, target); failed(o)) return o;
    if (!target.descriptor.S()) return call_system_descriptor(cpu, target, next_eip(cpu, insn));
    if (const Outcome o = check_direct_transfer(cpu, target, target.rpl(), cpu.cpl); failed(o)) return o;
    StackFrame frame(cpu, sizeof(T));
    if (const Outcome o = frame.reserve(2); failed(o)) return o;
    if (const Outcome o = check_entry_point(cpu, target.descriptor, pointer.offset); failed(o)) return o;
    if (const Outcome o = push_return(cpu, insn, frame); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, target); failed(o)) return o;
    cpu.gpr[reg_ESP] = frame.esp();
    enter_code(cpu, target, cpu.cpl, pointer.offset);
    return Outcome::Jumped;
}

// The stack that waits behind the return address and the parameters.
template <class T> Outcome return_to_outer_level(Cpu& cpu, SelectedDescriptor& code, u32 eip, u32 parameters) {
    const u32 item = sizeof(T);
    T esp, ss;
    if (const Outcome o = peek_stack(cpu, 2 * item + parameters, esp); failed(o)) return o;
    if (const Outcome o = peek_stack(cpu, 3 * item + parameters, ss); failed(o)) return o;
    SelectedDescriptor stack;
    const u16 selector = static_cast<u16>(ss);
    if (const Outcome o = select_stack_segment(cpu, selector, code.rpl(), Vector::GP, stack); failed(o)) return o;
    if (const Outcome o = check_entry_point(cpu, code.descriptor, eip); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, code); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, stack); failed(o)) return o;
    enter_code(cpu, code, code.rpl(), eip);
    cpu.set_segment(seg_SS, stack.segment());
    set_stack_pointer(cpu, esp + parameters);
    drop_inner_segments(cpu);
    return Outcome::Jumped;
}

template <class T> Outcome return_protected(Cpu& cpu, const FarPointer& pointer, u32 parameters) {
    SelectedDescriptor code;
    if (const Outcome o = select_code_segment(cpu, pointer.selector, Vector::GP, code); failed(o)) return o;
    if (code.rpl() < cpu.cpl) return raise_selector(cpu, Vector::GP, pointer.selector);
    if (const Outcome o = check_direct_transfer(cpu, code, 0, code.rpl()); failed(o)) return o;
    if (code.rpl() != cpu.cpl) return return_to_outer_level<T>(cpu, code, pointer.offset, parameters);
    if (const Outcome o = check_entry_point(cpu, code.descriptor, pointer.offset); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, code); failed(o)) return o;
    drop_stack(cpu, 2 * static_cast<u32>(sizeof(T)) + parameters);
    enter_code(cpu, code, cpu.cpl, pointer.offset);
    return Outcome::Jumped;
}

} // namespace

template <class T> Outcome JMPF::run(Cpu& cpu, const Instruction& insn) {
    return jump(cpu, insn, {insn.selector, insn.immediate});
}

template <class T> Outcome JMPF_M::run(Cpu& cpu, const Instruction& insn) {
    FarPointer pointer;
    if (const Outcome o = read_far_pointer<T>(cpu, insn, pointer); failed(o)) return o;
    return jump(cpu, insn, pointer);
}

template <class T> Outcome CALLF::run(Cpu& cpu, const Instruction& insn) {
    return call<T>(cpu, insn, {insn.selector, insn.immediate});
}

template <class T> Outcome CALLF_M::run(Cpu& cpu, const Instruction& insn) {
    FarPointer pointer;
    if (const Outcome o = read_far_pointer<T>(cpu, insn, pointer); failed(o)) return o;
    return call<T>(cpu, insn, pointer);
}

// Both forms: without the immediate it is 0.
template <class T> Outcome RETF::run(Cpu& cpu, const Instruction& insn) {
    FarPointer pointer;
    if (const Outcome o = peek_far_pointer<T>(cpu, pointer); failed(o)) return o;
    const u32 parameters = insn.immediate;
    if (cpu.uses_descriptors()) return return_protected<T>(cpu, pointer, parameters);
    if (const Outcome o = check_entry_point(cpu, cpu.segment[seg_CS], pointer.offset); failed(o)) return o;
    drop_stack(cpu, 2 * static_cast<u32>(sizeof(T)) + parameters);
    jump_real(cpu, pointer);
    return Outcome::Jumped;
}

template Outcome JMPF::run<u16>(Cpu&, const Instruction&);
template Outcome JMPF::run<u32>(Cpu&, const Instruction&);
template Outcome JMPF_M::run<u16>(Cpu&, const Instruction&);
template Outcome JMPF_M::run<u32>(Cpu&, const Instruction&);
template Outcome CALLF::run<u16>(Cpu&, const Instruction&);
template Outcome CALLF::run<u32>(Cpu&, const Instruction&);
template Outcome CALLF_M::run<u16>(Cpu&, const Instruction&);
template Outcome CALLF_M::run<u32>(Cpu&, const Instruction&);
template Outcome RETF::run<u16>(Cpu&, const Instruction&);
template Outcome RETF::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
