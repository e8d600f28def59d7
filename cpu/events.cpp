#include "cpu/events.hpp"

#include "cpu/delivery.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/v32/events.hpp"
#include "cpu/v32/exit.hpp"

#include <utility>

namespace truering {

namespace {

// One breakpoint register as DR7 describes it (SDM vol. 3B, 17.2.4).
struct Breakpoint {
    bool enabled;
    unsigned kind; // R/W field
    unsigned size; // bytes
    u32 address;
};

enum BreakpointKind : unsigned { breaks_on_execution = 0, breaks_on_write = 1, breaks_on_io = 2, breaks_on_access = 3 };

Breakpoint breakpoint(const Cpu& cpu, unsigned n) {
    constexpr unsigned sizes[4] = {1, 2, 8, 4};
    return {((cpu.dr7 >> (2 * n)) & 3) != 0, (cpu.dr7 >> (16 + 4 * n)) & 3, sizes[(cpu.dr7 >> (18 + 4 * n)) & 3],
            cpu.dr[n]};
}

// Breakpoint addresses are aligned to their size; the low bits do not count.
bool overlaps(const Breakpoint& b, u32 first, unsigned size) {
    const u32 start = b.address & ~(b.size - 1);
    return first - start < b.size || start - first < size;
}

// What no event may come before: an injection is part of V32 mode's entry, and a fault of a delivery is old news.
bool take_what_has_begun(Cpu& cpu) {
    Event injected;
    if (v32::take_injection(cpu, injected)) {
        deliver(cpu, injected);
        return true;
    }
    if (cpu.in_v32() && v32::leave_before_traps(cpu)) return true;
    if (!cpu.pending_fault) return false;
    deliver(cpu, *std::exchange(cpu.pending_fault, std::nullopt));
    return true;
}

void interrupt(Cpu& cpu) {
    const Event event{.vector = cpu.interrupt_source()->acknowledge_interrupt(), .type = EventType::ExternalInterrupt};
    if (cpu.in_v32() && !cpu.v32.gives_event(event.vector))
        v32::leave_with_event(cpu, v32::Reason::EXTINT, event);
    else
        deliver(cpu, event);
}

void debug_trap(Cpu& cpu) {
    const u32 causes = std::exchange(cpu.pending_debug, 0);
    deliver(cpu, Event{.vector = static_cast<u8>(Vector::DB), .dr6 = causes, .is_trap = true});
}

bool take_one(Cpu& cpu) {
    const bool blocked = (cpu.interruptibility & (blocked_by_STI | blocked_by_MOV_SS)) != 0;
    if (take_what_has_begun(cpu)) return true;
    // 3: external hardware interventions
    if ((cpu.attention & attention_init) != 0) {
        cpu.attention &= ~u32{attention_init};
        cpu.take_init();
        return true;
    }
    // 2, 4: traps of the previous instruction, the T flag of a new task among them
    if (cpu.pending_debug != 0 && (cpu.interruptibility & blocked_by_MOV_SS) == 0) {
        debug_trap(cpu);
        return true;
    }
    // 5: nonmaskable interrupts
    if ((cpu.attention & attention_nmi) != 0 && !blocked && cpu.take_nmi()) {
        deliver(cpu, Event{.vector = static_cast<u8>(Vector::NMI), .type = EventType::NMI});
        return true;
    }
    if (cpu.in_v32() && v32::leave_for_window(cpu)) return true;
    // 6: maskable hardware interrupts
    if ((cpu.attention & attention_interrupt) != 0 && !blocked && cpu.interrupt_source() != nullptr) {
        interrupt(cpu);
        return true;
    }
    return false;
}

} // namespace

// SDM vol. 3A, table 6-2, from the top; classes that this processor does not have are left out. V32 mode's exits have
// their places among them (docs/v32.md 8).
bool take_events(Cpu& cpu) {
    cpu.instruction_length = 0;
    const bool taken = take_one(cpu);
    cpu.update_attention();
    return taken;
}

bool hits_code_breakpoint(Cpu& cpu, u32 linear) {
    if ((cpu.dr7 & DR7_enables) == 0 || cpu.flag(EFLAGS_RF)) return false;
    u32 hits = 0;
    for (unsigned n = 0; n < 4; ++n) {
        const Breakpoint b = breakpoint(cpu, n);
        if (b.enabled && b.kind == breaks_on_execution && b.address == linear) hits |= bit(n);
    }
    if (hits == 0) return false;
    // The one fault whose image shows RF as it stands (SDM vol. 3B, 17.3.1.1).
    cpu.fault = Event{.vector = static_cast<u8>(Vector::DB), .dr6 = hits, .is_trap = true};
    return true;
}

namespace {

template <class Matches> void note(Cpu& cpu, u32 first, unsigned size, Matches matches) {
    if ((cpu.dr7 & DR7_enables) == 0) return;
    for (unsigned n = 0; n < 4; ++n) {
        const Breakpoint b = breakpoint(cpu, n);
        if (b.enabled && matches(b.kind) && overlaps(b, first, size)) cpu.pending_debug |= bit(n);
    }
    if (cpu.pending_debug != 0) cpu.attention |= attention_debug;
}

} // namespace

void note_data_access(Cpu& cpu, u32 linear, unsigned size, bool write) {
    note(cpu, linear, size,
         [write](unsigned kind) { return kind == breaks_on_access || (kind == breaks_on_write && write); });
}

void note_port_access(Cpu& cpu, u16 port, unsigned size) {
    if ((cpu.cr4 & CR4_DE) == 0) return;
    note(cpu, port, size, [](unsigned kind) { return kind == breaks_on_io; });
}

} // namespace truering
