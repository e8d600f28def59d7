// Section 8, "At one boundary": what stands there at once is seen in the order of the text, and what stands later is
// left pending, debug traps in pending_debug, the rest at its source.
//
// The trick of most boundaries here: the guest enters in the shadow of STI, with an interrupt waiting and the window
// open, so that all this stands behind its one instruction, together with what that instruction itself brings about.
#include "tests/v32/pending_nmi.hpp"
#include "tests/v32/policies.hpp"

using namespace proof;

namespace {

constexpr u32 apic_vector = 0x91;
constexpr u32 bitmap = scratch;
constexpr u32 BS = 0x4000;

const Bytes nop{0x90, 0x90}, store{0x89, 0x03, 0x90, 0x90}, out_92{0xe6, 0x92, 0x90}, cli{0xfa, 0x90};
// Everything stands behind the first instruction; the tests take away from it.
ControlArea& crowded(const Bytes& bytes) {
    ControlArea& area = fresh_area(place(bytes));
    area.controls = u32{STEP_EXIT} | WINDOW_EXIT;
    area.guest.eflags |= u32{TF} | IF;
    area.guest.sif = 1;
    area.guest.interruptibility = by_STI;
    for (u32 i = 0; i < 8192; i += 4) word_at(bitmap + i) = 0;
    area.io_bitmap = bitmap;
    guest_directory[local_apic >> 22] = 0xfec00000 | page_large | page_present | page_writable;
    area.guest.cr4 |= PSE;
    area.guest.gpr[EBX] = command_register;
    pend_external_interrupt();
    return area;
}

// Saved behind the first instruction, the step pending.
Wanted behind(const ControlArea& area, Reason reason, u32 advance) {
    Wanted w = wanted(area, reason);
    w.guest.eip += advance;
    w.guest.interruptibility = 0;
    w.guest.pending_debug = BS;
    return w;
}

Wanted debug_trap(const ControlArea& area, u32 causes = BS) {
    Wanted w = wanted(area, Reason::EXCEPTION);
    w.event = exception_event(vector::DB);
    w.qualification_value = causes;
    w.guest.pending_debug = 0;
    return w;
}

// The rest of the crowd, one entry after the other: debug trap, window, external interrupt.
void peel(const char* name, ControlArea& area) {
    area.controls = WINDOW_EXIT;
    expect_exit(Name(name, ": then the debug trap, before IF_WINDOW and the interrupt"), area, debug_trap(area));
    expect_exit(Name(name, ": then IF_WINDOW, before the external interrupt"), area, wanted(area, Reason::IF_WINDOW));
    check(Name(name, ": the interrupt waits"), external_interrupt_waits());
    area.controls = 0;
    Wanted w = wanted(area, Reason::EXTINT);
    w.event = an_event(event_external, external_vector);
    expect_exit(Name(name, ": then the external interrupt, before the next instruction"), area, w);
    end_external_interrupt();
}

// --- INIT, IF_MODIFY, STEP

void init_first() {
    const char* const name = "8/priority: INIT before STEP, debug trap, IF_WINDOW, external interrupt";
    ControlArea& area = crowded(out_92);
    out8(0x92, static_cast<u8>(in8(0x92) & 0xfe));
    area.guest.gpr[EAX] = in8(0x92) | 1u;
    expect_exit(name, area, behind(area, Reason::INIT, 2));
    peel(name, area);
    out8(0x92, static_cast<u8>(in8(0x92) & 0xfe));
}

void attempt_before_step() {
    const char* const name = "8/priority: IF_MODIFY before STEP, debug trap, IF_WINDOW, external interrupt";
    ControlArea& area = crowded(cli);
    Wanted w = wanted_attempt(area, if_CLI, 0, 1);
    w.guest.pending_debug = BS;
    expect_exit(name, area, w);
    peel(name, area);
}

void step_before_the_rest() {
    const char* const name = "8/priority: STEP before debug trap, IF_WINDOW, external interrupt";
    ControlArea& area = crowded(nop);
    expect_exit(name, area, behind(area, Reason::STEP, 1));
    peel(name, area);
}

void step_before_nmi() {
    ControlArea& area = crowded(store);
    area.guest.gpr[EAX] = nmi_to_itself;
    const Event event = run(area);
    Check check("8/priority: STEP before NMI, which is left pending: root takes it");
    check.equal("exit_reason", area.exit.exit_reason, static_cast<u32>(Reason::STEP));
    check.equal("pending_debug", area.guest.pending_debug, BS);
    check.equal("root's vector", event.vector, vector::NMI);
    check.equal("root's EIP", event.eip, handler_of(V32_VECTOR_VT));
    check.equal("another", nmi_waits_in_root(), 0);
    end_external_interrupt();
}

void step_before_extint() {
    ControlArea& area = crowded(store);
    end_external_interrupt();
    area.controls |= EXTINT_EXIT;
    area.guest.gpr[EAX] = interrupt_to_itself | apic_vector;
    expect_exit("8/priority: STEP before EXTINT", area, behind(area, Reason::STEP, 2));
    area.controls &= ~STEP_EXIT;
    Wanted w = wanted(area, Reason::EXTINT);
    w.event = an_event(event_external, apic_vector);
    expect_exit("8/priority: EXTINT after STEP: it was left pending; the debug trap still is", area, w);
    word_at(end_of_interrupt_register) = 0; // EOI
}

// --- NMI and EXTINT exits before the debug trap

void nmi_exit_before_the_trap() {
    const char* const name = "8/priority: NMI exit before debug trap, IF_WINDOW, external interrupt";
    ControlArea& area = crowded(store);
    area.controls = WINDOW_EXIT;
    area.guest.gpr[EAX] = nmi_to_itself;
    Wanted w = behind(area, Reason::NMI, 2);
    w.event = an_event(event_NMI, 2);
    expect_exit(name, area, w);
    check_equal(name, nmi_waits_in_root(), 0);
    peel(name, area);
}

// Both wait when the guest is entered.
void nmi_exit_before_extint() {
    ControlArea& area = crowded(nop);
    area.controls = u32{EXTINT_EXIT} | WINDOW_EXIT;
    area.guest.interruptibility = 0;
    area.guest.pending_debug = BS;
    const StateRecord before = area.guest;
    run_with_nmi(area);
    Check check("8/priority: NMI exit before EXTINT exit, debug trap, IF_WINDOW");
    check.equal("exit_reason", area.exit.exit_reason, static_cast<u32>(Reason::NMI));
    check.equal("EIP", area.guest.eip, before.eip);
    check.equal("pending_debug", area.guest.pending_debug, BS);
    check.that("the interrupt waits", external_interrupt_waits());
    check.equal("another NMI", nmi_waits_in_root(), 0);
    Wanted w = wanted(area, Reason::EXTINT);
    w.event = an_event(event_external, external_vector);
    expect_exit("8/priority: then EXTINT, before debug trap and IF_WINDOW", area, w);
    end_external_interrupt();
    expect_exit("8/priority: then the debug trap", area, debug_trap(area));
    expect_exit("8/priority: then IF_WINDOW", area, wanted(area, Reason::IF_WINDOW));
}

void extint_exit_before_the_trap() {
    ControlArea& area = crowded(store);
    end_external_interrupt();
    area.controls = u32{EXTINT_EXIT} | WINDOW_EXIT;
    area.guest.gpr[EAX] = interrupt_to_itself | apic_vector;
    Wanted w = behind(area, Reason::EXTINT, 2);
    w.event = an_event(event_external, apic_vector);
    expect_exit("8/priority: EXTINT exit before debug trap and IF_WINDOW", area, w);
    word_at(end_of_interrupt_register) = 0;
    expect_exit("8/priority: EXTINT exit: the debug trap was left pending", area, debug_trap(area));
    expect_exit("8/priority: EXTINT exit: the window was left open", area, wanted(area, Reason::IF_WINDOW));
}

// --- The debug trap before a guest's NMI, that before IF_WINDOW

void trap_before_the_guests_nmi() {
    ControlArea* area = &crowded(store);
    area->controls = WINDOW_EXIT;
    area->guest.gpr[EAX] = nmi_to_itself;
    give_event(*area, vector::NMI);
    Event event = run(*area);
    {
        Check check("8/priority: debug trap before the guest's NMI");
        check.equal("event", area->exit.event, exception_event(vector::DB));
        check.equal("EIP", area->guest.eip, placed_at + 2);
        check.equal("root's vector: the NMI is root's now", event.vector, vector::NMI);
        check.equal("root's EIP", event.eip, handler_of(vector::DB));
        check.equal("another", nmi_waits_in_root(), 0);
    }
    end_external_interrupt();

    area = &crowded(store); // both are the guest's: one handler interrupts the other before its first instruction
    area->controls = WINDOW_EXIT;
    area->guest.gpr[EAX] = nmi_to_itself;
    give_event(*area, vector::NMI);
    give_event(*area, vector::DB);
    Wanted w = delivered(*area, {.vector = vector::NMI, .blocked = by_NMI});
    w.guest.gpr[ESP] -= 12;
    w.guest.dr6 |= BS;
    w.frame[0] = guest_handler(vector::DB);
    w.frame[2] = always;
    w.frame[3] = placed_at + 2;
    w.frame[4] = code_selector(0);
    w.frame[5] = u32{always} | TF | IF;
    w.frame_bytes = 24;
    expect_exit("8/priority: debug trap before NMI, both the guest's", *area, w);
    end_external_interrupt();

    area = &crowded(store);
    area->controls = WINDOW_EXIT;
    area->guest.eflags &= ~TF;
    area->guest.gpr[EAX] = nmi_to_itself;
    give_event(*area, vector::NMI);
    w = delivered(*area, {.vector = vector::NMI, .eip_advance = 2, .blocked = by_NMI});
    expect_exit("8/priority: the guest's NMI before IF_WINDOW and the external interrupt", *area, w);
    check("8/priority: the guest's NMI: the interrupt waits", external_interrupt_waits());
    end_external_interrupt();
}

void window_before_interrupts_that_are_given() {
    ControlArea& area = crowded(nop);
    area.controls = WINDOW_EXIT;
    area.guest.eflags &= ~TF;
    give_event(area, external_vector);
    Wanted w = behind(area, Reason::IF_WINDOW, 1);
    w.guest.pending_debug = 0;
    expect_exit("8/priority: IF_WINDOW before an external interrupt that is the guest's", area, w);
    area.controls = 0;
    expect_exit("8/priority: IF_WINDOW: the interrupt was left", area, delivered(area, {.vector = external_vector}));
    end_external_interrupt();
}

// --- The next instruction last, its code breakpoint first

ControlArea& with_breakpoint(const Bytes& bytes) {
    ControlArea& area = fresh_area(place(bytes));
    asm volatile("mov %0, %%dr2" : : "r"(placed_at));
    area.guest.dr7 = 0x410; // L2
    return area;
}

void code_breakpoint() {
    const Bytes cpuid{0x0f, 0xa2};
    ControlArea* area = &with_breakpoint(cpuid);
    area->controls = WINDOW_EXIT;
    area->guest.sif = 1;
    area->guest.eflags |= IF;
    area->guest.pending_debug = 1;
    give_event(*area, external_vector);
    pend_external_interrupt();
    expect_exit("8/priority: a debug trap before the next instruction's code breakpoint", *area, debug_trap(*area, 1));
    expect_exit("8/priority: IF_WINDOW before the code breakpoint", *area, wanted(*area, Reason::IF_WINDOW));
    area->controls = 0;
    const StateRecord before = area->guest;
    expect_exit("8/priority: an external interrupt before the code breakpoint", *area,
                delivered(*area, {.vector = external_vector}));
    end_external_interrupt();
    area->guest = before;
    expect_exit("8/priority: the code breakpoint before its instruction exits", *area, debug_trap(*area, 4));
    area->guest.eflags |= RF;
    Wanted w = wanted(*area, Reason::CPUID, 2);
    w.guest.eflags &= ~RF;
    expect_exit("8/priority: and with RF the instruction itself", *area, w);

    area = &with_breakpoint(cpuid);
    guest_page(placed_at) = 0;
    expect_exit("8/priority: the code breakpoint before a fault of its fetch", *area, debug_trap(*area, 4));
    area = &with_breakpoint({0x0f, 0x21, 0xc0}); // MOV EAX, DR0
    area->guest.dr7 |= 0x2000;
    expect_exit("8/priority: the code breakpoint before DR7.GD's #DB", *area, debug_trap(*area, 4));
    area = &with_breakpoint({0xf0, 0x0f, 0xa2});
    expect_exit("8/priority: the code breakpoint before #UD", *area, debug_trap(*area, 4));
    asm volatile("mov %0, %%dr2" : : "r"(0));
}

// --- MOV SS holds debug traps back

void mov_ss() {
    ControlArea* area = &crowded(nop);
    area->controls = WINDOW_EXIT;
    area->guest.eflags &= ~TF;
    area->guest.interruptibility = by_MOV_SS;
    area->guest.pending_debug = 2;
    expect_exit("8/MOV SS holds a debug trap back for one instruction", *area, [&] {
        Wanted w = debug_trap(*area, 2);
        w.guest.eip += 1;
        w.guest.interruptibility = 0;
        return w;
    }());
    end_external_interrupt();

    area = &crowded(nop);
    area->controls = EXTINT_EXIT;
    area->guest.interruptibility = by_MOV_SS;
    area->guest.pending_debug = 2;
    Wanted w = wanted(*area, Reason::EXTINT);
    w.event = an_event(event_external, external_vector);
    expect_exit("8/MOV SS does not hold EXTINT; the debug trap stays pending", *area, w);
    end_external_interrupt();

    // The load of SS meets a data breakpoint.
    const Bytes mov_ss_memory{0x8e, 0x13, 0x90, 0x90}; // MOV SS, [EBX]
    area = &fresh_area(place(mov_ss_memory));
    area->guest.gpr[EBX] = scratch;
    word_at(scratch) = data_selector(0);
    asm volatile("mov %0, %%dr0" : : "r"(scratch));
    area->guest.dr7 = 0x00070402; // DR0: read or write, 2 bytes
    w = debug_trap(*area, 1);
    w.guest.eip += 3;
    expect_exit("8/MOV SS with a data breakpoint: the trap comes one instruction later", *area, w);
    area = &fresh_area(place({0x8e, 0x13, 0x0f, 0xa2})); // and CPUID
    area->guest.gpr[EBX] = scratch;
    area->guest.dr7 = 0x00070402;
    word_at(scratch) = data_selector(0);
    w = wanted(*area, Reason::CPUID, 2);
    w.guest.eip += 2;
    w.guest.interruptibility = by_MOV_SS;
    w.guest.pending_debug = 1;
    expect_exit("8/MOV SS with a data breakpoint: an exit in its shadow leaves the trap in pending_debug", *area, w);
    asm volatile("mov %0, %%dr0" : : "r"(0));
}

// --- An injected event is delivered before the first boundary

void injection_first() {
    ControlArea& area = crowded(nop);
    area.controls = EXTINT_EXIT;
    area.guest.interruptibility = 0;
    area.guest.eflags &= ~TF;
    area.inject_event = exception_event(vector::UD);
    Wanted w = delivered(area, {.vector = vector::UD});
    w.reason = Reason::EXTINT;
    w.length = 0;
    w.event = an_event(event_external, external_vector);
    expect_exit("8/priority: inject_event before EXTINT, which comes at the handler's first boundary", area, w);
    end_external_interrupt();
}

} // namespace

void v32_tests() {
    enable_local_apic();
    init_first();
    attempt_before_step();
    step_before_the_rest();
    step_before_nmi();
    step_before_extint();
    nmi_exit_before_the_trap();
    nmi_exit_before_extint();
    extint_exit_before_the_trap();
    trap_before_the_guests_nmi();
    window_before_interrupts_that_are_given();
    code_breakpoint();
    mov_ss();
    injection_first();
}
