// Section 6: MOV to and from debug registers. CR4.DE and DR7.GD belong to what a bare processor refuses; with DR_EXIT
// the rest exits, without it the guest has DR0..3, DR6 and DR7 in its hands.
#include "tests/v32/placed.hpp"

using namespace proof;

namespace {

constexpr u32 GD = 0x2000, BD = 0x2000; // in DR7; in DR6
constexpr u32 all_exits = DR_EXIT;

Bytes mov_to(u32 dr, u32 gpr) { return {0x0f, 0x23, 0xc0 | dr << 3 | gpr}; }
Bytes mov_from(u32 dr, u32 gpr) { return {0x0f, 0x21, 0xc0 | dr << 3 | gpr}; }

// --- DR_EXIT=1: the register as encoded

void exits() {
    for (u32 dr = 0; dr < 8; ++dr)
        for (u32 gpr = 0; gpr < 8; ++gpr)
            for (const bool to : {true, false}) {
                const Bytes bytes = to ? mov_to(dr, gpr) : mov_from(dr, gpr);
                ControlArea& area = fresh_area(place(bytes));
                area.controls = all_exits;
                Wanted w = wanted(area, Reason::DR_ACCESS, 3);
                w.qualification = (to ? cr_MOV_to : cr_MOV_from) | dr | gpr << operand_register_shift;
                w.qualification_value = to ? area.guest.gpr[gpr] : 0;
                expect_exit(to ? "6/DR_EXIT: MOV to each debug register, from each GPR: DR_ACCESS"
                               : "6/DR_EXIT: MOV from each debug register, to each GPR: DR_ACCESS",
                            area, w);
            }
}

// The mod field counts for nothing: it is a register.
void mod_field() {
    for (u32 mod : {0u, 1u, 2u}) {
        const Bytes bytes{0x0f, 0x21, mod << 6 | 3 << 3 | EBX};
        ControlArea& area = fresh_area(place(bytes));
        area.controls = all_exits;
        Wanted w = wanted(area, Reason::DR_ACCESS, 3);
        w.qualification = cr_MOV_from | 3 | EBX << operand_register_shift;
        expect_exit("6/MOV DR: whatever mod says, a register", area, w);
    }
}

// --- CR4.DE: DR4 and DR5 do not exist

void with_DE() {
    for (const u32 control : {0u, u32{DR_EXIT}})
        for (u32 dr = 0; dr < 8; ++dr)
            for (const bool to : {true, false}) {
                const Bytes bytes = to ? mov_to(dr, EAX) : mov_from(dr, EAX);
                ControlArea& area = fresh_area(place(bytes));
                area.controls = control;
                area.guest.cr4 |= DE;
                area.guest.gpr[EAX] = 0;
                if (dr == 4 || dr == 5) {
                    expect_exit("6/CR4.DE: DR4 and DR5 are #UD first", area, wanted_fault(area, vector::UD, 3));
                    continue;
                }
                if (!control) continue;
                Wanted w = wanted(area, Reason::DR_ACCESS, 3);
                w.qualification = (to ? cr_MOV_to : cr_MOV_from) | dr;
                expect_exit("6/CR4.DE: the others exit", area, w);
            }
}

// --- DR7.GD

void with_GD() {
    for (const u32 control : {0u, u32{DR_EXIT}})
        for (u32 dr = 0; dr < 8; ++dr)
            for (const bool to : {true, false}) {
                const Bytes bytes = to ? mov_to(dr, EAX) : mov_from(dr, EAX);
                ControlArea* area = &fresh_area(place(bytes));
                area->controls = control;
                area->guest.dr7 |= GD;
                Wanted w = wanted_fault(*area, vector::DB, 3);
                w.qualification_value = BD;
                expect_exit("6/DR7.GD: #DB first; DR6 and DR7.GD are untouched by the exit", *area, w);
                area = &fresh_area(place(bytes));
                area->controls = control;
                area->guest.dr7 |= GD;
                give_event(*area, vector::DB);
                w = delivered(*area, {.vector = vector::DB, .more_flags = RF});
                w.guest.dr6 |= BD;
                w.guest.dr7 &= ~GD;
                expect_exit("6/DR7.GD: #DB is the guest's own: DR6.BD is set, DR7.GD is cleared", *area, w);
            }
    for (u32 ring : {1u, 2u, 3u}) {
        ControlArea& area = fresh_area(place(mov_to(0, EAX)), ring);
        area.controls = all_exits;
        area.guest.dr7 |= GD;
        expect_exit("6/MOV DR: CPL first: #GP(0)", area, wanted_fault(area, vector::GP, 3, 0));
    }
    ControlArea& locked = fresh_area(place(prefixed(0xf0, mov_to(0, EAX))));
    locked.controls = all_exits;
    locked.guest.dr7 |= GD;
    expect_exit("6/MOV DR: LOCK before DR7.GD: #UD", locked, wanted_fault(locked, vector::UD, 4));
}

// --- DR_EXIT=0

u32 root_dr(u32 n) {
    u32 value = 0;
    if (n == 0) asm volatile("mov %%dr0, %0" : "=r"(value));
    if (n == 1) asm volatile("mov %%dr1, %0" : "=r"(value));
    if (n == 2) asm volatile("mov %%dr2, %0" : "=r"(value));
    if (n == 3) asm volatile("mov %%dr3, %0" : "=r"(value));
    return value;
}

void the_guests_own() {
    for (u32 dr = 0; dr < 4; ++dr) {
        ControlArea* area = &fresh_area(place(mov_to(dr, EBX)));
        area->guest.gpr[EBX] = 0x10203040 + dr;
        expect_exit("6/DR_EXIT=0: MOV to DR0..3 runs", *area, ran(*area, mov_to(dr, EBX)));
        check_equal("6/DR_EXIT=0: DR0..3 are not switched", root_dr(dr), 0x10203040 + dr);
        area = &fresh_area(place(mov_from(dr, EDI)));
        Wanted w = ran(*area, mov_from(dr, EDI));
        w.guest.gpr[EDI] = 0x10203040 + dr;
        expect_exit("6/DR_EXIT=0: MOV from DR0..3 runs", *area, w);
    }
    for (u32 dr : {4u, 6u}) {
        ControlArea* area = &fresh_area(place(mov_to(dr, EBX)));
        area->guest.gpr[EBX] = 0x4005;
        Wanted w = ran(*area, mov_to(dr, EBX));
        w.guest.dr6 = 0xffff4ff5;
        expect_exit("6/DR_EXIT=0: MOV to DR6 runs, also as DR4", *area, w);
        area = &fresh_area(place(mov_from(dr, EDI)));
        area->guest.dr6 = 0xffff8ff2;
        w = ran(*area, mov_from(dr, EDI));
        w.guest.gpr[EDI] = 0xffff8ff2;
        expect_exit("6/DR_EXIT=0: MOV from DR6 runs, also as DR4", *area, w);
    }
    for (u32 dr : {5u, 7u}) {
        ControlArea* area = &fresh_area(place(mov_to(dr, EBX)));
        area->guest.gpr[EBX] = GD;
        Wanted w = ran(*area, mov_to(dr, EBX));
        w.guest.dr7 = 0x400 | GD;
        expect_exit("6/DR_EXIT=0: MOV to DR7 runs, also as DR5", *area, w);
        area = &fresh_area(place(mov_from(dr, EDI)));
        area->guest.dr7 = 0x700;
        w = ran(*area, mov_from(dr, EDI));
        w.guest.gpr[EDI] = 0x700;
        expect_exit("6/DR_EXIT=0: MOV from DR7 runs, also as DR5", *area, w);
    }
    asm volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3" : : "r"(0));
}

// The guest sets a breakpoint, and it works.
void a_breakpoint_of_the_guest() {
    const Bytes bytes{0x0f, 0x23, 0xc3, 0x0f, 0x23, 0xf9, 0x90, 0x90}; // DR0 = EBX, DR7 = ECX
    ControlArea& area = fresh_area(place(bytes));
    area.guest.gpr[EBX] = placed_at + 7;
    area.guest.gpr[ECX] = 2;
    Wanted w = wanted(area, Reason::EXCEPTION);
    w.event = exception_event(vector::DB);
    w.qualification_value = 1;
    w.guest.eip += 7;
    w.guest.dr7 = 0x402;
    expect_exit("6/DR_EXIT=0: the guest's breakpoint breaks", area, w);
    asm volatile("mov %0, %%dr0" : : "r"(0));
}

} // namespace

void v32_tests() {
    exits();
    mod_field();
    with_DE();
    with_GD();
    the_guests_own();
    a_breakpoint_of_the_guest();
}
