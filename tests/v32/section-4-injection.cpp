// Section 4.5: events that the VMM injects. What each type pushes and checks, what it leaves alone, and what becomes of
// a delivery that meets a fault. Repeating deliveries: section-4-repeat.cpp.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }

constexpr u32 some_vector = 0x55;

bool has_error_code(u32 vector) { return exception_event(vector) & event_has_error_code; }

Wanted inject(ControlArea& area, u32 event, const Delivery& delivery) {
    area.inject_event = event;
    return delivered(area, delivery);
}

void external_interrupts() {
    for (u32 ring : {0u, 3u}) {
        ControlArea& area = fresh_area(call, ring);
        area.guest.sif = 1;
        expect_exit("4.5/type 0: an external interrupt", area,
                    inject(area, an_event(event_external, some_vector), {.vector = some_vector}));
    }
    for (u32 vector : {0u, 2u, 13u, 14u, 20u, 255u}) {
        ControlArea& area = fresh_area(call);
        area.guest.sif = 1;
        expect_exit("4.5/type 0: any vector, no error code", area,
                    inject(area, an_event(event_external, vector), {.vector = vector}));
    }
    ControlArea* area = &fresh_v86(call);
    area->guest.sif = 1;
    expect_exit("4.5/type 0: in V86 mode", *area,
                inject(*area, an_event(event_external, some_vector), {.vector = some_vector}));
    area = &fresh_real(call);
    area->guest.sif = 1;
    expect_exit("4.5/type 0: in real mode", *area,
                inject(*area, an_event(event_external, some_vector), {.vector = some_vector}));
    area = &fresh_area(call);
    area->controls = u32{IF_DIRECT} | EXTINT_EXIT;
    area->guest.eflags |= IF;
    expect_exit("4.5/type 0: the visible IF of DIRECT", *area,
                inject(*area, an_event(event_external, some_vector), {.vector = some_vector}));
    area = &fresh_area(call);
    area->controls = IF_SHADOW;
    area->guest.sif = 1;
    expect_exit("4.5/type 0: the visible IF of SHADOW", *area,
                inject(*area, an_event(event_external, some_vector), {.vector = some_vector}));
    area = &fresh_area(call);
    area->guest.sif = 1;
    guest_gate(some_vector, present | trap_gate32);
    Wanted w = inject(*area, an_event(event_external, some_vector), {.vector = some_vector});
    w.guest.sif = 1;
    expect_exit("4.5/type 0: a trap gate leaves the visible IF", *area, w);
    area = &fresh_area(call);
    area->guest.sif = 1;
    area->guest.activity = 1;
    w = inject(*area, an_event(event_external, some_vector), {.vector = some_vector});
    w.guest.activity = 0;
    expect_exit("4.5/type 0: it wakes a halted guest", *area, w);
}

void nmi() {
    ControlArea* area = &fresh_area(call, 3);
    expect_exit("4.5/type 2: NMI sets blocking by NMI", *area,
                inject(*area, an_event(event_NMI, 2), {.vector = 2, .blocked = by_NMI}));
    area = &fresh_area(call);
    area->guest.interruptibility = by_NMI;
    expect_exit("4.5/type 2: NMI while NMI is blocked", *area,
                inject(*area, an_event(event_NMI, 2), {.vector = 2, .blocked = by_NMI}));
    area = &fresh_area(call);
    area->guest.interruptibility = by_STI;
    expect_exit("4.5/type 2: NMI behind STI", *area,
                inject(*area, an_event(event_NMI, 2), {.vector = 2, .blocked = by_NMI}));
    area = &fresh_real(call);
    expect_exit("4.5/type 2: NMI in real mode", *area,
                inject(*area, an_event(event_NMI, 2), {.vector = 2, .blocked = by_NMI}));
}

void exceptions(const char* name, ControlArea& (*fresh)(Code)) {
    for (u32 vector = 0; vector < 32; ++vector) {
        if (vector == 2 || vector == 20) continue;
        ControlArea& area = fresh(call);
        area.inject_error_code = 0x1234;
        expect_exit(name, area,
                    inject(area, exception_event(vector),
                           {.vector = vector, .error_code = has_error_code(vector) ? 0x1234 : no_error_code}));
    }
}

