// Section 4.5: `inject_event` = `vectoring_event` with its error code repeats any delivery; answering SOFT_INT with its
// own `event` gives the INT to the guest.
//
// The delivery goes to ring 0 of the guest, whose stack's page is absent: #PF exits. Then the VMM maps the page and
// repeats. What must have been pushed is what a bare processor pushes when the page was there at once.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }
[[gnu::naked]] void int_60() { asm("int $0x60"); }
[[gnu::naked]] void int_60_prefixed() { asm(".byte 0x3e, 0x66; int $0x60"); }
[[gnu::naked]] void int3() { asm("int3"); }
[[gnu::naked]] void into() { asm("into"); }
[[gnu::naked]] void int1() { asm(".byte 0xf1"); }
[[gnu::naked]] void undefined() { asm("ud2"); }
[[gnu::naked]] void general_protection() { asm("mov %eax, %ds"); }
[[gnu::naked]] void page_fault() { asm("mov %eax, 0x5000000"); }
[[gnu::naked]] void nop() { asm("nop\n" CALL_VMM); }
[[gnu::naked]] void int_60_v86() { asm(".code16; int $0x60; .code32"); }

constexpr u32 stack_page = scratch, stack_top_there = scratch + 0x1000;

void use_absent_stack() {
    guest_tss.esp0 = stack_top_there;
    guest_page(stack_page) = 0;
}

struct Case {
    const char *cut, *repeated;
    u32 event;      // the first event, as vectoring_event must say
    u32 length;     // instruction_length
    u32 error_code; // of the first event, or no_error_code
    u32 advance;    // what the delivery pushes beyond the guest's EIP
    u32 more_flags; // and beyond its EFLAGS
    u32 cr2;        // what the first event wrote, or 0
    u32 dr6;
    u32 blocked = 0; // interruptibility after the repetition
};

// The #PF exit in the middle, then the repetition.
void cut_and_repeat(ControlArea& area, const Case& c) {
    const u32 frame = 20 + (area.guest.eflags & VM ? 16 : 0) + (c.error_code == no_error_code ? 0u : 4u);
    Delivery whole{.vector = c.event & event_vector, .error_code = c.error_code, .eip_advance = c.advance};
    whole.more_flags = c.more_flags;
    whole.blocked = c.blocked;
    Wanted end = delivered(area, whole);
    Wanted w = wanted(area, Reason::EXCEPTION, c.length);
    w.event = exception_event(vector::PF);
    w.event_error_code = page_writable;
    w.qualification_value = stack_top_there - 4;
    w.vectoring_event = c.event;
    w.vectoring_error_code = c.error_code == no_error_code ? 0 : c.error_code;
    w.guest.eflags |= c.more_flags;
    if (c.cr2) w.guest.cr2 = end.guest.cr2 = c.cr2;
    if (c.dr6) w.guest.dr6 = end.guest.dr6 = c.dr6;
    const Event event = run(area);
    (void)event;
    // Which byte of the frame faults first is the processor's own choice.
    const u32 at = area.exit.qualification_value;
    if (at >= stack_top_there - frame && at < stack_top_there) w.qualification_value = at;
    judge_exit(c.cut, area, w);

    guest_page(stack_page) = stack_page | page_present | page_writable | page_user;
    area.inject_event = area.exit.vectoring_event;
    area.inject_error_code = area.exit.vectoring_error_code;
    expect_exit(c.repeated, area, end);
}

