// Section 9: each claim of the patent once, in its plainest form. docs/claims.md says which code answers for it; the
// sections' own images have the rules in full.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }
[[gnu::naked]] void hlt() { asm("hlt"); }
[[gnu::naked]] void cpuid_and_use() { asm("cpuid; add %ebx, %eax\n" CALL_VMM); }
[[gnu::naked]] void change_and_call() { asm("mov $0x600d, %eax; mov %eax, %cr2; std\n" CALL_VMM); }
[[gnu::naked]] void read_ebx() { asm("mov (%ebx), %eax\n" CALL_VMM); }
[[gnu::naked]] void undefined() { asm("ud2"); }
[[gnu::naked]] void mov_to_cr4() { asm("mov %eax, %cr4; int $0x40"); }
[[gnu::naked]] void cli() { asm("cli; pushf; pop %eax\n" CALL_VMM); }
[[gnu::naked]] void sti() { asm("sti; pushf; pop %eax\n" CALL_VMM); }

void the_mode_and_its_exits() {
    ControlArea* area = &fresh_area(hlt);
    area->controls = HLT_EXIT;
    check_equal("9/claims 1, 15, 28: the guest is in ring 0, its intended level", area->guest.cpl, 0);
    expect_exit("9/claims 1, 15, 28: a restricted operation exits to the VMM outside the mode", *area,
                wanted(*area, Reason::HLT, 1));

    area = &fresh_area(cpuid_and_use);
    expect_exit("9/claims 2, 16: the operation reaches the VMM", *area, wanted(*area, Reason::CPUID, 2));
    area->guest.gpr[EAX] = 0x1000;
    area->guest.gpr[EBX] = 0x0234;
    area->guest.gpr[ECX] = area->guest.gpr[EDX] = 0;
    area->guest.eip += area->exit.instruction_length;
    Wanted w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 2;
    w.guest.gpr[EAX] = 0x1234;
    expect_exit("9/claims 2, 16: the VMM responds and re-enters", *area, w);
}

void the_state() {
    ControlArea* area = &fresh_area(call, 3);
    area->guest.gpr[EDI] = 0xfeedf00d;
    area->guest.dr7 = 0x500;
    expect_exit("9/claims 3, 17: entry loads the state that the guest expects", *area,
                wanted(*area, Reason::V32CALL, 3));

    area = &fresh_area(change_and_call);
    Wanted w = wanted(*area, Reason::V32CALL, 3);
    w.guest.gpr[EAX] = w.guest.cr2 = 0x600d;
    w.guest.eflags |= DF;
    w.guest.eip += 9;
    expect_exit("9/claims 4, 18: exit saves the guest's state and loads the VMM's", *area, w);

    constexpr u32 frame = scratch + 0x1000;
    area = &fresh_area(read_ebx);
    word_at(scratch) = 0x11110000;
    word_at(frame) = 0x22220000;
    guest_page(scratch) = frame | page_present;
    area->guest.gpr[EBX] = scratch;
    w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 2;
    w.guest.gpr[EAX] = 0x22220000;
    expect_exit("9/claims 5, 19: the guest in its address space", *area, w);
    check_equal("9/claims 5, 19: exit moves to the VMM's address space", word_at(scratch), 0x11110000);
}

void reported_and_flagged() {
    fresh_area(call);
    Registers r = in_ring(0, mov_to_cr4);
    r.eax = cr4() | CR4_V32;
    expect_fault("9/claims 6, 20: the flag in CR4 is the processor's: MOV CR4 may not set it", r, vector::GP, 0);
    check_equal("9/claims 6, 20: the flag is clear outside the mode", cr4() & CR4_V32, 0);
    check("9/claims 7, 21: a reserved feature bit reports the mode", features() >> V32_CPUID_EDX_BIT & 1);
}