// CR2, DR6 are compared by every expect_exit(): here by name, in a state where a write would show.
void page_fault_and_debug() {
    ControlArea* area = &fresh_area(call, 3);
    area->guest.cr2 = 0x76543210;
    area->inject_error_code = 7;
    Wanted w = inject(*area, exception_event(vector::PF), {.vector = vector::PF, .error_code = 7});
    expect_exit("4.5/type 3: #PF does not write CR2", *area, w);
    area = &fresh_area(call, 3);
    area->guest.dr7 = 0x2400; // GD
    w = inject(*area, exception_event(vector::DB), {.vector = vector::DB});
    w.guest.dr7 = 0x400;
    expect_exit("4.5/type 3: #DB does not write DR6, and clears DR7.GD", *area, w);
    area = &fresh_area(call);
    area->guest.dr7 = 0x2400;
    area->guest.dr6 = 0xffff4ff1;
    w = inject(*area, exception_event(vector::DB), {.vector = vector::DB});
    w.guest.dr7 = 0x400;
    expect_exit("4.5/type 3: #DB keeps the DR6 of the record", *area, w);
}

void exceptions_of_all_modes() {
    exceptions("4.5/type 3: exceptions in ring 0", [](Code code) -> ControlArea& { return fresh_area(code, 0); });
    exceptions("4.5/type 3: exceptions in ring 3", [](Code code) -> ControlArea& { return fresh_area(code, 3); });
    exceptions("4.5/type 3: exceptions in V86 mode", fresh_v86);
    exceptions("4.5/type 3: exceptions in real mode push no error code", fresh_real);
    for (const u32 blocking : {u32{by_STI}, u32{by_MOV_SS}}) {
        ControlArea& area = fresh_area(call);
        area.guest.interruptibility = blocking;
        expect_exit("4.5/type 3: an exception behind STI or MOV SS", area,
                    inject(area, exception_event(vector::UD), {.vector = vector::UD}));
    }
    ControlArea& area = fresh_area(call, 3);
    area.guest.eflags |= RF | NT | AC;
    expect_exit("4.5/type 3: EFLAGS are pushed as recorded, RF too", area,
                inject(area, exception_event(vector::UD), {.vector = vector::UD}));
    ControlArea& halted = fresh_area(call);
    halted.guest.activity = 1;
    Wanted w = inject(halted, exception_event(vector::UD), {.vector = vector::UD});
    w.guest.activity = 0;
    expect_exit("4.5/type 3: an exception wakes a halted guest", halted, w);
}

void software_interrupts() {
    for (u32 length = 1; length < 16; ++length) {
        ControlArea& area = fresh_area(call);
        expect_exit("4.5/type 4: INT n pushes EIP + length", area,
                    inject(area, an_event(event_INT, some_vector, length_bits(length)),
                           {.vector = some_vector, .eip_advance = length}));
    }
    ControlArea* area = &fresh_area(call);
    expect_exit("4.5/type 6: INT3 pushes EIP + length", *area,
                inject(*area, an_event(event_INT3_INTO, 3, length_bits(1)), {.vector = 3, .eip_advance = 1}));
    area = &fresh_area(call);
    expect_exit("4.5/type 6: INTO pushes EIP + length", *area,
                inject(*area, an_event(event_INT3_INTO, 4, length_bits(2)), {.vector = 4, .eip_advance = 2}));
    area = &fresh_real(call);
    expect_exit(
        "4.5/type 4: INT n in real mode", *area,
        inject(*area, an_event(event_INT, some_vector, length_bits(2)), {.vector = some_vector, .eip_advance = 2}));
    area = &fresh_real(call);
    expect_exit("4.5/type 6: INT3 in real mode", *area,
                inject(*area, an_event(event_INT3_INTO, 3, length_bits(1)), {.vector = 3, .eip_advance = 1}));
    area = &fresh_v86(call);
    guest_gate(some_vector, present | interrupt_gate32 | dpl(3));
    expect_exit(
        "4.5/type 4: INT n in V86 mode: IOPL is not consulted", *area,
        inject(*area, an_event(event_INT, some_vector, length_bits(2)), {.vector = some_vector, .eip_advance = 2}));
    area = &fresh_area(call);
    expect_exit("4.5/type 4: redirect_software is not consulted", *area,
                inject(*area, an_event(event_INT, 0x60, length_bits(2)), {.vector = 0x60, .eip_advance = 2}));
}

// A delivery that exits for its own fault: nothing of the guest has changed, the first event is in vectoring_event.
Wanted cut_short(ControlArea& area, u32 event, u32 fault, u32 error_code) {
    area.inject_event = event;
    Wanted w = wanted(area, Reason::EXCEPTION);
    w.event = exception_event(fault);
    w.event_error_code = error_code;
    w.vectoring_event = event;
    if (event & event_has_error_code) w.vectoring_error_code = area.inject_error_code;
    return w;
}

