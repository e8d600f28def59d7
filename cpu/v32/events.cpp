#include "cpu/v32/events.hpp"

#include "cpu/v32/exit.hpp"

namespace truering::v32 {

u32 encode_event(const Event& event) {
    const bool software = event.type == EventType::SoftwareInterrupt || event.type == EventType::SoftwareException;
    const bool error = event.type == EventType::Exception && pushes_error_code(static_cast<Vector>(event.vector));
    return event_valid | event.vector | u32{static_cast<u8>(event.type)} << event_type_shift |
           (error ? u32{event_has_error_code} : 0) |
           (software ? u32{event.instruction_length} << event_length_shift : 0);
}

Event decode_event(u32 field, u32 error_code) {
    Event event;
    event.vector = static_cast<u8>(field & event_vector);
    event.type = static_cast<EventType>((field & event_type) >> event_type_shift);
    event.has_error_code = (field & event_has_error_code) != 0;
    event.error_code = event.has_error_code ? error_code : 0;
    event.instruction_length = static_cast<u8>((field & event_length) >> event_length_shift);
    event.is_trap = true; // RF is pushed as the record has it
    event.injected = true;
    return event;
}

namespace {

bool shadowed(const Cpu& cpu) { return (cpu.interruptibility & (blocked_by_STI | blocked_by_MOV_SS)) != 0; }

bool window_open(const Cpu& cpu) { return cpu.v32.has(WINDOW_EXIT) && cpu.flag(EFLAGS_IF) && !shadowed(cpu); }

bool interrupt_exits_now(const Cpu& cpu) {
    return cpu.v32.has(EXTINT_EXIT) && cpu.interrupt_line() && cpu.v32.physically_open() &&
           cpu.interrupt_source() != nullptr;
}

// The instruction has completed as on a bare processor; if that changed IF, the change is taken back: true.
bool take_back_attempt(Cpu& cpu) {
    const V32Attempt& attempt = cpu.v32.attempt;
    if (!attempt.made) return false;
    cpu.v32.attempt.made = false;
    if (cpu.flag(EFLAGS_IF) == attempt.IF_before) return false;
    cpu.set_eflags(attempt.IF_before ? u32{EFLAGS_IF} : 0u, EFLAGS_IF);
    return true;
}

bool leave_for_attempt(Cpu& cpu) {
    if (!take_back_attempt(cpu)) return false;
    const V32Attempt attempt = cpu.v32.attempt;
    const bool wanted = !attempt.IF_before;
    cpu.v32.exit = {.reason = Reason::IF_MODIFY, .qualification = attempt.instruction | (wanted ? u32{if_wanted} : 0u)};
    leave(cpu, {.linear = attempt.linear, .length = attempt.length});
    return true;
}

} // namespace

bool leave_before_traps(Cpu& cpu) {
    if ((cpu.attention & attention_init) != 0) {
        cpu.attention &= ~u32{attention_init};
        static_cast<void>(take_back_attempt(cpu)); // it is not reported: INIT ends what the guest was about
        leave_at_boundary(cpu, Reason::INIT);
        return true;
    }
    if (leave_for_attempt(cpu)) return true;
    if (cpu.v32.step_due) {
        leave_at_boundary(cpu, Reason::STEP);
        return true;
    }
    if (!cpu.v32.gives_event(static_cast<u8>(Vector::NMI)) && cpu.take_nmi()) {
        leave_with_event(cpu, Reason::NMI, {.vector = static_cast<u8>(Vector::NMI), .type = EventType::NMI});
        return true;
    }
    if (interrupt_exits_now(cpu)) {
        const u8 vector = cpu.interrupt_source()->acknowledge_interrupt();
        leave_with_event(cpu, Reason::EXTINT, {.vector = vector, .type = EventType::ExternalInterrupt});
        return true;
    }
    return false;
}

bool leave_for_window(Cpu& cpu) {
    if (!window_open(cpu)) return false;
    leave_at_boundary(cpu, Reason::IF_WINDOW);
    return true;
}

bool take_injection(Cpu& cpu, Event& event) {
    if (!cpu.v32.injection) return false;
    event = *cpu.v32.injection;
    cpu.v32.injection.reset();
    return true;
}

u32 attention_of_guest(const Cpu& cpu) {
    const V32State& v = cpu.v32;
    u32 now = 0;
    if (cpu.interrupt_line() && v.physically_open() && (v.has(EXTINT_EXIT) || cpu.flag(EFLAGS_IF)))
        now |= attention_interrupt;
    const bool nmi_exits = !v.gives_event(static_cast<u8>(Vector::NMI));
    if (cpu.nmi_pending() && (nmi_exits || (cpu.interruptibility & blocked_by_NMI) == 0)) now |= attention_nmi;
    if (v.has(STEP_EXIT)) now |= attention_step;
    if (v.injection || v.attempt.made || v.step_due || (v.has(WINDOW_EXIT) && cpu.flag(EFLAGS_IF)))
        now |= attention_v32;
    return now;
}

} // namespace truering::v32