void software_interrupts() {
    struct {
        Code code;
        Case expected;
    } const cases[] = {
        {int_60,
         {"4.5/INT n cut short", "4.5/INT n repeated", an_event(event_INT, 0x60, length_bits(2)), 2, no_error_code, 2,
          0, 0, 0}},
        {int_60_prefixed,
         {"4.5/INT n with prefixes cut short", "4.5/INT n with prefixes repeated",
          an_event(event_INT, 0x60, length_bits(4)), 4, no_error_code, 4, 0, 0, 0}},
        {int3,
         {"4.5/INT3 cut short", "4.5/INT3 repeated", an_event(event_INT3_INTO, 3, length_bits(1)), 1, no_error_code, 1,
          0, 0, 0}},
        {into,
         {"4.5/INTO cut short", "4.5/INTO repeated", an_event(event_INT3_INTO, 4, length_bits(1)), 1, no_error_code, 1,
          0, 0, 0}},
    };
    for (const auto& c : cases) {
        ControlArea& area = fresh_area(c.code, 3);
        area.guest.eflags |= OF;
        const u32 vector = c.expected.event & event_vector;
        give_software(area, vector);
        guest_gate(vector, present | interrupt_gate32 | dpl(3));
        use_absent_stack();
        cut_and_repeat(area, c.expected);
    }
    ControlArea& area = fresh_v86(int_60_v86);
    area.guest.eflags |= IOPL3;
    give_software(area, 0x60);
    guest_gate(0x60, present | interrupt_gate32 | dpl(3));
    use_absent_stack();
    cut_and_repeat(area, {"4.5/INT n of V86 mode cut short", "4.5/INT n of V86 mode repeated",
                          an_event(event_INT, 0x60, length_bits(2)), 2, no_error_code, 2, 0, 0, 0});
}

void faults() {
    ControlArea* area = &fresh_area(undefined, 3);
    give_event(*area, vector::UD);
    use_absent_stack();
    cut_and_repeat(*area, {"4.5/a fault cut short", "4.5/a fault repeated", exception_event(vector::UD), 2,
                           no_error_code, 0, RF, 0, 0});
    area = &fresh_area(general_protection, 3);
    area->guest.gpr[EAX] = 0xfff8;
    give_event(*area, vector::GP);
    use_absent_stack();
    cut_and_repeat(*area, {"4.5/a fault with an error code cut short", "4.5/a fault with an error code repeated",
                           exception_event(vector::GP), 2, 0xfff8, 0, RF, 0, 0});
    area = &fresh_area(int1, 3);
    give_event(*area, vector::DB);
    guest_gate(vector::DB, present | interrupt_gate32 | dpl(3));
    use_absent_stack();
    const Case int1_case{
        "4.5/INT1 cut short", "4.5/INT1 repeated", exception_event(vector::DB), 0, no_error_code, 0, 0, 0, 0};
    area->guest.eip += 1; // a trap: behind it, in the image and in the record alike
    Wanted end = delivered(*area, {.vector = vector::DB});
    area->guest.eip -= 1;
    run(*area);
    {
        Check check(int1_case.cut);
        check.equal("vectoring_event", area->exit.vectoring_event, int1_case.event);
        check.equal("event", area->exit.event, exception_event(vector::PF));
        check.equal("instruction_length", area->exit.instruction_length, 0); // as for any trap
    }
    guest_page(stack_page) = stack_page | page_present | page_writable | page_user;
    area->inject_event = area->exit.vectoring_event;
    expect_exit(int1_case.repeated, *area, end);
}