void push(Wanted& w, u32 value) {
    for (u32 i = 9; i > 0; --i) w.frame[i] = w.frame[i - 1];
    w.frame[0] = value;
    w.guest.gpr[ESP] -= 4;
}

constexpr u32 idt_bit = 2, ext_bit = 1;

void gate_levels() {
    struct {
        const char *open, *shut;
        u32 event, vector, length;
        bool checked;
    } const cases[] = {
        {"4.5/type 4: the gate's DPL 3 lets ring 3 pass", "4.5/type 4: the gate's DPL 0 stops ring 3",
         an_event(event_INT, some_vector, length_bits(2)), some_vector, 2, true},
        {"4.5/type 6: the gate's DPL 3 lets ring 3 pass", "4.5/type 6: the gate's DPL 0 stops ring 3",
         an_event(event_INT3_INTO, 3, length_bits(1)), 3, 1, true},
        {"4.5/type 3: a gate of DPL 3", "4.5/type 3: the gate's DPL is not checked", an_event(event_exception, 6), 6, 0,
         false},
        {"4.5/type 2: a gate of DPL 3", "4.5/type 2: the gate's DPL is not checked", an_event(event_NMI, 2), 2, 0,
         false},
        {"4.5/type 0: a gate of DPL 3", "4.5/type 0: the gate's DPL is not checked",
         an_event(event_external, some_vector), some_vector, 0, false},
    };
    for (const auto& c : cases)
        for (u32 level : {0u, 2u, 3u}) {
            ControlArea& area = fresh_area(call, 3);
            area.guest.sif = 1;
            guest_gate(c.vector, present | interrupt_gate32 | dpl(level));
            const u32 blocked = c.vector == 2 ? u32{by_NMI} : 0;
            if (level == 3 || !c.checked)
                expect_exit(level == 3 ? c.open : c.shut, area,
                            inject(area, c.event, {.vector = c.vector, .eip_advance = c.length, .blocked = blocked}));
            else
                expect_exit(c.shut, area, cut_short(area, c.event, vector::GP, c.vector * 8 + idt_bit));
        }
}

ControlArea& fresh_vme(u32 iopl) {
    ControlArea& area = fresh_v86(call);
    area.guest.cr4 |= VME;
    area.guest.eflags |= iopl;
    guest_tss.io_map_base = __builtin_offsetof(Tss32, io_map); // the bitmap stands before it
    return area;
}

// VME: a clear bit of the TSS sends INT n to the 8086 program's own table.
void vme() {
    for (const u32 iopl : {0u, u32{IOPL3}}) {
        ControlArea& area = fresh_vme(iopl);
        area.guest.eflags |= u32{TF} | VIF;
        area.guest.sif = 1;
        area.inject_event = an_event(event_INT, some_vector, length_bits(2));
        Wanted w = wanted(area, Reason::V32CALL, 3);
        w.frame_word_size = 2;
        w.frame_bytes = 6;
        w.guest.gpr[ESP] -= 6;
        w.frame[0] = area.guest.eip + 2;
        w.frame[1] = code_segment;
        w.frame[2] = (always | TF | IF | IOPL3); // IOPL<3: VIF as IF, and IOPL 3 as if
        w.guest.eflags &= iopl ? ~TF : ~(TF | VIF);
        w.guest.sif = iopl ? 0 : 1;
        set_segment(w.guest.segment[CS], handler_segment, v86_segment, 0xffff, handler_segment * 16);
        w.guest.eip = 4 * some_vector;
        expect_exit(iopl ? "4.5/type 4: VME's bitmap, IOPL 3: through the 8086 table, IF cleared"
                         : "4.5/type 4: VME's bitmap, IOPL 0: through the 8086 table, VIF cleared",
                    area, w);
    }
    for (const u32 iopl : {0u, u32{IOPL3}}) {
        ControlArea& area = fresh_vme(iopl);
        guest_tss.redirection[some_vector / 8] = 1u << some_vector % 8;
        guest_gate(some_vector, present | interrupt_gate32 | dpl(3));
        expect_exit(
            "4.5/type 4: VME's bitmap, bit 1: through the IDT, IOPL not consulted", area,
            inject(area, an_event(event_INT, some_vector, length_bits(2)), {.vector = some_vector, .eip_advance = 2}));
    }
    for (const u32 length : {1u, 2u}) {
        ControlArea& area = fresh_vme(IOPL3);
        guest_gate(3, present | interrupt_gate32 | dpl(3));
        expect_exit(
            "4.5/type 6: VME's bitmap is not consulted", area,
            inject(area, an_event(event_INT3_INTO, 3, length_bits(length)), {.vector = 3, .eip_advance = length}));
    }
    for (const u32 event : {an_event(event_external, some_vector), an_event(event_exception, vector::UD)}) {
        ControlArea& area = fresh_vme(IOPL3);
        area.guest.sif = 1;
        expect_exit("4.5/types 0, 3: VME's bitmap is not consulted", area,
                    inject(area, event, {.vector = event & event_vector}));
    }
}

