// Delivery through the interrupt-descriptor table (SDM vol. 3A, 6.11, 6.12 and 20.3.1; vol. 2A, INT n).
#include "cpu/access.hpp"
#include "cpu/code_transfer.hpp"
#include "cpu/delivery_steps.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/stack_frame.hpp"
#include "cpu/task_switch.hpp"

namespace truering {

namespace {

bool is_gate(const Descriptor& d) {
    if (d.S()) return false;
    switch (d.type()) {
    case type_TaskGate:
    case type_InterruptGate16:
    case type_TrapGate16:
    case type_InterruptGate32:
    case type_TrapGate32: return true;
    default: return false;
    }
}

Outcome read_gate(Cpu& cpu, const Event& event, Descriptor& gate) {
    constexpr u32 error_IDT = 2;
    const u32 offset = event.vector * 8u;
    const u32 error_code = offset | error_IDT;
    if (offset + 7 > cpu.idtr.limit) return raise(cpu, Vector::GP, error_code);
    u64 raw = 0;
    if (const Outcome o = read_system(cpu, cpu.idtr.base + offset, raw); failed(o)) return o;
    gate = {static_cast<u32>(raw), static_cast<u32>(raw >> 32)};
    if (!is_gate(gate)) return raise(cpu, Vector::GP, error_code);
    if (is_software(event) && gate.dpl() < cpu.cpl) return raise(cpu, Vector::GP, error_code);
    if (!gate.present()) return raise(cpu, Vector::NP, error_code);
    return Outcome::Done;
}

// An interrupt or trap gate and the code behind it.
struct Passage {
    SelectedDescriptor code;
    u32 eip = 0;
    unsigned level = 0; // CPL of the handler
    bool is_32 = false;
    bool clears_IF = false;

    [[nodiscard]] unsigned item_size() const { return is_32 ? 4 : 2; }
};

Outcome open_passage(Cpu& cpu, const Descriptor& gate, Passage& passage) {
    passage.is_32 = gate.type() == type_InterruptGate32 || gate.type() == type_TrapGate32;
    passage.clears_IF = gate.type() == type_InterruptGate32 || gate.type() == type_InterruptGate16;
    passage.eip = passage.is_32 ? gate.gate_offset_32() : gate.gate_offset_16();
    if (const Outcome o = select_code_segment(cpu, gate.gate_selector(), Vector::GP, passage.code); failed(o)) return o;
    if (const Outcome o = check_gated_transfer(cpu, passage.code); failed(o)) return o;
    passage.level = gated_level(cpu, passage.code.descriptor);
    // Out of virtual-8086 mode leads a nonconforming segment of level 0 alone.
    if (cpu.v86_mode() && passage.level != 0) return raise_selector(cpu, Vector::GP, passage.code.selector);
    return Outcome::Done;
}

// EFLAGS, CS, EIP and the error code: what every frame ends with.
Outcome push_return(Cpu& cpu, const Event& event, StackFrame& frame) {
    if (const Outcome o = frame.push(pushed_eflags(cpu, event)); failed(o)) return o;
    if (const Outcome o = frame.push(cpu.segment[seg_CS].selector); failed(o)) return o;
    if (const Outcome o = frame.push(return_eip(cpu, event)); failed(o)) return o;
    return event.has_error_code ? frame.push(event.error_code) : Outcome::Done;
}

Outcome push_outer_stack(Cpu& cpu, StackFrame& frame) {
    if (cpu.v86_mode())
        for (const SegmentIndex index : {seg_GS, seg_FS, seg_DS, seg_ES})
            if (const Outcome o = frame.push(cpu.segment[index].selector); failed(o)) return o;
    if (const Outcome o = frame.push(cpu.segment[seg_SS].selector); failed(o)) return o;
    return frame.push(cpu.gpr[reg_ESP]);
}

void clear_flags(Cpu& cpu, const Passage& passage) {
    const u32 always = EFLAGS_TF | EFLAGS_NT | EFLAGS_RF | EFLAGS_VM;
    cpu.set_eflags(0, passage.clears_IF ? always | EFLAGS_IF : always);
}

Outcome deliver_on_same_stack(Cpu& cpu, const Event& event, Passage& passage) {
    StackFrame frame(cpu, passage.item_size());
    if (const Outcome o = frame.reserve(event.has_error_code ? 4 : 3); failed(o)) return o;
    if (const Outcome o = check_entry_point(cpu, passage.code.descriptor, passage.eip); failed(o)) return o;
    if (const Outcome o = push_return(cpu, event, frame); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, passage.code); failed(o)) return o;
    cpu.gpr[reg_ESP] = frame.esp();
    clear_flags(cpu, passage);
    enter_code(cpu, passage.code, passage.level, passage.eip);
    return Outcome::Jumped;
}

Outcome deliver_on_inner_stack(Cpu& cpu, const Event& event, Passage& passage) {
    InnerStack stack;
    if (const Outcome o = find_inner_stack(cpu, passage.level, stack); failed(o)) return o;
    StackFrame frame(cpu, stack.segment.segment(), stack.esp, passage.level, passage.item_size());
    const unsigned items = (event.has_error_code ? 6 : 5) + (cpu.v86_mode() ? 4 : 0);
    if (const Outcome o = frame.reserve(items); failed(o)) return o;
    if (const Outcome o = check_entry_point(cpu, passage.code.descriptor, passage.eip); failed(o)) return o;
    if (const Outcome o = push_outer_stack(cpu, frame); failed(o)) return o;
    if (const Outcome o = push_return(cpu, event, frame); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, stack.segment); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, passage.code); failed(o)) return o;

    const bool from_v86 = cpu.v86_mode();
    clear_flags(cpu, passage); // first: selectors name descriptors from here on
    if (from_v86)
        for (const SegmentIndex index : {seg_GS, seg_FS, seg_DS, seg_ES}) cpu.set_segment(index, null_segment());
    cpu.gpr[reg_ESP] = frame.esp();
    cpu.set_segment(seg_SS, stack.segment.segment());
    enter_code(cpu, passage.code, passage.level, passage.eip);
    return Outcome::Jumped;
}

} // namespace

Outcome deliver_through_gate(Cpu& cpu, const Event& event) {
    Descriptor gate;
    if (const Outcome o = read_gate(cpu, event, gate); failed(o)) return o;
    if (gate.type() == type_TaskGate) {
        const u32* error_code = event.has_error_code ? &event.error_code : nullptr;
        return switch_task(cpu, gate.gate_selector(), TaskSwitchSource::Gate,
                           {return_eip(cpu, event), pushed_eflags(cpu, event)}, error_code);
    }
    Passage passage;
    if (const Outcome o = open_passage(cpu, gate, passage); failed(o)) return o;
    return passage.level == cpu.cpl ? deliver_on_same_stack(cpu, event, passage)
                                    : deliver_on_inner_stack(cpu, event, passage);
}

} // namespace truering