void exits_are_events() {
    ControlArea* area = &fresh_area(call);
    Event event = expect_exit("9/claims 8, 22, 29: a restricted operation arrives as an exception", *area,
                              wanted(*area, Reason::V32CALL, 3));
    check_equal("9/claims 8, 22, 29: #VT", event.vector, V32_VECTOR_VT);
    area = &fresh_area(call);
    area->controls = EXTINT_EXIT;
    area->guest.eflags |= IF;
    pend_external_interrupt();
    Wanted w = wanted(*area, Reason::EXTINT);
    w.event = an_event(event_external, external_vector);
    event = expect_exit("9/claims 8, 22, 29: an interrupt arrives as an interrupt", *area, w);
    check_equal("9/claims 8, 22, 29: at its own vector", event.vector, external_vector);
    end_external_interrupt();
}

void potentially_successful() {
    ControlArea* area = &fresh_area(hlt, 3);
    area->controls = HLT_EXIT;
    give_event(*area, vector::GP);
    expect_exit("9/claims 9, 23: HLT in ring 3 cannot succeed: the guest's own #GP, no exit", *area,
                delivered(*area, {.vector = vector::GP, .error_code = 0, .more_flags = RF}));
    area = &fresh_area(hlt);
    area->controls = HLT_EXIT;
    expect_exit("9/claims 9, 23: HLT in ring 0 could: exit", *area, wanted(*area, Reason::HLT, 1));
}

void redirection() {
    ControlArea* area = &fresh_area(undefined);
    expect_exit("9/claims 10, 24, 30: the bitmap says 0: the exception exits", *area,
                wanted_fault(*area, vector::UD, 2));
    area = &fresh_area(undefined);
    give_event(*area, vector::UD);
    expect_exit("9/claims 10, 24, 30: the bitmap says 1: the guest handles it", *area,
                delivered(*area, {.vector = vector::UD, .more_flags = RF}));
}

// The image of EFLAGS that the guest sees, in its EAX.
Wanted seen_flags(const ControlArea& area, u32 visible) {
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.guest.eip += 3;
    w.guest.gpr[EAX] = always | visible;
    return w;
}

void interrupt_flag() {
    ControlArea* area = &fresh_area(cli);
    area->controls = u32{IF_DIRECT} | EXTINT_EXIT;
    area->guest.eflags |= IF;
    Wanted w = seen_flags(*area, 0);
    w.guest.eflags &= ~IF;
    w.guest.sif = 0;
    expect_exit("9/claims 11, 25: DIRECT: CLI modifies IF without exit", *area, w);
    area->controls = u32{IF_DIRECT} | EXTINT_EXIT;
    pend_external_interrupt();
    w = wanted(*area, Reason::EXTINT);
    w.event = an_event(event_external, external_vector);
    expect_exit("9/claims 11, 25: DIRECT: IF=0 masks no interrupt", *area, w);
    end_external_interrupt();

    area = &fresh_area(cli);
    area->guest.sif = 1;
    area->guest.eflags |= IF;
    w = wanted(*area, Reason::IF_MODIFY, 1);
    w.qualification = if_CLI;
    w.bytes_at = area->guest.eip;
    w.guest.eip += 1;
    Event event = expect_exit("9/claims 12, 26: TRAP: CLI does not modify IF", *area, w);
    check_equal("9/claim 14: TRAP: the attempt makes an exception", event.vector, V32_VECTOR_VT);

    area = &fresh_area(cli);
    area->controls = IF_SHADOW;
    area->guest.sif = 1;
    area->guest.eflags |= IF;
    w = seen_flags(*area, 0);
    w.guest.sif = 0;
    expect_exit("9/claims 13, 27: SHADOW: CLI clears the shadow, not the mask", *area, w);
    area = &fresh_area(sti);
    area->controls = IF_SHADOW;
    w = seen_flags(*area, IF);
    w.guest.sif = 1;
    expect_exit("9/claims 13, 27: SHADOW: STI sets the shadow, not the mask", *area, w);
}

} // namespace

void v32_tests() {
    the_mode_and_its_exits();
    the_state();
    reported_and_flagged();
    exits_are_events();
    potentially_successful();
    redirection();
    interrupt_flag();
}
