#include "cpu/own/iret.hpp"

#include "cpu/exceptions.hpp"
#include "cpu/own/far_pointer.hpp"
#include "cpu/task_switch.hpp"

namespace truering::op {

namespace {

// EFLAGS that any IRET loads; a 32-bit one the wide ones too.
constexpr u32 common_flags = u32{arithmetic_flags} | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT;
constexpr u32 wide_flags = EFLAGS_RF | EFLAGS_AC | EFLAGS_ID;

struct Frame {
    FarPointer pointer;
    u32 eflags = 0;
};

template <class T> Outcome peek_frame(Cpu& cpu, Frame& frame) {
    if (const Outcome o = peek_far_pointer<T>(cpu, frame.pointer); failed(o)) return o;
    T eflags;
    if (const Outcome o = peek_stack(cpu, 2 * static_cast<u32>(sizeof(T)), eflags); failed(o)) return o;
    frame.eflags = eflags;
    return Outcome::Done;
}

template <class T> constexpr u32 flags_of_width() { return sizeof(T) == 4 ? common_flags | wide_flags : common_flags; }

// In protected mode: by the CPL and IOPL that the instruction began with.
template <class T> u32 flags_of_privilege(const Cpu& cpu) {
    u32 mask = flags_of_width<T>();
    if (cpu.cpl <= cpu.iopl()) mask |= EFLAGS_IF;
    if (cpu.cpl == 0) mask |= EFLAGS_IOPL;
    if (cpu.cpl == 0 && sizeof(T) == 4) mask |= EFLAGS_VIF | EFLAGS_VIP;
    return mask;
}

template <class T> Outcome finish_8086(Cpu& cpu, const Frame& frame, u32 eflags, u32 mask) {
    if (const Outcome o = check_entry_point(cpu, cpu.segment[seg_CS], frame.pointer.offset); failed(o)) return o;
    drop_stack(cpu, 3 * sizeof(T));
    cpu.set_eflags(eflags, mask);
    jump_real(cpu, frame.pointer);
    return Outcome::Jumped;
}

template <class T> Outcome return_real(Cpu& cpu) {
    Frame frame;
    if (const Outcome o = peek_frame<T>(cpu, frame); failed(o)) return o;
    return finish_8086<T>(cpu, frame, frame.eflags, flags_of_width<T>() | EFLAGS_IF | EFLAGS_IOPL);
}

// With IOPL < 3 the 16-bit form works on VIF if VME is on; everything else is the monitor's.
template <class T> Outcome return_within_v86(Cpu& cpu) {
    const bool virtual_IF = cpu.iopl() < 3;
    if (virtual_IF && (sizeof(T) == 4 || (cpu.cr4 & CR4_VME) == 0)) return raise(cpu, Vector::GP, 0);
    Frame frame;
    if (const Outcome o = peek_frame<T>(cpu, frame); failed(o)) return o;
    if (!virtual_IF) return finish_8086<T>(cpu, frame, frame.eflags, flags_of_width<T>() | EFLAGS_IF);
    const bool sets_IF = (frame.eflags & EFLAGS_IF) != 0;
    if ((sets_IF && cpu.flag(EFLAGS_VIP)) || (frame.eflags & EFLAGS_TF) != 0) return raise(cpu, Vector::GP, 0);
    const u32 eflags = sets_IF ? frame.eflags | EFLAGS_VIF : frame.eflags;
    return finish_8086<T>(cpu, frame, eflags, common_flags | EFLAGS_VIF);
}

Outcome return_from_task(Cpu& cpu, const Instruction& insn) {
    u16 link = 0;
    if (const Outcome o = read_system(cpu, cpu.segment[seg_TR].base, link); failed(o)) return o;
    return switch_task(cpu, link, TaskSwitchSource::Iret, {cpu.eip + insn.length, cpu.eflags()}, nullptr);
}

// EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS: a frame of nine doublewords.
Outcome return_to_v86(Cpu& cpu, const Frame& frame) {
    u32 esp = 0, selectors[5] = {}; // SS, ES, DS, FS, GS
    if (const Outcome o = peek_stack(cpu, 12, esp); failed(o)) return o;
    for (u32 n = 0; n < 5; ++n)
        if (const Outcome o = peek_stack(cpu, 16 + 4 * n, selectors[n]); failed(o)) return o;
    if (frame.pointer.offset > 0xFFFF) return raise(cpu, Vector::GP, 0);
    cpu.set_eflags(frame.eflags | EFLAGS_fixed, EFLAGS_all);
    constexpr SegmentIndex indexes[5] = {seg_SS, seg_ES, seg_DS, seg_FS, seg_GS};
    for (unsigned n = 0; n < 5; ++n) load_segment_real(cpu, indexes[n], static_cast<u16>(selectors[n]));
    jump_real(cpu, frame.pointer);
    cpu.set_cpl(3);
    cpu.gpr[reg_ESP] = esp;
    return Outcome::Jumped;
}

template <class T> Outcome return_to_outer_level(Cpu& cpu, const Frame& frame, SelectedDescriptor& code) {
    const u32 item = sizeof(T);
    T esp, ss;
    if (const Outcome o = peek_stack(cpu, 4 * item, ss); failed(o)) return o;
    if (const Outcome o = peek_stack(cpu, 3 * item, esp); failed(o)) return o;
    SelectedDescriptor stack;
    const u16 selector = static_cast<u16>(ss);
    if (const Outcome o = select_stack_segment(cpu, selector, code.rpl(), Vector::GP, stack); failed(o)) return o;
    if (const Outcome o = check_entry_point(cpu, code.descriptor, frame.pointer.offset); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, code); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, stack); failed(o)) return o;
    cpu.set_eflags(frame.eflags, flags_of_privilege<T>(cpu));
    enter_code(cpu, code, code.rpl(), frame.pointer.offset);
    cpu.set_segment(seg_SS, stack.segment());
    set_stack_pointer(cpu, esp);
    drop_inner_segments(cpu);
    return Outcome::Jumped;
}

