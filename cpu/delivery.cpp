// Delivery, from the outside: an attempt, and what follows from its faults.
//
// deliver() owns the chain of events. In V32 mode each of them may be the VMM's (docs/v32.md 6, "Exceptions"): the
// first is asked about before it is delivered, a fault of a delivery before it becomes the next event or a double
// fault.
#include "cpu/delivery.hpp"

#include "cpu/delivery_steps.hpp"
#include "cpu/double_fault.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/v32/events.hpp"
#include "cpu/v32/exit.hpp"

#include <utility>

namespace truering {

u32 pushed_eflags(const Cpu& cpu, const Event& event) {
    const u32 eflags = cpu.eflags();
    if (is_software(event)) return eflags & ~u32{EFLAGS_RF}; // clear since the instruction began
    if (event.type == EventType::Exception && !event.is_trap) return eflags | EFLAGS_RF;
    return eflags;
}

namespace {

// EXT says that the fault is not the program's own doing, but of an event that came from outside or before
// (SDM vol. 3A, 6.13).
void set_EXT(Event& fault, const Event& during) {
    constexpr u32 error_EXT = 1;
    if (fault.has_error_code && !is_exception(fault, Vector::PF) && !is_software(during)) fault.error_code |= error_EXT;
}

// What holds at the handler's first instruction, whichever way led there.
void arrive(Cpu& cpu, const Event& event) {
    cpu.interruptibility &= blocked_by_NMI; // shadows end with the instruction that they covered
    if (event.type == EventType::NMI) cpu.interruptibility |= blocked_by_NMI;
    if (is_exception(event, Vector::DB)) cpu.dr7 &= ~u32{DR7_GD};
    cpu.halted = false;
    cpu.event_delivered = true;
    v32::note_completion(cpu);
    cpu.update_attention();
}

enum class Way : u8 { Gate, VectorTable, To8086 };

// INT n in virtual-8086 mode is the 8086 program's own where VME's bitmap says so.
Outcome find_way(Cpu& cpu, const Event& event, Way& way) {
    way = cpu.protected_mode() ? Way::Gate : Way::VectorTable;
    if (!cpu.v86_mode() || event.type != EventType::SoftwareInterrupt || (cpu.cr4 & CR4_VME) == 0) return Outcome::Done;
    bool redirected = false;
    if (const Outcome o = is_redirected_to_8086(cpu, event.vector, redirected); failed(o)) return o;
    if (redirected) way = Way::To8086;
    return Outcome::Done;
}

Outcome go(Cpu& cpu, const Event& event, Way way) {
    switch (way) {
    case Way::Gate: return deliver_through_gate(cpu, event);
    case Way::VectorTable: return deliver_through_vector_table(cpu, event);
    case Way::To8086: return deliver_to_8086(cpu, event);
    }
    return Outcome::Done;
}

Outcome attempt(Cpu& cpu, const Event& event, Way way) {
    const Outcome o = go(cpu, event, way);
    if (o == Outcome::Fault) set_EXT(cpu.fault, event);
    if (o == Outcome::Exit) cpu.v32.exit.cut_short = event; // a task gate
    if (!failed(o)) arrive(cpu, event);
    return o;
}

Outcome attempt(Cpu& cpu, const Event& event) {
    Way way{};
    if (const Outcome o = find_way(cpu, event, way); failed(o)) return o;
    return attempt(cpu, event, way);
}

// What an event leaves in registers before its handler is looked for.
void write_cause(Cpu& cpu, const Event& event) {
    if (event.injected) return;
    if (is_exception(event, Vector::PF)) cpu.cr2 = event.cr2;
    if (is_exception(event, Vector::DB)) cpu.dr6 |= event.dr6;
}

void shut_down(Cpu& cpu, const FaultChain& chain) {
    cpu.faults = chain;
    cpu.attention |= attention_shutdown;
}

} // namespace

void deliver(Cpu& cpu, const Event& first) {
    FaultChain chain{.event = {first}, .count = 1, .eip = cpu.eip, .cs = cpu.segment[seg_CS].selector};
    Event event = first;
    std::optional<Event> cut_short = std::exchange(cpu.interrupted_delivery, std::nullopt);
    cpu.v32.attempt.made = false; // the instruction did not complete
    for (;;) {
        if (v32::takes_exception(cpu, event)) return v32::leave_with_exception(cpu, event, cut_short);
        write_cause(cpu, event);
        if (event.unblocks_NMI) cpu.interruptibility &= static_cast<u8>(~blocked_by_NMI);
        const Outcome o = attempt(cpu, event);
        if (!failed(o)) return;
        if (o == Outcome::Exit) return v32::leave(cpu);
        const Event fault = cpu.fault;
        if (v32::takes_exception(cpu, fault)) return v32::leave_with_exception(cpu, fault, event);
        cut_short.reset();
        switch (combination(event, fault)) {
        case Combination::Serial:
            if (is_benign(fault)) {
                // One like #AC may come back for ever: it waits for the boundary, where time passes and other events
                // get their turn.
                cpu.pending_fault = fault;
                cpu.update_attention();
                return;
            }
            event = fault;
            chain.event[1] = fault; // the first stays: it is where the trouble began
            chain.count = 2;
            break;
        case Combination::DoubleFault:
            write_cause(cpu, fault);
            chain.event[chain.count++] = fault;
            event = double_fault();
            break;
        case Combination::Shutdown:
            chain.event[chain.count++] = fault;
            return cpu.in_v32() ? v32::leave_with_shutdown(cpu, event) : shut_down(cpu, chain);
        }
    }
}

Outcome software_interrupt(Cpu& cpu, u8 vector, EventType type, unsigned instruction_length) {
    const Event event{.vector = vector, .type = type, .instruction_length = static_cast<u8>(instruction_length)};
    Way way{};
    if (const Outcome o = find_way(cpu, event, way); failed(o)) return o;
    const bool by_IOPL = cpu.v86_mode() && type == EventType::SoftwareInterrupt && way == Way::Gate;
    if (by_IOPL && cpu.iopl() < 3) return raise(cpu, Vector::GP, 0);
    if (v32::takes_software_interrupt(cpu, vector)) {
        const u32 kind = type == EventType::SoftwareInterrupt    ? v32::soft_INT
                         : vector == static_cast<u8>(Vector::BP) ? v32::soft_INT3
                                                                 : v32::soft_INTO;
        return v32::request_event_exit(cpu, v32::Reason::SOFT_INT, event, vector | kind);
    }
    const Outcome o = attempt(cpu, event, way);
    if (o == Outcome::Fault) cpu.interrupted_delivery = event;
    return o;
}

Outcome debug_interrupt(Cpu& cpu, unsigned instruction_length) {
    // RF is clear since the instruction began; a trap's image shows it as it stands.
    cpu.set_eflags(0, EFLAGS_RF);
    const Event event{.vector = static_cast<u8>(Vector::DB),
                      .instruction_length = static_cast<u8>(instruction_length),
                      .is_trap = true};
    if (v32::takes_exception(cpu, event)) return v32::request_event_exit(cpu, v32::Reason::EXCEPTION, event);
    const Outcome o = attempt(cpu, event);
    if (o == Outcome::Fault) cpu.interrupted_delivery = event;
    return o;
}

} // namespace truering