// EXT in the error code of a fault of the delivery: set but for types 4 and 6.
void the_ext_bit() {
    struct {
        const char* name;
        u32 event, ext;
    } const cases[] = {
        {"4.5/EXT=1 for type 0", an_event(event_external, some_vector), ext_bit},
        {"4.5/EXT=1 for type 2", an_event(event_NMI, 2), ext_bit},
        {"4.5/EXT=1 for type 3", an_event(event_exception, vector::UD), ext_bit},
        {"4.5/EXT=1 for type 3 with an error code", exception_event(vector::GP), ext_bit},
        {"4.5/EXT=1 for type 3, INT1", an_event(event_exception, vector::DB), ext_bit},
        {"4.5/EXT=0 for type 4", an_event(event_INT, some_vector, length_bits(2)), 0},
        {"4.5/EXT=0 for type 6", an_event(event_INT3_INTO, 3, length_bits(1)), 0},
    };
    for (const auto& c : cases) {
        const u32 vector = c.event & event_vector;
        for (u32 ring : {0u, 3u}) {
            ControlArea& area = fresh_area(call, ring);
            area.guest.sif = 1;
            area.inject_error_code = 0x77;
            guest_gate(vector, interrupt_gate32 | dpl(3)); // not present
            expect_exit(c.name, area, cut_short(area, c.event, vector::NP, vector * 8 + idt_bit + c.ext));
        }
        ControlArea& area = fresh_area(call);
        area.guest.sif = 1;
        area.inject_error_code = 0x77;
        area.guest.idtr.limit = vector * 8 + 6;
        expect_exit(c.name, area, cut_short(area, c.event, vector::GP, vector * 8 + idt_bit + c.ext));
        ControlArea& segment = fresh_area(call);
        segment.guest.sif = 1;
        segment.inject_error_code = 0x77;
        guest_gdt[code_selector(0) / 8] &= ~(u64{present} << 40); // the handler's code segment
        expect_exit(c.name, segment, cut_short(segment, c.event, vector::NP, code_selector(0) + c.ext));
    }
}

// An injected event counts as just raised: its class decides what a second fault becomes.
void double_faults() {
    struct {
        const char* name;
        u32 event, second;
        bool doubles;
    } const cases[] = {
        {"4.5/#DF: contributory and #NP", exception_event(vector::GP), vector::NP, true},
        {"4.5/#DF: #DE and #NP", exception_event(vector::DE), vector::NP, true},
        {"4.5/#DF: #PF and #NP", exception_event(vector::PF), vector::NP, true},
        {"4.5/no #DF: benign and #NP", exception_event(vector::UD), vector::NP, false},
        {"4.5/no #DF: external interrupt and #NP", an_event(event_external, some_vector), vector::NP, false},
        {"4.5/no #DF: NMI and #NP", an_event(event_NMI, 2), vector::NP, false},
        {"4.5/no #DF: INT n and #NP", an_event(event_INT, some_vector, length_bits(2)), vector::NP, false},
        {"4.5/no #DF: INT3 and #NP", an_event(event_INT3_INTO, 3, length_bits(1)), vector::NP, false},
    };
    for (const auto& c : cases) {
        const u32 vector = c.event & event_vector;
        ControlArea* area = &fresh_area(call);
        area->guest.sif = 1;
        area->inject_error_code = 0x77;
        give_event(*area, c.second);
        give_event(*area, vector::DF);
        guest_gate(vector, interrupt_gate32); // not present
        const bool software = (c.event & event_type) >> event_type_shift >= event_INT;
        const u32 error_code = vector * 8 + idt_bit + (software ? 0 : ext_bit);
        expect_exit(c.name, *area,
                    c.doubles
                        ? inject(*area, c.event, {.vector = vector::DF, .error_code = 0, .more_flags = RF})
                        : inject(*area, c.event, {.vector = c.second, .error_code = error_code, .more_flags = RF}));
        take_event(*area, c.second);
        area = &fresh_area(call);
        area->guest.sif = 1;
        area->inject_error_code = 0x77;
        guest_gate(vector, interrupt_gate32);
        expect_exit("4.5/#DF: a second fault that the VMM takes exits before it could be one", *area,
                    cut_short(*area, c.event, c.second, error_code));
    }
}