// #PF and a debug trap have written CR2, DR6 when their delivery meets the absent stack.
void faults_with_registers() {
    ControlArea* area = &fresh_area(page_fault, 3);
    give_event(*area, vector::PF);
    guest_idt[vector::PF] = gate(slot_selector(first_free_slot), guest_handler(vector::PF), present | interrupt_gate32);
    area->inject_error_code = 0;
    // Its gate's code segment is absent: #NP in the middle, so that the #PF's own CR2 can be seen.
    guest_gdt[first_free_slot] = descriptor(0, 0xfffff, code_readable | 1, bits32 | pages);
    Wanted w = wanted(*area, Reason::EXCEPTION, 5);
    w.event = exception_event(vector::NP);
    w.event_error_code = slot_selector(first_free_slot) | 1;
    w.vectoring_event = exception_event(vector::PF);
    w.vectoring_error_code = page_writable | page_user;
    w.guest.cr2 = 0x5000000;
    w.guest.eflags |= RF;
    expect_exit("4.5/#PF cut short has written CR2", *area, w);
    guest_gate(vector::PF, present | interrupt_gate32);
    area->inject_event = area->exit.vectoring_event;
    area->inject_error_code = area->exit.vectoring_error_code;
    expect_exit("4.5/#PF repeated", *area,
                delivered(*area, {.vector = vector::PF, .error_code = page_writable | page_user}));

    area = &fresh_area(nop, 3);
    area->guest.eflags |= TF;
    area->guest.dr7 = 0x400;
    give_event(*area, vector::DB);
    use_absent_stack();
    run(*area);
    {
        Check check("4.5/a single step cut short has written DR6");
        check.equal("vectoring_event", area->exit.vectoring_event, exception_event(vector::DB));
        check.equal("event", area->exit.event, exception_event(vector::PF));
        check.equal("instruction_length", area->exit.instruction_length, 0);
        check.equal("DR6", area->guest.dr6, 0xffff4ff0);
        check.equal("EIP", area->guest.eip, address(nop) + 1);
        check.equal("pending_debug", area->guest.pending_debug, 0);
    }
    guest_page(stack_page) = stack_page | page_present | page_writable | page_user;
    area->inject_event = area->exit.vectoring_event;
    expect_exit("4.5/a single step repeated", *area, delivered(*area, {.vector = vector::DB}));
}

// Events that no instruction began: the same injection twice.
void injected() {
    struct {
        const char *cut, *repeated;
        u32 event;
    } const cases[] = {
        {"4.5/an external interrupt cut short", "4.5/an external interrupt repeated", an_event(event_external, 0x55)},
        {"4.5/an NMI cut short", "4.5/an NMI repeated", an_event(event_NMI, 2)},
        {"4.5/an injected fault cut short", "4.5/an injected fault repeated", exception_event(vector::TS)},
    };
    for (const auto& c : cases) {
        ControlArea& area = fresh_area(call, 3);
        area.guest.sif = 1;
        area.inject_event = c.event;
        const bool coded = c.event & event_has_error_code;
        area.inject_error_code = coded ? 0x30 : 0;
        use_absent_stack();
        cut_and_repeat(area, {c.cut, c.repeated, c.event, 0, coded ? 0x30 : no_error_code, 0, 0, 0, 0,
                              c.event == an_event(event_NMI, 2) ? u32{by_NMI} : 0});
    }
}

void soft_int_answered() {
    struct {
        const char* name;
        Code code;
        u32 vector, length, kind;
    } const cases[] = {
        {"4.5/SOFT_INT answered with its event: INT n", int_60, 0x60, 2, soft_INT},
        {"4.5/SOFT_INT answered with its event: INT n with prefixes", int_60_prefixed, 0x60, 4, soft_INT},
        {"4.5/SOFT_INT answered with its event: INT3", int3, 3, 1, soft_INT3},
        {"4.5/SOFT_INT answered with its event: INTO", into, 4, 1, soft_INTO},
    };
    for (const auto& c : cases)
        for (u32 ring : {0u, 3u}) {
            ControlArea& area = fresh_area(c.code, ring);
            area.guest.eflags |= OF;
            guest_gate(c.vector, present | interrupt_gate32 | dpl(3));
            Wanted w = wanted(area, Reason::SOFT_INT, c.length);
            w.qualification = c.vector | c.kind;
            w.event = an_event(c.kind == soft_INT ? event_INT : event_INT3_INTO, c.vector, length_bits(c.length));
            expect_exit(c.name, area, w);
            area.inject_event = area.exit.event;
            expect_exit(c.name, area, delivered(area, {.vector = c.vector, .eip_advance = c.length}));
        }
}

} // namespace

void v32_tests() {
    software_interrupts();
    faults();
    faults_with_registers();
    injected();
    soft_int_answered();
}
