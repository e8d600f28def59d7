#include "cpu/v32/exit.hpp"

#include "cpu/delivery.hpp"
#include "cpu/delivery_steps.hpp"
#include "cpu/paging.hpp"
#include "cpu/v32/events.hpp"
#include "cpu/v32/record.hpp"

#include <algorithm>

namespace truering::v32 {

namespace {

// ---- The exit information

u32 error_code_of(const Event& event) { return event.has_error_code ? event.error_code : 0; }

u32 value_of(const Event& event) {
    if (is_exception(event, Vector::PF)) return event.cr2;
    return is_exception(event, Vector::DB) ? event.dr6 : 0;
}

// Where the processor has fetched from: the translation that it still holds, whatever the tables have come to say.
// Where it holds none, the tables as they are, read without side effects.
bool find_fetched(Cpu& cpu, u32 linear, u64& physical) {
    const TlbView& view = *cpu.tlb.view(cpu.cpl == 3);
    if (!view.has(linear, tlb_fetch)) return translate_for_debugger(cpu, linear, physical);
    physical = view.physical_page(linear) | page_offset(linear);
    return true;
}

void copy_instruction(Cpu& cpu, ExitInstruction instruction, ExitInformation& info) {
    info.instruction_length = instruction.length;
    u32 done = 0;
    while (done < instruction.length) {
        const u32 linear = instruction.linear + done;
        const u32 count = std::min(instruction.length - done, page_size - page_offset(linear));
        u64 physical = 0;
        if (find_fetched(cpu, linear, physical)) cpu.memory.peek({physical}, {&info.instruction_bytes[done], count});
        done += count;
    }
}

ExitInformation describe(Cpu& cpu, ExitInstruction instruction) {
    const V32PendingExit& exit = cpu.v32.exit;
    ExitInformation info{};
    info.exit_reason = static_cast<u32>(exit.reason);
    info.qualification = exit.qualification;
    info.qualification_value = exit.qualification_value;
    if (exit.event) {
        info.event = encode_event(*exit.event);
        info.event_error_code = error_code_of(*exit.event);
    }
    if (exit.cut_short) {
        info.vectoring_event = encode_event(*exit.cut_short);
        info.vectoring_error_code = error_code_of(*exit.cut_short);
    }
    if (instruction.length != 0) copy_instruction(cpu, instruction, info);
    const u64 count = cpu.v32.exit_count + 1, tsc = cpu.read_tsc();
    info.exit_count[0] = static_cast<u32>(count);
    info.exit_count[1] = static_cast<u32>(count >> 32);
    info.exit_tsc[0] = static_cast<u32>(tsc);
    info.exit_tsc[1] = static_cast<u32>(tsc >> 32);
    return info;
}

// ---- The guest's side

// INT1 is a trap: whatever is said of it is said behind it.
bool is_INT1(const std::optional<Event>& event) {
    return event && event->type == EventType::Exception && event->instruction_length != 0;
}

void settle_return_point(Cpu& cpu, ExitInstruction& instruction) {
    const V32PendingExit& exit = cpu.v32.exit;
    const std::optional<Event>& told = exit.cut_short ? exit.cut_short : exit.event;
    const bool exception = exit.reason == Reason::EXCEPTION;
    if (exit.cut_short || (exception && told)) cpu.set_eflags(pushed_eflags(cpu, *told), EFLAGS_RF);
    if (!is_INT1(told)) return;
    cpu.eip += told->instruction_length;
    instruction = {};
}

StateRecord save_guest(const Cpu& cpu) {
    StateRecord guest = save_state(cpu);
    if (cpu.v32.policy() != IF_DIRECT)
        guest.eflags = (guest.eflags & ~u32{EFLAGS_IF}) | (cpu.v32.physical_IF ? u32{EFLAGS_IF} : 0u);
    return guest;
}

template <class T> void write_area(Cpu& cpu, u32 offset, const T& what) {
    cpu.memory.write(Physical{cpu.v32.area() + offset}, {reinterpret_cast<const u8*>(&what), sizeof what});
}

void forget_guest(Cpu& cpu) {
    V32State& v = cpu.v32;
    v.paging_at_exit = paging_bits(cpu);
    v.injection.reset();
    v.attempt = {};
    v.step_due = false;
    v.tsc_offset = 0;
    cpu.pending_fault.reset();
    cpu.interrupted_delivery.reset();
}

// ---- The VMM's side

// False: its PDPTEs have reserved bits.
bool load_vmm(Cpu& cpu) {
    cpu.tlb.select(TlbSide::Root);
    load_state(cpu, cpu.v32.vmm);
    const bool loads_PDPTEs = cpu.paging() && (cpu.cr4 & CR4_PAE) != 0;
    const bool loaded = !loads_PDPTEs || read_pdptes(cpu, cpu.cr3, cpu.pdpte);
    cpu.update_view();
    cpu.update_attention();
    return loaded;
}

Event event_for_vmm(const V32PendingExit& exit) {
    if (exit.reason == Reason::EXTINT || exit.reason == Reason::NMI) return *exit.event;
    Event event;
    event.is_trap = true; // V32ENTER is not to be repeated: RF is pushed as it stands
    if (exit.reason == Reason::EXCEPTION) {
        event.vector = exit.event->vector;
        event.has_error_code = pushes_error_code(static_cast<Vector>(event.vector));
        event.error_code = error_code_of(*exit.event);
        event.cr2 = exit.event->cr2;
    } else {
        event.vector = static_cast<u8>(Vector::VT);
        event.has_error_code = true;
        event.error_code = static_cast<u32>(exit.reason);
    }
    return event;
}

} // namespace

Outcome request_exit(Cpu& cpu, Reason reason, u32 qualification, u32 value) {
    cpu.v32.exit = {.reason = reason, .qualification = qualification, .qualification_value = value};
    return Outcome::Exit;
}

Outcome request_event_exit(Cpu& cpu, Reason reason, const Event& event, u32 qualification) {
    cpu.v32.exit = {.reason = reason, .qualification = qualification, .event = event};
    return Outcome::Exit;
}

void leave(Cpu& cpu) { leave(cpu, {cpu.segment[seg_CS].base + cpu.eip, cpu.instruction_length}); }

void leave(Cpu& cpu, ExitInstruction instruction) {
    settle_return_point(cpu, instruction);
    write_area(cpu, V32_OFFSET_EXIT_REASON, describe(cpu, instruction));
    write_area(cpu, V32_OFFSET_GUEST, save_guest(cpu));
    forget_guest(cpu);
    if (!load_vmm(cpu)) {
        cpu.faults = {};
        cpu.attention |= attention_shutdown;
        return;
    }
    deliver(cpu, event_for_vmm(cpu.v32.exit));
}

void leave_at_boundary(Cpu& cpu, Reason reason) {
    cpu.v32.exit = {.reason = reason};
    leave(cpu, {});
}

void leave_with_event(Cpu& cpu, Reason reason, const Event& event) {
    cpu.v32.exit = {.reason = reason, .event = event};
    leave(cpu, {});
}

void leave_with_exception(Cpu& cpu, const Event& event, const std::optional<Event>& cut_short) {
    cpu.v32.exit = {
        .reason = Reason::EXCEPTION, .qualification_value = value_of(event), .event = event, .cut_short = cut_short};
    leave(cpu);
}

void leave_with_shutdown(Cpu& cpu, const Event& double_fault) {
    cpu.v32.exit = {.reason = Reason::SHUTDOWN, .cut_short = double_fault};
    leave(cpu, {});
}

} // namespace truering::v32
