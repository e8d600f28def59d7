// Section 5 at work: a guest that reads, opens and closes its interrupt flag all the time, and a timer that interrupts
// it hundreds of times. Under each policy a small VMM loop answers; in the end the guest has computed what it computes
// on a bare processor, and has had each interrupt exactly once.
#include "tests/v32/policies.hpp"

using namespace proof;

extern "C" {
proof::u32 v32_ticks, v32_bad_images;
void v32_guest_work();
void v32_guest_tick();
}
asm(R"(
        .globl  v32_guest_work, v32_guest_tick
v32_guest_work:                                 # adds 200H for each turn that sees its IF as it must
        sti
        pushf
        pop     %edx
        and     $0x200, %edx
        add     %edx, %eax
        cli
        pushf
        pop     %edx
        and     $0x200, %edx
        sub     %edx, %eax
        push    %edx                            # POPF and IRET open it, too
        orl     $0x202, (%esp)
        popf
        nop
        pushf
        cli
        push    %cs
        push    $1f
        iret
1:      nop
        dec     %ecx
        jnz     v32_guest_work
        .byte   0x0f, 0x04, 0xc1

v32_guest_tick:                                 # the pushed image has IF=1, or there would be no interrupt; IF is 0 now
        push    %eax
        testl   $0x200, 12(%esp)
        jnz     1f
        incl    v32_bad_images
1:      pushf
        testl   $0x200, (%esp)
        jz      1f
        incl    v32_bad_images
1:      pop     %eax
        incl    v32_ticks
        mov     $0x20, %al
        out     %al, $0x20
        pop     %eax
        iret
)");

namespace {

// Under TRAP each turn exits several times, and the VMM takes its time; without exits many go by between two
// interrupts.
u32 turns_under(const ControlArea& area) { return is_trap(area) ? 2000 : 100000; }

void start_timer() {
    pend_external_interrupt(); // sets the 8259A up
    end_external_interrupt();
    out8(0x21, 0xfe);
    out8(0x43, 0x34); // counter 0, mode 2: again and again
    out8(0x40, 0xf7);
    out8(0x40, 0x00);
}

void stop_timer() {
    out8(0x43, 0x30);
    end_external_interrupt();
    out8(0x20, 0x20);
}

ControlArea& prepare(const Policy& policy, u32 ring) {
    ControlArea& area = fresh_area(v32_guest_work, ring);
    area.guest.eflags |= IOPL3;
    set_interrupt_flag(area, policy, 0, 1);
    guest_idt[external_vector] = gate(code_selector(0), address(v32_guest_tick), present | interrupt_gate32);
    area.guest.gpr[EAX] = 0;
    area.guest.gpr[ECX] = turns_under(area);
    v32_ticks = v32_bad_images = 0;
    return area;
}

// What a VMM does: keeps interrupts for later, opens a window for them, plays the 8259A, lets the guest have its flag.
struct Vmm {
    ControlArea& area;
    u32 waiting = 0, injected = 0, attempts = 0, windows = 0, ends = 0;

    bool answer() { // false: the guest is done, or something unexpected came
        switch (static_cast<Reason>(area.exit.exit_reason)) {
        case Reason::EXTINT:
            out8(0x20, 0x20);
            ++waiting;
            break;
        case Reason::IF_WINDOW:
            ++windows;
            area.inject_event = an_event(event_external, external_vector);
            ++injected;
            --waiting;
            break;
        case Reason::IF_MODIFY:
            ++attempts;
            area.guest.sif = area.exit.qualification & if_wanted;
            break;
        case Reason::IO:
            ++ends;
            area.guest.eip += area.exit.instruction_length;
            break;
        default: return false;
        }
        area.controls = waiting ? area.controls | WINDOW_EXIT : area.controls & ~WINDOW_EXIT;
        return true;
    }
};

void judge_guest(Check& check, const ControlArea& area) {
    check.equal("exit_reason", area.exit.exit_reason, static_cast<u32>(Reason::V32CALL));
    check.equal("turns left", area.guest.gpr[ECX], 0);
    check.equal("what it computed", area.guest.gpr[EAX], turns_under(area) * 0x200);
    check.equal("images with the wrong IF", v32_bad_images, 0);
    check.that("dozens of interrupts", v32_ticks > 50);
}

void with_a_vmm(const Policy& policy, u32 ring) {
    ControlArea& area = prepare(policy, ring);
    area.controls |= EXTINT_EXIT;
    Vmm vmm{area};
    start_timer();
    u32 exits = 0;
    do run(area);
    while (entered() && vmm.answer() && ++exits < 200000);
    stop_timer();
    Check check(Name("5/a guest's life with EXTINT_EXIT=1, ", policy.name));
    judge_guest(check, area);
    check.equal("each interrupt injected came once", v32_ticks, vmm.injected);
    check.equal("each was ended once", vmm.ends, vmm.injected);
    check.that("at most the last ones wait", vmm.waiting <= 2);
    if (is_trap(area))
        check.that("attempts: two opened and closed in each turn", vmm.attempts >= 4 * turns_under(area));
    else
        check.equal("no attempts", vmm.attempts, 0);
    check.equal("exit_count", area.exit.exit_count[0], exits + 1);
}

// SHADOW with the timer and its controller given to the guest: not one exit.
void without_exits() {
    ControlArea& area = prepare(policies[1], 0);
    for (u32 i = 0; i < 8192; i += 4) word_at(scratch + i) = 0;
    area.io_bitmap = scratch;
    give_event(area, external_vector);
    start_timer();
    run(area);
    stop_timer();
    Check check("5/a guest's life with EXTINT_EXIT=0, SHADOW: the one exit is at its end");
    judge_guest(check, area);
    check.equal("exit_count", area.exit.exit_count[0], 1);
}

} // namespace

void v32_tests() {
    for (u32 ring : {0u, 3u})
        for (const Policy& policy : policies) with_a_vmm(policy, ring);
    without_exits();
}