void double_faults_that_exit() {
    ControlArea* area = &fresh_area(call);
    give_event(*area, vector::NP);
    guest_gate(vector::GP, interrupt_gate32);
    area->inject_event = exception_event(vector::GP);
    Wanted w = wanted(*area, Reason::EXCEPTION);
    w.event = exception_event(vector::DF);
    w.guest.eflags |= RF; // as its delivery would have pushed it
    expect_exit("4.5/#DF: bit 8 consulted, it exits without vectoring_event", *area, w);

    area = &fresh_area(call);
    give_all_events(*area);
    guest_gate(vector::DF, interrupt_gate32);
    area->inject_event = exception_event(vector::DF);
    w = wanted(*area, Reason::SHUTDOWN);
    w.vectoring_event = exception_event(vector::DF);
    expect_exit("4.5/#DF injected, and a fault: SHUTDOWN", *area, w);

    area = &fresh_area(call);
    guest_gate(vector::DF, interrupt_gate32);
    expect_exit("4.5/#DF injected, and a fault that the VMM takes", *area,
                cut_short(*area, exception_event(vector::DF), vector::NP, vector::DF * 8 + idt_bit + ext_bit));
}

// The stack of the delivery is absent: #PF, by the class of the first event.
void page_faults_in_delivery() {
    ControlArea* area = &fresh_area(call);
    area->guest.gpr[ESP] = scratch + 0x1000;
    guest_page(scratch) = 0;
    area->inject_error_code = 0x77;
    Wanted w = cut_short(*area, exception_event(vector::GP), vector::PF, page_writable);
    w.qualification_value = scratch + 0xffc;
    expect_exit("4.5/a #PF of the delivery exits, CR2 untouched", *area, w);

    // The first fetch of the handler faults: the delivery is over by then.
    area = &fresh_area(call, 3);
    give_event(*area, vector::PF);
    constexpr u32 slot = first_free_slot;
    guest_gdt[slot] = descriptor(scratch, 0xfff, present | code_readable | 1, bits32);
    guest_idt[vector::GP] = gate(slot_selector(slot), 0x10, present | interrupt_gate32);
    guest_page(scratch) = 0;
    w = inject(*area, exception_event(vector::GP), {.vector = vector::GP, .error_code = 0});
    const u32 flags = w.guest.eflags | RF;
    w.guest.cr2 = scratch + 0x10;
    push(w, flags);
    push(w, slot_selector(slot));
    push(w, 0x10);
    push(w, 0);
    w.frame_bytes = 16;
    w.guest.eip = guest_handler(vector::PF);
    expect_exit("4.5/a fault of the handler's first fetch is no fault of the delivery", *area, w);
}

// The gates from vector 13 up are in a page that is absent: #PF reading a gate.
constexpr u32 split_idt = scratch + 0x1000 - 12 * 8;

void split_the_idt(ControlArea& area) {
    for (u32 i = 0; i < 12 * 2; ++i) word_at(split_idt + 4 * i) = reinterpret_cast<u32*>(guest_idt)[i];
    area.guest.idtr.base = split_idt;
    guest_page(scratch + 0x1000) = 0;
}

void page_faults_reading_a_gate() {
    struct {
        const char* name;
        u32 event, cr2;
    } const cases[] = {
        {"4.5/#DF: #PF and #PF", exception_event(vector::PF), split_idt + vector::PF * 8},
        {"4.5/#DF: contributory, #PF, and the #PF of that", exception_event(vector::GP), split_idt + vector::PF * 8},
    };
    for (const auto& c : cases) {
        ControlArea& area = fresh_area(call, 3);
        split_the_idt(area);
        give_event(area, vector::PF);
        give_event(area, vector::DF);
        Wanted w = inject(area, c.event, {.vector = vector::DF, .error_code = 0, .more_flags = RF});
        w.guest.cr2 = c.cr2;
        expect_exit(c.name, area, w);
    }
    ControlArea& area = fresh_area(call, 3);
    split_the_idt(area);
    give_event(area, vector::DF);
    Wanted w = cut_short(area, exception_event(vector::PF), vector::PF, 0);
    w.qualification_value = split_idt + vector::PF * 8;
    expect_exit("4.5/#PF injected, and a #PF that the VMM takes", area, w);
}

