// Section 6, "Exceptions": each vector that a guest can produce exits with redirect_events[vector]=0 and is the guest's
// own with 1. An exit changes nothing: CR2, DR6, DR7.GD and interruptibility stay, EIP is the fault's or behind the
// trap, RF as it would have been pushed. Exceptions during a delivery: section-6-delivery.cpp.
#include "tests/v32/placed.hpp"

using namespace proof;

namespace {

constexpr u32 slot = first_free_slot;

// The instruction that faults stands `skips` bytes on.
struct Fault {
    const char* name;
    u32 vector, error_code;
    Bytes bytes;
    u32 ring, skips, length;
    u32 linear; // of #PF
};

constexpr u32 absent = 0x5000010;

const Fault faults[] = {
    {"6/#DE: ", vector::DE, no_error_code, {0xf7, 0xf6}, 3, 0, 2, 0},                         // DIV ESI by 0
    {"6/#BR: ", vector::BR, no_error_code, {0x62, 0x03}, 3, 0, 2, 0},                         // BOUND EAX, [EBX]
    {"6/#UD: ", vector::UD, no_error_code, {0x0f, 0x0b}, 3, 0, 2, 0},                         // UD2
    {"6/#NM: ", vector::NM, no_error_code, {0xd9, 0xd0}, 3, 0, 2, 0},                         // FNOP with CR0.TS
    {"6/#TS: ", vector::TS, data_selector(1) & ~3u, {0x9a, 0, 0, 0, 0, 0x53, 0}, 3, 0, 7, 0}, // SS0 of the wrong level
    {"6/#NP: ", vector::NP, slot_selector(slot + 1), {0x8e, 0xd8}, 3, 0, 2, 0},               // MOV DS, AX
    {"6/#SS: ", vector::SS, slot_selector(slot + 1), {0x8e, 0xd0}, 3, 0, 2, 0},               // MOV SS, AX
    {"6/#GP: ", vector::GP, 0x1110, {0x8e, 0xd9}, 3, 0, 2, 0},                                // MOV DS, CX
    {"6/#PF, a read: ", vector::PF, page_user, {0x8b, 0x07}, 3, 0, 2, absent},                // MOV EAX, [EDI]
    {"6/#PF, a write: ", vector::PF, page_writable, {0x89, 0x07}, 0, 0, 2, absent},
    {"6/#MF: ", vector::MF, no_error_code, {0x9b}, 3, 0, 1, 0}, // WAIT
    {"6/#AC: ", vector::AC, 0, {0x8b, 0x43, 0x01}, 3, 0, 3, 0}, // MOV EAX, [EBX+1]
    // LDMXCSR [EDX]; XORPS XMM0, XMM0; XORPS XMM1, XMM1; DIVSS XMM0, XMM1
    {"6/#XM: ",
     vector::XM,
     no_error_code,
     {0x0f, 0xae, 0x12, 0x0f, 0x57, 0xc0, 0x0f, 0x57, 0xc9, 0xf3, 0x0f, 0x5e, 0xc1},
     3,
     9,
     4,
     0},
};
static_assert(slot_selector(slot, 3) == 0x53);

void pend_x87_error(u32 vector) {
    asm volatile("fninit");
    if (vector != vector::MF) return;
    constexpr u16 nothing_masked = 0x340;
    asm volatile("fldcw %0; fldz; fld1; fdivp" : : "m"(nothing_masked)); // 1/0 or 0/0: an error either way
}

ControlArea& prepare(const Fault& f) {
    ControlArea& area = fresh_area(place(f.bytes), f.ring);
    StateRecord& guest = area.guest;
    if (f.vector == vector::NM) guest.cr0 |= TS;
    if (f.vector == vector::AC) {
        guest.cr0 |= AM;
        guest.eflags |= AC;
    }
    guest.cr4 |= u32{OSFXSR} | OSXMMEXCPT;
    guest.gpr[EAX] = slot_selector(slot + 1, f.ring); // a data segment that is not present
    guest.gpr[ECX] = 0x1110;                          // past the GDT's limit
    guest.gpr[EBX] = scratch;
    guest.gpr[EDX] = scratch + 0x10;
    guest.gpr[ESI] = 0;
    guest.gpr[EDI] = absent;
    word_at(scratch) = 1; // bounds
    word_at(scratch + 4) = 2;
    word_at(scratch + 0x10) = 0; // MXCSR: nothing masked
    guest_gdt[slot] = gate(code_selector(0), guest_handler(0x99), present | call_gate32 | dpl(3));
    guest_gdt[slot + 1] = descriptor(0, 0xfffff, segment | data_writable | dpl(f.ring), bits32 | pages);
    if (f.vector == vector::TS) guest_tss.ss0 = data_selector(1);
    guest.dr7 |= 0x2000; // GD: stays
    guest.dr6 = 0xffff0ff1;
    pend_x87_error(f.vector);
    return area;
}

Wanted the_exit(const ControlArea& area, const Fault& f) {
    Wanted w = wanted_fault(area, f.vector, f.length, f.error_code);
    w.qualification_value = f.linear;
    w.guest.eip += f.skips;
    return w;
}

// #AC is ring 3's alone; #TS needs an inner ring; the error codes of #PF tell the ring.
void in_other_rings(const Fault& f) {
    if (f.vector == vector::AC || f.vector == vector::TS || f.vector == vector::PF) return;
    for (u32 ring = 0; ring < 3; ++ring) {
        Fault there = f;
        there.ring = ring;
        ControlArea* area = &prepare(there);
        expect_exit(Name(f.name, "EXCEPTION in each ring"), *area, the_exit(*area, there));
        area = &prepare(there);
        give_event(*area, f.vector);
        expect_exit(
            Name(f.name, "the guest's own in each ring"), *area,
            delivered(*area,
                      {.vector = f.vector, .error_code = f.error_code, .eip_advance = f.skips, .more_flags = RF}));
    }
}

void exits(const Fault& f) {
    ControlArea* area = &prepare(f);
    give_all_events(*area);
    take_event(*area, f.vector);
    expect_exit(Name(f.name, "redirect_events=0: EXCEPTION; CR2, DR6, DR7.GD stay"), *area, the_exit(*area, f));
    if (f.skips) return;
    for (const u32 blocking : {u32{by_STI}, u32{by_MOV_SS}, u32{by_NMI}}) {
        area = &prepare(f);
        area->guest.interruptibility = blocking;
        expect_exit(Name(f.name, "EXCEPTION: interruptibility stays"), *area, the_exit(*area, f));
    }
    area = &prepare(f);
    area->guest.eflags |= TF;
    area->controls |= STEP_EXIT;
    expect_exit(Name(f.name, "EXCEPTION: no step was done"), *area, the_exit(*area, f));
    area = &prepare(f);
    area->guest.interruptibility = by_MOV_SS;
    area->guest.pending_debug = 0x4001;
    expect_exit(Name(f.name, "EXCEPTION: a debug trap that MOV SS holds stays pending"), *area, the_exit(*area, f));
}

void given(const Fault& f) {
    if (f.vector == vector::TS) return; // the handler's own stack is the bad one
    for (const u32 blocking : {0u, u32{by_STI}, u32{by_NMI}}) {
        ControlArea& area = prepare(f);
        if (blocking && f.skips) continue;
        give_event(area, f.vector);
        area.guest.interruptibility = blocking;
        Wanted w = delivered(area, {.vector = f.vector,
                                    .error_code = f.error_code,
                                    .eip_advance = f.skips,
                                    .more_flags = RF,
                                    .blocked = blocking & by_NMI});
        if (f.linear) w.guest.cr2 = f.linear;
        expect_exit(Name(f.name, "redirect_events=1: the guest's own"), area, w);
    }
}

// #TS for the guest: from an inner ring, whose stack is good.
void given_TS() {
    ControlArea& area = prepare(faults[4]);
    guest_gdt[slot] = gate(code_selector(1), guest_handler(0x99), present | call_gate32 | dpl(3));
    guest_gdt[code_selector(1) / 8] = descriptor(0, 0xfffff, present | code_readable | 1 | dpl(1), bits32 | pages);
    guest_tss.ss0 = data_selector(0);
    guest_tss.ss1 = data_selector(2);
    give_event(area, vector::TS);
    expect_exit("6/#TS: redirect_events=1: the guest's own", area,
                delivered(area, {.vector = vector::TS, .error_code = data_selector(2) & ~3u, .more_flags = RF}));
}

void in_other_modes() {
    const Bytes undefined{0x0f, 0x0b};
    for (const bool v86 : {false, true})
        for (const bool redirected : {false, true}) {
            ControlArea& area = v86 ? fresh_v86(place(undefined)) : fresh_real(place(undefined));
            if (redirected) give_event(area, vector::UD);
            expect_exit(Name(v86 ? "6/#UD in V86 mode: " : "6/#UD in real mode: ",
                             redirected ? "the guest's own" : "EXCEPTION"),
                        area,
                        redirected ? delivered(area, {.vector = vector::UD, .more_flags = v86 ? u32{RF} : 0})
                                   : wanted_fault(area, vector::UD, 2));
        }
}

// --- #DB

struct Trap {
    const char* name;
    Bytes bytes;
    u32 eflags, dr7, causes;
    u32 advance; // bytes executed
    bool fault;  // a code breakpoint
};
constexpr u32 watched = scratch + 0x40;
const Trap traps[] = {
    {"6/#DB, a single step: ", {0x90}, TF, 0, 0x4000, 1, false},
    {"6/#DB, a data breakpoint: ", {0x89, 0x03}, 0, 0x00d00408, 2, 2, false}, // MOV [EBX], EAX; DR1: write
    {"6/#DB, both: ", {0x89, 0x03}, TF, 0x00d00408, 0x4002, 2, false},
    {"6/#DB, two data breakpoints: ", {0x8b, 0x03}, 0, 0x0ff0'0428, 6, 2, false}, // DR1, DR2: read or write
    {"6/#DB, a code breakpoint: ", {0x90}, 0, 0x401, 1, 0, true},
    {"6/#DB, two code breakpoints: ", {0x90}, 0, 0x441, 9, 0, true}, // DR0, DR3
};

ControlArea& prepare(const Trap& t) {
    ControlArea& area = fresh_area(place(t.bytes), 3);
    asm volatile("mov %0, %%dr0; mov %1, %%dr1; mov %1, %%dr2; mov %0, %%dr3" : : "r"(placed_at), "r"(watched));
    area.guest.gpr[EBX] = watched;
    area.guest.eflags |= t.eflags;
    area.guest.dr7 = t.dr7 | 0x400;
    area.guest.gpr[EAX] = word_at(watched) = 0x13579bdf;
    return area;
}

void debug_exceptions(const Trap& t) {
    ControlArea* area = &prepare(t);
    Wanted w = wanted(*area, Reason::EXCEPTION);
    w.event = exception_event(vector::DB);
    w.qualification_value = t.causes;
    w.guest.eip += t.advance;
    expect_exit(Name(t.name, "redirect_events=0: EXCEPTION; DR6 stays, pending_debug is 0"), *area, w);
    area = &prepare(t);
    give_event(*area, vector::DB);
    w = delivered(*area, {.vector = vector::DB, .eip_advance = t.advance});
    w.guest.dr6 |= t.causes;
    expect_exit(Name(t.name, "redirect_events=1: the guest's own, with DR6"), *area, w);
    if (t.fault) {
        area = &prepare(t);
        area->guest.eflags |= RF;
        expect_exit(Name(t.name, "RF lets it pass"), *area, ran(*area, t.bytes));
    }
    asm volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3" : : "r"(0));
}

void port_breakpoint() {
    const Bytes in{0xe4, 0x21};
    ControlArea& area = fresh_area(place(in));
    for (u32 i = 0; i < 8192; i += 4) word_at(scratch + i) = 0;
    area.io_bitmap = scratch;
    area.guest.cr4 |= DE;
    area.guest.dr7 = 0x00020402; // DR0: I/O
    asm volatile("mov %0, %%dr0" : : "r"(0x21));
    out8(0x21, 0x77);
    Wanted w = wanted(area, Reason::EXCEPTION);
    w.event = exception_event(vector::DB);
    w.qualification_value = 1;
    w.guest.eip += 2;
    w.guest.gpr[EAX] = 0x11111177;
    expect_exit("6/#DB, an I/O breakpoint: EXCEPTION", area, w);
    area.io_bitmap = 0;
    area.guest.eip -= 2;
    w = wanted(area, Reason::IO, 2);
    w.qualification = 1 | io_in | io_immediate | 0x21u << io_port_shift;
    expect_exit("6/#DB, an I/O breakpoint: none for an access that exits", area, w);
    out8(0x21, 0xff);
    asm volatile("mov %0, %%dr0" : : "r"(0));
}

// --- Faults of the instruction's own fetch

void fetches() {
    ControlArea* area = &fresh_area(place({0x90}), 3);
    guest_page(placed_at) = 0;
    Wanted w = wanted_fault(*area, vector::PF, 0, page_user);
    w.qualification_value = placed_at;
    expect_exit("6/#PF of the fetch: EXCEPTION", *area, w);
    area = &fresh_area(place({0x90}), 3);
    guest_page(placed_at) = 0;
    give_event(*area, vector::PF);
    w = delivered(*area, {.vector = vector::PF, .error_code = page_user, .more_flags = RF});
    w.guest.cr2 = placed_at;
    expect_exit("6/#PF of the fetch: the guest's own", *area, w);
    area = &fresh_area(place({0x90}));
    area->guest.segment[CS].limit = placed_at - 1;
    expect_exit("6/#GP of the fetch, past CS's limit: EXCEPTION", *area, wanted_fault(*area, vector::GP, 0, 0));
}

} // namespace

void v32_tests() {
    for (const Fault& f : faults) {
        exits(f);
        given(f);
        in_other_rings(f);
    }
    asm volatile("fninit");
    given_TS();
    in_other_modes();
    for (const Trap& t : traps) debug_exceptions(t);
    port_breakpoint();
    fetches();
}
