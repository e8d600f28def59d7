// Section 5: external interrupts. What masks them, who takes them, when; and WINDOW_EXIT. The interrupt is IRQ 0, which
// waits at the first 8259A while root has IF=0.
#include "tests/v32/policies.hpp"

using namespace proof;

namespace {

const Bytes nop{0x90};

Wanted extint(const ControlArea& area) {
    Wanted w = wanted(area, Reason::EXTINT);
    w.event = an_event(event_external, external_vector);
    return w;
}

// Runs it with the interrupt waiting; afterwards it is in service, or waits still.
enum class Fate { acknowledged, waiting };

void expect_with_interrupt(const char* name, ControlArea& area, const Wanted& w, Fate fate) {
    pend_external_interrupt();
    expect_exit(name, area, w);
    check_equal(Name(name, ": acknowledged"), external_interrupt_in_service(), fate == Fate::acknowledged);
    check_equal(Name(name, ": still waits"), external_interrupt_waits(), fate == Fate::waiting);
    end_external_interrupt();
}

constexpr u32 blockings[] = {0, by_STI, by_MOV_SS, by_NMI, by_STI | by_MOV_SS};

ControlArea& in_world(u32 world, const Bytes& bytes) { // rings 0 to 3, V86, real
    return world < 4    ? fresh_area(place(bytes), world)
           : world == 4 ? fresh_v86(place(bytes))
                        : fresh_real(place(bytes));
}

// --- EXTINT_EXIT=1

void all_exit() {
    for (const Policy& policy : policies)
        for (u32 world = 0; world < 6; ++world)
            for (u32 visible : {0u, 1u})
                for (const u32 blocking : blockings)
                    for (u32 redirected : {0u, 1u}) {
                        ControlArea& area = in_world(world, nop);
                        area.controls = EXTINT_EXIT;
                        set_interrupt_flag(area, policy, visible, 1);
                        area.guest.interruptibility = blocking;
                        if (redirected) give_event(area, external_vector);
                        expect_with_interrupt(
                            Name("5/EXTINT_EXIT=1, physically open: EXTINT at once, whatever IF and shadows, ",
                                 policy.name),
                            area, extint(area), Fate::acknowledged);
                    }
    for (const Policy& policy : policies) {
        if (policy.controls & IF_DIRECT) continue;
        for (u32 visible : {0u, 1u}) {
            ControlArea& area = fresh_area(place(nop));
            area.controls = EXTINT_EXIT;
            set_interrupt_flag(area, policy, visible, 0);
            give_all_events(area);
            expect_with_interrupt(Name("5/EXTINT_EXIT=1, physically masked: nothing happens, ", policy.name), area,
                                  ran(area, nop), Fate::waiting);
        }
    }
}

// It comes while the guest runs: an endless loop does not hold it.
void while_running() {
    for (const Policy& policy : policies)
        for (const Bytes& loop : {Bytes{0xeb, 0xfe}, Bytes{0xf3, 0xac, 0xeb, 0xfc}}) {
            ControlArea& area = fresh_area(place(loop));
            area.controls = EXTINT_EXIT;
            set_interrupt_flag(area, policy, 0, 1);
            area.guest.gpr[ECX] = 0x1000000;
            area.guest.eflags |= DF; // stays within what is mapped
            area.guest.gpr[ESI] = scratch_end - 0x2000;
            pend_external_interrupt(); // sets the 8259A up
            end_external_interrupt();
            out8(0x21, 0xfe);
            out8(0x43, 0x30);
            out8(0x40, 0x00);
            out8(0x40, 0x01);
            Wanted w = extint(area);
            run(area);
            w.guest.eip = area.guest.eip;                                             // where it was in its loop
            if (loop.length > 2 && area.guest.eip == placed_at) w.guest.eflags |= RF; // between two iterations
            for (const GeneralRegister r : {EAX, ECX, ESI}) w.guest.gpr[r] = area.guest.gpr[r];
            judge_exit(Name("5/EXTINT_EXIT=1: it comes while the guest runs, ", policy.name), area, w);
            end_external_interrupt();
        }
}

void halted() {
    for (const Policy& policy : policies)
        for (u32 visible : {0u, 1u}) {
            ControlArea& area = fresh_area(place(nop));
            area.controls = EXTINT_EXIT;
            set_interrupt_flag(area, policy, visible, 1);
            area.guest.activity = 1;
            expect_with_interrupt(Name("5/EXTINT_EXIT=1: a halted guest, even with IF=0, ", policy.name), area,
                                  extint(area), Fate::acknowledged);
        }
}

// --- EXTINT_EXIT=0: by physical mask, visible IF and shadows; then by redirect_events

void given_or_taken() {
    for (u32 policy = 0; policy < 2; ++policy)
        for (u32 world = 0; world < 6; ++world)
            for (u32 bits = 0; bits < 8; ++bits) {
                const u32 visible = bits & 1, physical = bits >> 1 & 1, redirected = bits >> 2;
                ControlArea& area = in_world(world, nop);
                set_interrupt_flag(area, policies[policy], visible, physical);
                if (redirected) give_event(area, external_vector);
                if (!visible)
                    expect_with_interrupt(Name("5/EXTINT_EXIT=0: the visible IF masks, ", policies[policy].name), area,
                                          ran(area, nop), Fate::waiting);
                else if (!physical)
                    expect_with_interrupt(Name("5/EXTINT_EXIT=0: physically masked, ", policies[policy].name), area,
                                          ran(area, nop), Fate::waiting);
                else if (redirected)
                    expect_with_interrupt(
                        Name("5/EXTINT_EXIT=0: redirect_events gives it to the guest, ", policies[policy].name), area,
                        delivered(area, {.vector = external_vector}), Fate::acknowledged);
                else
                    expect_with_interrupt(Name("5/EXTINT_EXIT=0: redirect_events=0: EXTINT, ", policies[policy].name),
                                          area, extint(area), Fate::acknowledged);
            }
}

void by_shadows() {
    for (const u32 blocking : blockings)
        for (u32 redirected : {0u, 1u}) {
            const bool held = blocking & (by_STI | by_MOV_SS);
            ControlArea& area = fresh_area(place(nop));
            set_interrupt_flag(area, policies[1], 1, 1);
            if (redirected) give_event(area, external_vector);
            area.guest.interruptibility = blocking;
            Wanted w = redirected ? delivered(area, {.vector = external_vector,
                                                     .eip_advance = held ? 1u : 0u,
                                                     .blocked = blocking & by_NMI})
                                  : extint(area);
            if (!redirected) {
                w.guest.eip += held ? 1 : 0;
                w.guest.interruptibility = blocking & by_NMI;
            }
            expect_with_interrupt("5/EXTINT_EXIT=0: STI and MOV SS hold it back for one instruction", area, w,
                                  Fate::acknowledged);
        }
}

void halted_guest() {
    for (u32 redirected : {0u, 1u}) {
        ControlArea& area = fresh_area(place(nop));
        set_interrupt_flag(area, policies[0], 1, 1);
        area.guest.activity = 1;
        if (redirected) give_event(area, external_vector);
        Wanted w = redirected ? delivered(area, {.vector = external_vector}) : extint(area);
        w.guest.activity = !redirected;
        expect_with_interrupt(redirected ? "5/EXTINT_EXIT=0: it wakes a halted guest"
                                         : "5/EXTINT_EXIT=0: it exits from a halted guest, which is saved halted",
                              area, w, Fate::acknowledged);
    }
}

// The guest opens its own IF: SHADOW.
void opened_by_the_guest() {
    struct {
        const char* name;
        Bytes bytes;
        u32 runs; // bytes before the interrupt comes
    } const cases[] = {
        {"5/SHADOW: STI opens after the next instruction", {0xfb, 0x90, 0x90}, 2},
        {"5/SHADOW: POPF opens at once", {0x9d, 0x90, 0x90}, 1},
        {"5/SHADOW: STI; HLT: it wakes from the halt", {0xfb, 0xf4, 0x90}, 2},
        {"5/SHADOW: STI; CLI: never open", {0xfb, 0xfa, 0x90}, 0},
        {"5/SHADOW: STI; MOV SS: one instruction more", {0xfb, 0x8e, 0xd2, 0x90, 0x90}, 4},
    };
    for (const auto& c : cases) {
        ControlArea& area = fresh_area(place(c.bytes));
        set_interrupt_flag(area, policies[1], 0, 1);
        give_event(area, external_vector);
        const bool pops = c.bytes.byte[0] == 0x9d;
        const u32 flags_at = area.guest.gpr[ESP];
        area.guest.gpr[EDX] = data_selector(0);
        word_at(flags_at) = always | IF;
        if (!c.runs) {
            expect_with_interrupt(c.name, area, ran(area, c.bytes), Fate::waiting);
            continue;
        }
        // As if the interrupt had come in the state that the instructions lead to.
        area.guest.sif = 1;
        area.guest.gpr[ESP] += pops ? 4 : 0;
        const Wanted w = delivered(area, {.vector = external_vector, .eip_advance = c.runs});
        area.guest.gpr[ESP] -= pops ? 4 : 0;
        area.guest.sif = 0;
        expect_with_interrupt(c.name, area, w, Fate::acknowledged);
    }
}

// TRAP: the visible IF stays as it is, and with it the mask.
void not_opened_by_an_attempt() {
    ControlArea& area = fresh_area(place({0xfb, 0x90, 0x90}));
    set_interrupt_flag(area, policies[0], 0, 1);
    give_event(area, external_vector);
    expect_with_interrupt("5/TRAP: STI has not opened anything", area, wanted_attempt(area, if_STI, 1, 1),
                          Fate::waiting);
}

// --- The VMM's own IF: V32ENTER in the shadow of its STI

void the_VMMs_flag() {
    for (u32 physical : {0u, 1u}) {
        ControlArea& area = fresh_area(place(nop));
        area.controls = EXTINT_EXIT;
        set_interrupt_flag(area, policies[1], 0, physical);
        Registers vmm = vmm_registers();
        const u32 at = placed_at + 0x200;
        for (u32 i = 0; u32 byte : {0xfbu, 0x0fu, 0x04u, 0xc0u, 0xcdu, 0x40u})
            byte_at(at + i++) = static_cast<u8>(byte);
        vmm.eip = at;
        pend_external_interrupt();
        const Event event = run(area, vmm);
        Check check(physical ? "5/the VMM's IF=1, the guest's physical mask open: EXTINT"
                             : "5/the VMM's IF=1, the guest's physical mask closed: nothing");
        check.equal("root's EIP", event.eip, at + 4);
        check.equal("root's IF as pushed", event.eflags & IF, IF);
        check.equal("reason", area.exit.exit_reason, static_cast<u32>(physical ? Reason::EXTINT : Reason::V32CALL));
        check.equal("EIP", area.guest.eip, address(place(nop)) + (physical ? 0 : 1));
        check.equal("waits", external_interrupt_waits(), !physical);
        end_external_interrupt();
    }
}

// --- WINDOW_EXIT

Wanted window(const ControlArea& area, u32 advance = 0) {
    Wanted w = wanted(area, Reason::IF_WINDOW);
    w.guest.eip += advance;
    return w;
}

void window_at_entry() {
    for (const Policy& policy : policies)
        for (u32 world = 0; world < 6; ++world)
            for (u32 bits = 0; bits < 4; ++bits)
                for (const u32 blocking : blockings)
                    for (u32 activity : {0u, 1u}) {
                        const u32 visible = bits & 1, physical = bits >> 1;
                        if (activity && !visible) continue; // halted for ever
                        if (activity && (blocking & (by_STI | by_MOV_SS))) continue;
                        ControlArea& area = in_world(world, nop);
                        area.controls = WINDOW_EXIT;
                        set_interrupt_flag(area, policy, visible, physical);
                        area.guest.interruptibility = blocking;
                        area.guest.activity = activity;
                        const bool held = blocking & (by_STI | by_MOV_SS);
                        Wanted w = visible ? window(area, held ? 1 : 0) : ran(area, nop);
                        w.guest.interruptibility &= by_NMI;
                        expect_exit(Name(!visible   ? "5/WINDOW_EXIT: IF=0, no window, "
                                         : held     ? "5/WINDOW_EXIT: IF_WINDOW behind the shadow, "
                                         : activity ? "5/WINDOW_EXIT: IF_WINDOW of a halted guest, "
                                                    : "5/WINDOW_EXIT: IF_WINDOW at entry, ",
                                         policy.name),
                                    area, w);
                    }
}

void window_opened() {
    struct {
        const char* name;
        Bytes bytes;
        u32 runs;
        bool halts;
    } const cases[] = {
        {"5/WINDOW_EXIT: STI: behind the next instruction", {0xfb, 0x90, 0x90}, 2, false},
        {"5/WINDOW_EXIT: POPF: at once", {0x9d, 0x90, 0x90}, 1, false},
        {"5/WINDOW_EXIT: STI; HLT: the halted guest", {0xfb, 0xf4, 0x90}, 2, true},
        {"5/WINDOW_EXIT: STI; MOV SS: one instruction more", {0xfb, 0x8e, 0xd2, 0x90, 0x90}, 4, false},
        {"5/WINDOW_EXIT: STI; STI: the second has no shadow", {0xfb, 0xfb, 0x90}, 2, false},
    };
    for (const Policy& policy : {policies[1], policies[2]})
        for (const auto& c : cases) {
            ControlArea& area = fresh_area(place(c.bytes));
            area.controls = WINDOW_EXIT;
            set_interrupt_flag(area, policy, 0, 0);
            area.guest.gpr[EDX] = data_selector(0);
            word_at(area.guest.gpr[ESP]) = always | IF;
            Wanted w = window(area, c.runs);
            change_visible(w, area, 1);
            w.guest.gpr[ESP] += c.bytes.byte[0] == 0x9d ? 4 : 0;
            w.guest.activity = c.halts;
            expect_exit(Name(c.name, ", ", policy.name), area, w);
        }
    ControlArea& area = fresh_area(place({0xfb, 0xfa}));
    area.controls = WINDOW_EXIT;
    set_interrupt_flag(area, policies[1], 0, 0);
    expect_exit("5/WINDOW_EXIT: STI; CLI: no window", area, ran(area, {0xfb, 0xfa}));
}

} // namespace

void v32_tests() {
    all_exit();
    while_running();
    halted();
    given_or_taken();
    by_shadows();
    halted_guest();
    opened_by_the_guest();
    not_opened_by_an_attempt();
    the_VMMs_flag();
    window_at_entry();
    window_opened();
}
