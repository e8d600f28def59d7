// Section 6, during a delivery to the guest: a further exception consults redirect_events for itself first; 0 exits,
// with the first event in vectoring_event, 1 follows IA-32's #DF rules. #DF consults bit 8; the third fault is
// SHUTDOWN. A delivery cut short leaves the state as before it, except CR2 and DR6 that its event has written.
//
// Injected events do the same: section-4-injection.cpp.
#include "tests/v32/pending_nmi.hpp"
#include "tests/v32/placed.hpp"

using namespace proof;

namespace {

constexpr u32 idt_bit = 2, ext_bit = 1;
constexpr u32 slot = first_free_slot;
constexpr u32 absent = 0x5000010;

struct First {
    const char* name;
    Bytes bytes;
    u32 vector, event, error_code; // error_code of the event, or no_error_code
    u32 length, advance, ext;
    enum { benign, contributory, page_fault } kind;
    u32 more_flags; // as the event would push them
};

const First firsts[] = {
    {"6/during INT n: ",
     {0xcd, 0x60},
     0x60,
     an_event(event_INT, 0x60, length_bits(2)),
     no_error_code,
     2,
     2,
     0,
     First::benign,
     0},
    {"6/during INT3: ",
     {0xcc},
     3,
     an_event(event_INT3_INTO, 3, length_bits(1)),
     no_error_code,
     1,
     1,
     0,
     First::benign,
     0},
    {"6/during #UD: ", {0x0f, 0x0b}, 6, exception_event(6), no_error_code, 2, 0, ext_bit, First::benign, RF},
    {"6/during #DE: ", {0xf7, 0xf6}, 0, exception_event(0), no_error_code, 2, 0, ext_bit, First::contributory, RF},
    {"6/during #GP: ", {0x8e, 0xd9}, 13, exception_event(13), 0x1110, 2, 0, ext_bit, First::contributory, RF},
    {"6/during #PF: ", {0x8b, 0x07}, 14, exception_event(14), 0, 2, 0, ext_bit, First::page_fault, RF},
    {"6/during a debug trap: ", {0x90}, 1, exception_event(1), no_error_code, 0, 1, ext_bit, First::benign, 0},
};

bool is_software(const First& f) { return f.ext == 0; }
bool is_step(const First& f) { return f.vector == vector::DB; }

// In ring 0, so that the second fault finds a stack; the first event's gate is for the test to spoil.
ControlArea& prepare(const First& f, u32 ring = 0) {
    ControlArea& area = fresh_area(place(f.bytes), ring);
    give_event(area, f.vector);
    give_software(area, f.vector);
    area.guest.gpr[ECX] = 0x1110;
    area.guest.gpr[ESI] = 0;
    area.guest.gpr[EDI] = absent;
    area.guest.dr7 |= 0x2000; // GD: stays
    area.guest.eflags |= is_step(f) ? u32{TF} : 0;
    return area;
}

u32 with_error_code(const First& f) { return f.error_code == no_error_code ? 0 : f.error_code; }

// What the first event has written, and how far its instruction came.
void written(Wanted& w, const First& f) {
    if (f.kind == First::page_fault) w.guest.cr2 = absent;
    if (is_step(f)) {
        w.guest.dr6 |= 0x4000;
        w.guest.eip += 1;
    }
}

Wanted cut_short(const ControlArea& area, const First& f, u32 second, u32 error_code) {
    Wanted w = wanted(area, Reason::EXCEPTION, f.length);
    w.event = exception_event(second);
    w.event_error_code = error_code;
    w.vectoring_event = f.event;
    w.vectoring_error_code = with_error_code(f);
    w.guest.eflags |= f.more_flags;
    written(w, f);
    return w;
}

// --- The second exception exits

// Ways to spoil a delivery: what, the exception, its error code but for EXT.
struct Spoiler {
    const char* name;
    u32 vector;
    void (*spoil)(ControlArea&, const First&);
    u32 (*code)(const First&);
};
const Spoiler spoilers[] = {
    {"an absent gate, #NP: ", vector::NP,
     [](ControlArea&, const First& f) { guest_idt[f.vector] &= ~(u64{present} << 40); },
     [](const First& f) { return f.vector * 8 + idt_bit + f.ext; }},
    {"a gate of no type, #GP: ", vector::GP, [](ControlArea&, const First& f) { guest_idt[f.vector] = 0; },
     [](const First& f) { return f.vector * 8 + idt_bit + f.ext; }},
    {"past the IDT's limit, #GP: ", vector::GP,
     [](ControlArea& area, const First& f) { area.guest.idtr.limit = f.vector * 8 + 6; },
     [](const First& f) { return f.vector * 8 + idt_bit + f.ext; }},
    {"a null code selector, #GP: ", vector::GP,
     [](ControlArea&, const First& f) {
         guest_idt[f.vector] = gate(0, guest_handler(f.vector), present | interrupt_gate32);
     },
     [](const First& f) { return f.ext; }},
    {"an absent code segment, #NP: ", vector::NP,
     [](ControlArea&, const First& f) {
         guest_gdt[slot] = descriptor(0, 0xfffff, segment | code_readable, bits32 | pages);
         guest_idt[f.vector] = gate(slot_selector(slot), guest_handler(f.vector), present | interrupt_gate32);
     },
     [](const First& f) { return slot_selector(slot) + f.ext; }},
    {"past the stack's limit, #SS: ", vector::SS,
     [](ControlArea& area, const First&) {
         area.guest.segment[SS].limit = 7;
         area.guest.segment[SS].attributes = 0x493;
         area.guest.gpr[ESP] = 8;
     },
     [](const First& f) { return f.ext; }},
};

void second_exits() {
    for (const First& f : firsts)
        for (const Spoiler& s : spoilers) {
            ControlArea& area = prepare(f);
            if (s.vector == f.vector) take_event(area, f.vector); // the first would exit, too
            if (s.vector == f.vector) continue;
            s.spoil(area, f);
            expect_exit(Name(f.name, s.name, "bit 0: exits with vectoring_event"), area,
                        cut_short(area, f, s.vector, s.code(f)));
        }
}

// The stack of an inner ring: nothing of the switch has happened.
void second_at_a_stack_switch() {
    for (const First& f : firsts) {
        const auto in_ring_3 = [&]() -> ControlArea& {
            ControlArea& area = prepare(f, 3);
            if (is_software(f)) guest_gate(f.vector, present | interrupt_gate32 | dpl(3));
            return area;
        };
        const u32 user_code = f.kind == First::page_fault ? u32{page_user} : with_error_code(f);
        ControlArea* area = &in_ring_3();
        guest_tss.ss0 = data_selector(1);
        Wanted w = cut_short(*area, f, vector::TS, (data_selector(1) & ~3u) + f.ext);
        w.vectoring_error_code = user_code;
        expect_exit(Name(f.name, "a stack of the wrong ring, #TS: ", "exits, nothing is switched"), *area, w);
        area = &in_ring_3();
        if (f.vector == vector::PF) continue; // #PF and #PF: below
        guest_tss.esp0 = scratch + 0x1000;
        guest_page(scratch) = 0;
        run(*area);
        w = cut_short(*area, f, vector::PF, page_writable);
        w.guest = area->guest;
        Check check(Name(f.name, "an absent stack, #PF: ", "exits"));
        check.equal("event", area->exit.event, exception_event(vector::PF));
        check.equal("vectoring_event", area->exit.vectoring_event, f.event);
        check.equal("error code", area->exit.event_error_code, page_writable);
        check.that("linear address", area->exit.qualification_value >= scratch + 0x1000 - 24 &&
                                         area->exit.qualification_value < scratch + 0x1000);
        check.equal("CPL", area->guest.cpl, 3);
        check.equal("ESP", area->guest.gpr[ESP], guest_stack_top(3));
    }
}

// --- The second exception is the guest's: IA-32's rules

void second_given() {
    for (const First& f : firsts)
        for (const Spoiler& s : spoilers) {
            if (s.vector == vector::SS || s.vector == f.vector) continue; // no stack for a handler
            ControlArea& area = prepare(f);
            s.spoil(area, f);
            if (s.spoil == spoilers[2].spoil) continue; // its own gate would be out of reach, too
            give_event(area, s.vector);
            give_event(area, vector::DF);
            Delivery d{.vector = s.vector, .error_code = s.code(f), .more_flags = RF};
            if (f.kind != First::benign) d = {.vector = vector::DF, .error_code = 0, .more_flags = RF};
            if (is_step(f)) d.eip_advance = 1;
            Wanted w = delivered(area, d);
            if (f.kind == First::page_fault) w.guest.cr2 = absent;
            if (is_step(f)) w.guest.dr6 |= 0x4000;
            expect_exit(Name(f.name, s.name, f.kind == First::benign ? "bit 1: the guest's own" : "bit 1: #DF"), area,
                        w);
        }
}

// --- #DF consults bit 8

void double_fault_exits() {
    for (const First& f : firsts) {
        if (f.kind == First::benign) continue;
        ControlArea& area = prepare(f);
        guest_idt[f.vector] &= ~(u64{present} << 40);
        give_event(area, vector::NP);
        Wanted w = wanted(area, Reason::EXCEPTION, f.length);
        w.event = exception_event(vector::DF);
        w.guest.eflags |= RF;
        written(w, f);
        expect_exit(Name(f.name, "#DF with bit 8 = 0: EXCEPTION, vectoring_event 0"), area, w);
    }
}

// The first event is long out of the play: its fault was given, and met a fault of its own.
void double_fault_of_a_second() {
    for (const First& f : firsts) {
        if (f.kind != First::benign) continue;
        ControlArea& area = prepare(f);
        guest_gate(f.vector, interrupt_gate32 | dpl(3)); // not present: #NP, whose gate is not either
        guest_gate(vector::NP, interrupt_gate32);
        give_event(area, vector::NP);
        Wanted w = wanted(area, Reason::EXCEPTION, f.length);
        w.event = exception_event(vector::DF);
        w.guest.eflags |= RF;
        written(w, f);
        expect_exit(Name(f.name, "a fault, and the fault of that: #DF exits, vectoring_event 0"), area, w);
    }
}

// --- The third fault

void third_fault() {
    for (const First& f : firsts) {
        if (f.kind == First::benign) continue;
        const auto doubled = [&]() -> ControlArea& {
            ControlArea& area = prepare(f);
            guest_idt[f.vector] &= ~(u64{present} << 40);
            guest_idt[vector::DF] &= ~(u64{present} << 40);
            give_event(area, vector::NP);
            give_event(area, vector::DF);
            return area;
        };
        ControlArea* area = &doubled();
        Wanted w = wanted(*area, Reason::SHUTDOWN);
        w.vectoring_event = exception_event(vector::DF);
        w.guest.eflags |= RF;
        written(w, f);
        expect_exit(Name(f.name, "third fault with its bit 1: SHUTDOWN, vectoring_event is the #DF"), *area, w);

        area = &doubled();
        guest_idt[vector::DF] = 0; // #GP, which the VMM takes
        if (f.vector == vector::GP) continue;
        take_event(*area, vector::GP);
        w = wanted(*area, Reason::EXCEPTION, f.length);
        w.event = exception_event(vector::GP);
        w.event_error_code = vector::DF * 8 + idt_bit + ext_bit;
        w.vectoring_event = exception_event(vector::DF);
        w.guest.eflags |= RF;
        written(w, f);
        expect_exit(Name(f.name, "third fault with its bit 0: EXCEPTION, vectoring_event is the #DF"), *area, w);
    }
    ControlArea& area = fresh_real(place({0x0f, 0x0b}));
    give_all_events(area);
    area.guest.idtr.limit = 0;
    Wanted w = wanted(area, Reason::SHUTDOWN);
    w.vectoring_event = exception_event(vector::DF);
    w.guest.eflags |= RF;
    expect_exit("6/third fault in real mode: SHUTDOWN", area, w);
}

// --- Page faults: the gates from vector 13 up are in a page that is absent

constexpr u32 split_idt = scratch + 0x1000 - 12 * 8;

ControlArea& with_split_idt(const First& f) {
    ControlArea& area = prepare(f, 3);
    for (u32 i = 0; i < 12 * 2; ++i) word_at(split_idt + 4 * i) = reinterpret_cast<u32*>(guest_idt)[i];
    area.guest.idtr.base = split_idt;
    guest_page(scratch + 0x1000) = 0;
    return area;
}

void page_faults_of_gates() {
    const First &gp = firsts[4], &pf = firsts[5];
    for (const First* f : {&gp, &pf}) {
        ControlArea* area = &with_split_idt(*f);
        if (f == &gp) { // the second is a #PF of another page: #PF after contributory is no #DF, but its own gate...
            Wanted w = cut_short(*area, *f, vector::PF, 0);
            w.qualification_value = split_idt + f->vector * 8;
            expect_exit(Name(f->name, "the gate's page absent, #PF: exits"), *area, w);
        }
        area = &with_split_idt(*f);
        give_event(*area, vector::PF);
        give_event(*area, vector::DF);
        Wanted w = delivered(*area, {.vector = vector::DF, .error_code = 0, .more_flags = RF});
        w.guest.cr2 = split_idt + vector::PF * 8;
        expect_exit(Name(f->name, "#PF of the #PF's gate: #DF, CR2 is the last one's"), *area, w);
    }
}

// --- Events from outside

void external_interrupt() {
    for (const bool given : {false, true}) {
        ControlArea& area = fresh_area(place({0x90}));
        area.guest.eflags |= IF;
        area.guest.sif = 1;
        area.guest.activity = 1;
        give_event(area, external_vector);
        if (given) give_event(area, vector::NP);
        guest_gate(external_vector, interrupt_gate32);
        pend_external_interrupt();
        const u32 code = external_vector * 8 + idt_bit + ext_bit;
        Wanted w = wanted(area, Reason::EXCEPTION);
        w.event = exception_event(vector::NP);
        w.event_error_code = code;
        w.vectoring_event = an_event(event_external, external_vector);
        if (given) {
            w = delivered(area, {.vector = vector::NP, .error_code = code, .more_flags = RF});
            w.guest.activity = 0;
        }
        expect_exit(given ? "6/during an external interrupt: bit 1: the guest's own"
                          : "6/during an external interrupt: exits; the guest is halted as before",
                    area, w);
        check("6/during an external interrupt: it was acknowledged", external_interrupt_in_service());
        end_external_interrupt();
    }
}

// An NMI that is the guest's, but for its gate: blocking by NMI is as before.
void nmi() {
    ControlArea& area = fresh_area(place({0x90}), 3);
    give_event(area, vector::NMI);
    guest_gate(vector::NMI, interrupt_gate32);
    area.guest.activity = 1;
    const Wanted w = wanted(area, Reason::EXCEPTION);
    const Event event = run_with_nmi(area);
    Check check("6/during an NMI: exits; the guest is halted and unblocked as before");
    check.equal("root's vector", event.vector, vector::NP);
    check.equal("event", area.exit.event, exception_event(vector::NP));
    check.equal("error code", area.exit.event_error_code, vector::NMI * 8 + idt_bit + ext_bit);
    check.equal("vectoring_event", area.exit.vectoring_event, an_event(event_NMI, 2));
    check.equal("instruction_length", area.exit.instruction_length, 0);
    const auto *got = reinterpret_cast<const u32*>(&area.guest), *wants = reinterpret_cast<const u32*>(&w.guest);
    for (u32 i = 0; i < sizeof(StateRecord) / 4; ++i) check.equal("guest record", got[i], wants[i]);
    check.equal("another NMI", nmi_waits_in_root(), 0);
}

// Of V86 mode nothing is left behind either.
void v86() {
    struct {
        const char* name;
        Bytes bytes;
        u32 vector, event, length, more_flags, ext;
    } const cases[] = {
        {"6/during #UD of V86 mode: exits with vectoring_event", {0x0f, 0x0b}, 6, exception_event(6), 2, RF, ext_bit},
        {"6/during INT n of V86 mode: exits with vectoring_event",
         {0xcd, 0x60},
         0x60,
         an_event(event_INT, 0x60, length_bits(2)),
         2,
         0,
         0},
    };
    for (const auto& c : cases)
        for (u32 kind = 0; kind < 3; ++kind) {
            ControlArea& area = fresh_v86(place(c.bytes));
            area.guest.eflags |= IOPL3;
            give_event(area, c.vector);
            give_software(area, c.vector);
            guest_gate(c.vector, (kind == 0 ? 0 : u32{present}) | interrupt_gate32 | dpl(3));
            Wanted w = wanted(area, Reason::EXCEPTION, c.length);
            w.event = exception_event(vector::NP);
            w.event_error_code = c.vector * 8 + idt_bit + c.ext;
            if (kind == 1) { // V86 mode is left to ring 0 alone
                guest_idt[c.vector] =
                    gate(code_selector(1), guest_handler(c.vector), present | interrupt_gate32 | dpl(3));
                w.event = exception_event(vector::GP);
                w.event_error_code = (code_selector(1) & ~3u) + c.ext;
            }
            if (kind == 2) {
                guest_tss.ss0 = 0;
                w.event = exception_event(vector::TS);
                w.event_error_code = c.ext;
            }
            w.vectoring_event = c.event;
            w.guest.eflags |= c.more_flags;
            expect_exit(c.name, area, w);
        }
}

// The timer's interrupt, a while after the entry.
void pend_external_interrupt_later() {
    pend_external_interrupt(); // sets the 8259A up
    end_external_interrupt();
    out8(0x21, 0xfe);
    out8(0x43, 0x30);
    out8(0x40, 0x00);
    out8(0x40, 0x01);
}

// --- A benign second exception waits for the boundary: #AC of VME's push to an odd stack

void benign_second() {
    const auto odd_stack = []() -> ControlArea& {
        ControlArea& area = fresh_v86(place({0xcd, 0x60}));
        area.guest.cr4 |= VME;
        area.guest.cr0 |= AM;
        area.guest.eflags |= AC;
        area.guest.gpr[ESP] = segmented_esp + 1;
        guest_tss.io_map_base = __builtin_offsetof(Tss32, io_map);
        give_software(area, 0x60);
        return area;
    };
    ControlArea* area = &odd_stack();
    Wanted w = wanted(*area, Reason::EXCEPTION, 2);
    w.event = exception_event(vector::AC);
    w.vectoring_event = an_event(event_INT, 0x60, length_bits(2));
    expect_exit("6/during VME's INT n: #AC with bit 0: exits with vectoring_event", *area, w);
    area = &odd_stack();
    give_event(*area, vector::AC);
    w = delivered(*area, {.vector = vector::AC, .error_code = 0, .more_flags = RF});
    expect_exit("6/during VME's INT n: #AC with bit 1: a delivery of its own", *area, w);
}

// #AC whose handler runs on an odd stack of ring 3, too: each delivery meets the next #AC, for ever. Other exits come
// in between.
void endless() {
    ControlArea& area = fresh_area(place({0x8b, 0x43, 0x01}), 3); // MOV EAX, [EBX+1]
    guest_gdt[slot] = descriptor(0, 0xfffff, present | code_conforming | 1, bits32 | pages);
    guest_idt[vector::AC] = gate(slot_selector(slot), guest_handler(vector::AC), present | interrupt_gate32);
    give_all_events(area);
    area.guest.cr0 |= AM;
    area.guest.eflags |= AC | IF;
    area.guest.gpr[EBX] = scratch;
    area.guest.gpr[ESP] -= 1;
    area.controls = EXTINT_EXIT;
    pend_external_interrupt_later();
    Wanted w = wanted(area, Reason::EXTINT);
    w.event = an_event(event_external, external_vector);
    run(area);
    w.guest.eflags |= area.guest.eflags & RF; // between two deliveries
    judge_exit("6/endless #AC does not hold the processor", area, w);
    end_external_interrupt();
}

} // namespace

void v32_tests() {
    second_exits();
    second_at_a_stack_switch();
    second_given();
    double_fault_exits();
    double_fault_of_a_second();
    third_fault();
    page_faults_of_gates();
    external_interrupt();
    enable_local_apic();
    nmi();
    v86();
    benign_second();
    endless();
}