void cleared_whatever_happens() {
    ControlArea* area = &fresh_area(call);
    guest_gate(vector::UD, interrupt_gate32);
    expect_exit("4.5/inject_event is cleared though its delivery faults", *area,
                cut_short(*area, exception_event(vector::UD), vector::NP, vector::UD * 8 + idt_bit + ext_bit));
    area = &fresh_area(call);
    area->guest.dr7 = 0x2400;
    guest_gate(vector::DB, interrupt_gate32);
    expect_exit("4.5/#DB cut short leaves DR7.GD", *area,
                cut_short(*area, exception_event(vector::DB), vector::NP, vector::DB * 8 + idt_bit + ext_bit));
    check_equal("4.1/inject_event is 0 after an entry", area->inject_event, 0);
    area = &fresh_area(call);
    area->inject_event = 0x7fffffff; // not valid
    expect_exit("4.5/inject_event with [31]=0 is nothing, and is cleared", *area, wanted(*area, Reason::V32CALL, 3));
}

void pending_trap_after_it() {
    ControlArea& area = fresh_area(call);
    area.inject_event = exception_event(vector::UD);
    area.guest.pending_debug = 0x4000;
    Wanted w = delivered(area, {.vector = vector::UD});
    w.reason = Reason::EXCEPTION;
    w.event = exception_event(vector::DB);
    w.qualification_value = 0x4000;
    w.length = 0;
    w.guest.pending_debug = 0;
    expect_exit("4.5/a pending trap follows at the handler's first boundary", area, w);
}

void a_task_gate() {
    ControlArea& area = fresh_area(call);
    guest_gdt[first_free_slot] = descriptor(scratch, sizeof(Tss32) - 1, present | tss32_available, 0);
    guest_idt[vector::UD] = gate(slot_selector(first_free_slot), 0, present | conformance::task_gate);
    area.inject_event = exception_event(vector::UD);
    Wanted w = wanted(area, Reason::TASK_SWITCH);
    w.qualification = u32{truering::v32::task_gate} | slot_selector(first_free_slot);
    w.vectoring_event = exception_event(vector::UD);
    expect_exit("4.5/an injected event through a task gate exits", area, w);
}

void step() {
    ControlArea& area = fresh_area(call);
    area.controls |= STEP_EXIT;
    area.inject_event = exception_event(vector::UD);
    Wanted w = delivered(area, {.vector = vector::UD});
    w.reason = Reason::STEP;
    w.length = 0;
    expect_exit("4.5/STEP_EXIT ends after the delivery", area, w);
}

// The injection belongs to the entry: what waits at the boundary comes at the handler's first.
void before_what_waits() {
    ControlArea* area = &fresh_area(call);
    area->controls = EXTINT_EXIT;
    area->guest.eflags |= IF;
    pend_external_interrupt();
    Wanted w = inject(*area, exception_event(vector::UD), {.vector = vector::UD});
    w.reason = Reason::EXTINT;
    w.event = an_event(event_external, external_vector);
    w.length = 0;
    expect_exit("4.5/injected before a waiting interrupt exits", *area, w);
    end_external_interrupt();

    area = &fresh_area(call);
    area->controls = WINDOW_EXIT;
    area->guest.sif = 1;
    guest_gate(vector::UD, present | trap_gate32);
    w = inject(*area, exception_event(vector::UD), {.vector = vector::UD});
    w.reason = Reason::IF_WINDOW;
    w.length = 0;
    w.guest.sif = 1;
    expect_exit("4.5/injected before the window exits", *area, w);

    area = &fresh_area(call);
    area->controls = WINDOW_EXIT;
    area->guest.sif = 1;
    w = inject(*area, an_event(event_external, some_vector), {.vector = some_vector});
    expect_exit("4.5/injected through an interrupt gate, the window is closed", *area, w);
}

} // namespace

void v32_tests() {
    external_interrupts();
    nmi();
    exceptions_of_all_modes();
    page_fault_and_debug();
    software_interrupts();
    gate_levels();
    vme();
    the_ext_bit();
    double_faults();
    double_faults_that_exit();
    page_faults_in_delivery();
    page_faults_reading_a_gate();
    cleared_whatever_happens();
    pending_trap_after_it();
    a_task_gate();
    step();
    before_what_waits();
}