template <class T> Outcome return_protected(Cpu& cpu, const Instruction& insn) {
    if (cpu.flag(EFLAGS_NT)) return return_from_task(cpu, insn);
    Frame frame;
    if (const Outcome o = peek_frame<T>(cpu, frame); failed(o)) return o;
    if (sizeof(T) == 4 && (frame.eflags & EFLAGS_VM) != 0 && cpu.cpl == 0) return return_to_v86(cpu, frame);
    SelectedDescriptor code;
    if (const Outcome o = select_code_segment(cpu, frame.pointer.selector, Vector::GP, code); failed(o)) return o;
    if (code.rpl() < cpu.cpl) return raise_selector(cpu, Vector::GP, code.selector);
    if (const Outcome o = check_direct_transfer(cpu, code, 0, code.rpl()); failed(o)) return o;
    if (code.rpl() != cpu.cpl) return return_to_outer_level<T>(cpu, frame, code);
    if (const Outcome o = check_entry_point(cpu, code.descriptor, frame.pointer.offset); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, code); failed(o)) return o;
    drop_stack(cpu, 3 * sizeof(T));
    cpu.set_eflags(frame.eflags, flags_of_privilege<T>(cpu));
    enter_code(cpu, code, cpu.cpl, frame.pointer.offset);
    return Outcome::Jumped;
}

} // namespace

namespace {

template <class T> Outcome return_by_mode(Cpu& cpu, const Instruction& insn) {
    if (cpu.v86_mode()) return return_within_v86<T>(cpu);
    return cpu.protected_mode() ? return_protected<T>(cpu, insn) : return_real<T>(cpu);
}

} // namespace

// NMIs are unblocked even by an IRET that faults (SDM vol. 3C, 27.2.3), once its fault is delivered.
template <class T> Outcome IRET::run(Cpu& cpu, const Instruction& insn) {
    const Outcome outcome = return_by_mode<T>(cpu, insn);
    if ((cpu.interruptibility & blocked_by_NMI) == 0) return outcome;
    if (outcome == Outcome::Fault) cpu.fault.unblocks_NMI = true;
    if (failed(outcome)) return outcome;
    cpu.interruptibility &= static_cast<u8>(~blocked_by_NMI);
    cpu.update_attention();
    return outcome;
}

template Outcome IRET::run<u16>(Cpu&, const Instruction&);
template Outcome IRET::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
