// Delivery, from the outside: an attempt, and what follows from its faults.
//
// deliver() owns the chain of events. Every event of the chain, the first and those that faults of the delivery make
// of it, passes through the loop's head, and every attempt through attempt(): a mode that sends events elsewhere needs
// these two places and software_interrupt()'s beginning, and no other.
#include "cpu/delivery.hpp"

#include "cpu/delivery_steps.hpp"
#include "cpu/double_fault.hpp"
#include "cpu/exceptions.hpp"

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
    cpu.event_delivered = true;
    cpu.update_attention();
}

Outcome attempt(Cpu& cpu, const Event& event) {
    const Outcome o =
        cpu.protected_mode() ? deliver_through_gate(cpu, event) : deliver_through_vector_table(cpu, event);
    if (o == Outcome::Fault) set_EXT(cpu.fault, event);
    if (!failed(o)) arrive(cpu, event);
    return o;
}

void raise_page_fault_address(Cpu& cpu, const Event& event) {
    if (is_exception(event, Vector::PF)) cpu.cr2 = event.cr2;
}

void shut_down(Cpu& cpu, const FaultChain& chain) {
    cpu.faults = chain;
    cpu.attention |= attention_shutdown;
}

} // namespace

void deliver(Cpu& cpu, const Event& first) {
    // A benign fault during a delivery is delivered in turn, and one like #AC may come back for ever: then the rest
    // waits for the instruction's next try, so that time passes and other events get their turn.
    constexpr unsigned patience = 8;
    FaultChain chain{.event = {first}, .count = 1, .eip = cpu.eip, .cs = cpu.segment[seg_CS].selector};
    Event event = first;
    for (unsigned tries = 0; tries < patience; ++tries) {
        raise_page_fault_address(cpu, event);
        if (!failed(attempt(cpu, event))) return;
        const Event fault = cpu.fault;
        switch (combination(event, fault)) {
        case Combination::Serial:
            event = fault;
            chain.event[1] = fault; // the first stays: it is where the trouble began
            chain.count = 2;
            break;
        case Combination::DoubleFault:
            raise_page_fault_address(cpu, fault);
            chain.event[chain.count++] = fault;
            event = double_fault();
            break;
        case Combination::Shutdown:
            chain.event[chain.count++] = fault;
            shut_down(cpu, chain);
            return;
        }
    }
}

Outcome software_interrupt(Cpu& cpu, u8 vector, EventType type, unsigned instruction_length) {
    const Event event{.vector = vector, .type = type, .instruction_length = static_cast<u8>(instruction_length)};
    if (cpu.v86_mode() && type == EventType::SoftwareInterrupt) {
        bool redirected = false;
        if ((cpu.cr4 & CR4_VME) != 0)
            if (const Outcome o = is_redirected_to_8086(cpu, vector, redirected); failed(o)) return o;
        if (redirected) {
            const Outcome o = deliver_to_8086(cpu, event);
            if (!failed(o)) arrive(cpu, event);
            return o;
        }
        if (cpu.iopl() < 3) return raise(cpu, Vector::GP, 0);
    }
    return attempt(cpu, event);
}

Outcome debug_interrupt(Cpu& cpu, unsigned instruction_length) {
    // RF is clear since the instruction began; a trap's image shows it as it stands.
    cpu.set_eflags(0, EFLAGS_RF);
    return attempt(cpu, {.vector = static_cast<u8>(Vector::DB),
                         .instruction_length = static_cast<u8>(instruction_length),
                         .is_trap = true});
}

} // namespace truering
