#include "cpu/own/call_gate.hpp"

#include "cpu/access.hpp"
#include "cpu/code_transfer.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/stack_frame.hpp"
#include "cpu/task_switch.hpp"

namespace truering {

namespace {

// What a call gate leads to.
struct Entry {
    SelectedDescriptor code;
    u32 eip = 0;
    bool is_32 = false;

    [[nodiscard]] unsigned item_size() const { return is_32 ? 4 : 2; }
};

Outcome open_gate(Cpu& cpu, const SelectedDescriptor& gate, Entry& entry) {
    const Descriptor& d = gate.descriptor;
    if (!d.present()) return raise_selector(cpu, Vector::NP, gate.selector);
    entry.is_32 = d.type() == type_CallGate32;
    entry.eip = entry.is_32 ? d.gate_offset_32() : d.gate_offset_16();
    return select_code_segment(cpu, d.gate_selector(), Vector::GP, entry.code);
}

// The gate's RPL counts for nothing: a jump stays at the current privilege.
Outcome jump_through_gate(Cpu& cpu, const SelectedDescriptor& gate) {
    Entry entry;
    if (const Outcome o = open_gate(cpu, gate, entry); failed(o)) return o;
    if (const Outcome o = check_direct_transfer(cpu, entry.code, 0, cpu.cpl); failed(o)) return o;
    if (const Outcome o = check_entry_point(cpu, entry.code.descriptor, entry.eip); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, entry.code); failed(o)) return o;
    enter_code(cpu, entry.code, cpu.cpl, entry.eip);
    return Outcome::Jumped;
}

Outcome push_return(Cpu& cpu, StackFrame& frame, u32 next_eip) {
    if (const Outcome o = frame.push(cpu.segment[seg_CS].selector); failed(o)) return o;
    return frame.push(next_eip);
}

Outcome call_same_level(Cpu& cpu, Entry& entry, u32 next_eip) {
    StackFrame frame(cpu, entry.item_size());
    if (const Outcome o = frame.reserve(2); failed(o)) return o;
    if (const Outcome o = check_entry_point(cpu, entry.code.descriptor, entry.eip); failed(o)) return o;
    if (const Outcome o = push_return(cpu, frame, next_eip); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, entry.code); failed(o)) return o;
    cpu.gpr[reg_ESP] = frame.esp();
    enter_code(cpu, entry.code, cpu.cpl, entry.eip);
    return Outcome::Jumped;
}

// The caller's parameters, in the order in which they are pushed again: the deepest first.
struct Parameters {
    unsigned count = 0;
    u32 value[31] = {};
};

template <class T> Outcome read_parameters(Cpu& cpu, unsigned count, Parameters& parameters) {
    parameters.count = count;
    for (unsigned n = 0; n < count; ++n) {
        T value;
        const u32 depth = (count - 1 - n) * static_cast<u32>(sizeof(T));
        if (const Outcome o = peek_stack(cpu, depth, value); failed(o)) return o;
        parameters.value[n] = value;
    }
    return Outcome::Done;
}

Outcome push_call_frame(Cpu& cpu, StackFrame& frame, const Parameters& parameters, u32 next_eip) {
    if (const Outcome o = frame.push(cpu.segment[seg_SS].selector); failed(o)) return o;
    if (const Outcome o = frame.push(cpu.gpr[reg_ESP]); failed(o)) return o;
    for (unsigned n = 0; n < parameters.count; ++n)
        if (const Outcome o = frame.push(parameters.value[n]); failed(o)) return o;
    return push_return(cpu, frame, next_eip);
}

Outcome call_inner_level(Cpu& cpu, Entry& entry, unsigned parameter_count, u32 next_eip) {
    const unsigned level = entry.code.descriptor.dpl();
    InnerStack stack;
    if (const Outcome o = find_inner_stack(cpu, level, stack); failed(o)) return o;
    StackFrame frame(cpu, stack.segment.segment(), stack.esp, level, entry.item_size());
    if (const Outcome o = frame.reserve(4 + parameter_count); failed(o)) return o;
    if (const Outcome o = check_entry_point(cpu, entry.code.descriptor, entry.eip); failed(o)) return o;
    Parameters parameters;
    const Outcome read = entry.is_32 ? read_parameters<u32>(cpu, parameter_count, parameters)
                                     : read_parameters<u16>(cpu, parameter_count, parameters);
    if (failed(read)) return read;
    if (const Outcome o = push_call_frame(cpu, frame, parameters, next_eip); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, stack.segment); failed(o)) return o;
    if (const Outcome o = set_accessed(cpu, entry.code); failed(o)) return o;
    cpu.gpr[reg_ESP] = frame.esp();
    cpu.set_segment(seg_SS, stack.segment.segment());
    enter_code(cpu, entry.code, level, entry.eip);
    return Outcome::Jumped;
}

Outcome call_through_gate(Cpu& cpu, const SelectedDescriptor& gate, u32 next_eip) {
    Entry entry;
    if (const Outcome o = open_gate(cpu, gate, entry); failed(o)) return o;
    if (const Outcome o = check_gated_transfer(cpu, entry.code); failed(o)) return o;
    if (gated_level(cpu, entry.code.descriptor) == cpu.cpl) return call_same_level(cpu, entry, next_eip);
    return call_inner_level(cpu, entry, gate.descriptor.gate_parameters(), next_eip);
}

bool is_allowed(const Cpu& cpu, const SelectedDescriptor& target) {
    return target.descriptor.dpl() >= cpu.cpl && target.descriptor.dpl() >= target.rpl();
}

Outcome switch_task_from_program(Cpu& cpu, u16 tss_selector, TaskSwitchSource source, u32 next_eip) {
    return switch_task(cpu, tss_selector, source, {next_eip, cpu.eflags()}, nullptr);
}

// What jumps and calls share: the tasks. `through_gate` does a call gate.
template <class ThroughGate> Outcome transfer(Cpu& cpu, const SelectedDescriptor& target, TaskSwitchSource source,
                                              u32 next_eip, ThroughGate through_gate) {
    const Descriptor& d = target.descriptor;
    if (!is_allowed(cpu, target)) return raise_selector(cpu, Vector::GP, target.selector);
    switch (d.type()) {
    case type_CallGate16:
    case type_CallGate32: return through_gate();
    case type_TaskGate:
        if (!d.present()) return raise_selector(cpu, Vector::NP, target.selector);
        return switch_task_from_program(cpu, d.gate_selector(), source, next_eip);
    case type_TSS16_available:
    case type_TSS32_available: return switch_task_from_program(cpu, target.selector, source, next_eip);
    default: return raise_selector(cpu, Vector::GP, target.selector);
    }
}

} // namespace

Outcome jump_to_system_descriptor(Cpu& cpu, const SelectedDescriptor& target, u32 next_eip) {
    return transfer(cpu, target, TaskSwitchSource::Jump, next_eip, [&] { return jump_through_gate(cpu, target); });
}

Outcome call_system_descriptor(Cpu& cpu, const SelectedDescriptor& target, u32 next_eip) {
    return transfer(cpu, target, TaskSwitchSource::Call, next_eip,
                    [&] { return call_through_gate(cpu, target, next_eip); });
}

} // namespace truering
