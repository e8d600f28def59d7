// Section 6: task switches, from all four sources. They exit always, after the checks of selector, DPL, type, P and
// limit of the new TSS's descriptor, whose failure is the guest's fault; nothing of either task has changed.
#include "tests/v32/placed.hpp"

using namespace proof;

namespace {

constexpr u32 slot = first_free_slot, gate_slot = slot + 1, absent_slot = slot + 2;
constexpr u32 new_tss = scratch + 0x4000;
constexpr u32 ext_bit = 1, idt_bit = 2, ti_bit = 4;

u64 tss_descriptor(u32 type, u32 more_access = present, u32 limit = sizeof(Tss32) - 1) {
    return descriptor(new_tss, limit, type | more_access, 0);
}

// --- CALL and JMP, to a TSS or by a task gate

struct Source {
    const char* name;
    u32 qualification;
    bool by_gate;
    u32 opcode;
    u32 type; // that the TSS's descriptor must have
};
const Source sources[] = {
    {"6/CALL to a TSS: ", task_CALL, false, 0x9a, tss32_available},
    {"6/JMP to a TSS: ", task_JMP, false, 0xea, tss32_available},
    {"6/CALL by a task gate: ", task_CALL, true, 0x9a, tss32_available},
    {"6/JMP by a task gate: ", task_JMP, true, 0xea, tss32_available},
    {"6/IRET with NT: ", task_IRET, false, 0xcf, tss32_busy},
};
bool is_IRET(const Source& s) { return s.opcode == 0xcf; }

// The TSS's selector `to` is where the source finds it. The descriptor in `slot` is good; tests spoil it.
ControlArea& prepare(const Source& s, u32 ring = 0, u32 to = slot_selector(slot)) {
    const u32 far = s.by_gate ? slot_selector(gate_slot, ring) : to;
    const Bytes bytes = is_IRET(s) ? Bytes{0xcf} : Bytes{s.opcode, 0, 0, 0, 0, far & 0xff, far >> 8};
    ControlArea& area = fresh_area(place(bytes), ring);
    guest_gdt[slot] = tss_descriptor(s.type, present | dpl(s.by_gate ? 0 : ring));
    guest_gdt[gate_slot] = gate(static_cast<u16>(to), 0, present | conformance::task_gate | dpl(ring));
    if (is_IRET(s)) {
        area.guest.eflags |= NT;
        guest_tss.back_link = to;
    }
    return area;
}

u32 length_of(const Source& s) { return is_IRET(s) ? 1 : 7; }

Wanted task_switch(const ControlArea& area, const Source& s, u32 to = slot_selector(slot)) {
    Wanted w = wanted(area, Reason::TASK_SWITCH, length_of(s));
    w.qualification = s.qualification | to;
    return w;
}

void exits(const Source& s) {
    for (u32 ring : {0u, 3u}) {
        if (is_IRET(s) && ring) continue; // IRET of ring 3 with NT: below
        ControlArea& area = prepare(s, ring);
        const u64 before = guest_gdt[slot];
        const Tss32 tss_before = guest_tss;
        for (u32 i = 0; i < sizeof(Tss32); i += 4) word_at(new_tss + i) = 0xcccccccc;
        area.guest.eflags |= u32{RF} | TF;
        Wanted w = task_switch(area, s);
        w.guest.eflags &= ~RF;
        expect_exit(Name(s.name, "TASK_SWITCH"), area, w);
        check(Name(s.name, "TASK_SWITCH: the busy bits are as they were"), guest_gdt[slot] == before);
        bool same = true;
        for (u32 i = 0; i < sizeof(Tss32); ++i)
            same = same && byte_at(new_tss + i) == 0xcc &&
                   reinterpret_cast<const u8*>(&guest_tss)[i] == reinterpret_cast<const u8*>(&tss_before)[i];
        check(Name(s.name, "TASK_SWITCH: neither TSS is written"), same);
    }
    ControlArea* area = &prepare(s); // the new TSS itself is not looked at
    guest_page(new_tss) = 0;
    expect_exit(Name(s.name, "TASK_SWITCH: the page of the new TSS is not consulted"), *area, task_switch(*area, s));
    area = &prepare(s);
    guest_gdt[slot] = tss_descriptor(s.type, present, 103);
    expect_exit(Name(s.name, "TASK_SWITCH: the least limit of 32 bits"), *area, task_switch(*area, s));
    area = &prepare(s);
    guest_gdt[slot] = tss_descriptor(is_IRET(s) ? tss16_busy : tss16_available, present, 43);
    expect_exit(Name(s.name, "TASK_SWITCH: the least limit of 16 bits"), *area, task_switch(*area, s));
    for (const u32 blocking : {u32{by_STI}, u32{by_MOV_SS}, u32{by_NMI}}) {
        area = &prepare(s);
        area->guest.interruptibility = blocking;
        expect_exit(Name(s.name, "TASK_SWITCH: interruptibility stays"), *area, task_switch(*area, s));
    }
}

// --- The checks before it

void refused(const Source& s, const char* what, ControlArea& area, u32 vector, u32 error_code) {
    expect_exit(Name(s.name, what), area, wanted_fault(area, vector, length_of(s), error_code));
}

void checks(const Source& s) {
    const u32 sel = slot_selector(slot);
    const u32 bad = is_IRET(s) ? u32{vector::TS} : u32{vector::GP};
    ControlArea* area = &prepare(s, 0, sel | ti_bit);
    refused(s, "a selector of the LDT: first", *area, bad, sel | ti_bit);
    area = &prepare(s, 0, 0x208);
    refused(s, "a selector past the GDT's limit: first", *area, bad, 0x208);
    if (!s.by_gate && !is_IRET(s)) {
        area = &prepare(s, 0, 0);
        refused(s, "a null selector: first", *area, bad, 0);
    }
    for (const u32 type : {u32{ldt_type}, u32{interrupt_gate32}, u32{conformance::task_gate} | 8, u32{data_writable}}) {
        if (!s.by_gate && type == data_writable && !is_IRET(s) && s.opcode == 0x9a) continue; // #GP all the same
        area = &prepare(s);
        guest_gdt[slot] = tss_descriptor(type);
        refused(s, "the wrong type: first", *area, bad, sel);
    }
    area = &prepare(s);
    guest_gdt[slot] = tss_descriptor(is_IRET(s) ? tss32_available : tss32_busy);
    refused(s, "busy where it should not be, or the other way round: first", *area, bad, sel);
    area = &prepare(s);
    guest_gdt[slot] = tss_descriptor(s.type, 0);
    refused(s, "not present: #NP first", *area, vector::NP, sel);
    area = &prepare(s);
    guest_gdt[slot] = tss_descriptor(s.type, present, 102);
    refused(s, "the limit too small: #TS first", *area, vector::TS, sel);
    area = &prepare(s);
    guest_gdt[slot] = tss_descriptor(is_IRET(s) ? tss16_busy : tss16_available, present, 42);
    refused(s, "the limit of 16 bits too small: #TS first", *area, vector::TS, sel);
    area = &prepare(s);
    guest_gdt[slot] = tss_descriptor(s.type, 0);
    give_event(*area, vector::NP);
    expect_exit(Name(s.name, "what refuses it is the guest's own fault"), *area,
                delivered(*area, {.vector = vector::NP, .error_code = sel, .more_flags = RF}));
    area = &prepare(s);
    guest_page(address(guest_gdt)) = 0;
    Wanted w = wanted_fault(*area, vector::PF, length_of(s), 0);
    w.qualification_value = address(&guest_gdt[s.by_gate ? gate_slot : slot]);
    run(*area);
    const u32 at = area->exit.qualification_value; // either half of it
    if (at == w.qualification_value + 4) w.qualification_value = at;
    judge_exit(Name(s.name, "the GDT's page is absent: #PF first"), *area, w);
}

void levels(const Source& s) {
    if (is_IRET(s)) return;
    const u32 sel = s.by_gate ? slot_selector(gate_slot) : slot_selector(slot);
    for (u32 level = 0; level < 4; ++level) {
        ControlArea& area = prepare(s, 3);
        u64& checked = guest_gdt[s.by_gate ? gate_slot : slot];
        checked = (checked & ~(u64{0x60} << 40)) | u64{dpl(level)} << 40;
        if (level == 3)
            expect_exit(Name(s.name, "DPL lets ring 3 pass"), area, task_switch(area, s));
        else // the selector of prepare() has RPL 3 only with a gate
            refused(s, "DPL: #GP first", area, vector::GP, sel);
    }
    if (!s.by_gate) return;
    ControlArea* area = &prepare(s, 3); // the TSS's own DPL is 0
    expect_exit(Name(s.name, "the TSS's DPL is not checked"), *area, task_switch(*area, s));
    area = &prepare(s);
    guest_gdt[gate_slot] &= ~(u64{present} << 40);
    refused(s, "the gate is not present: #NP first", *area, vector::NP, slot_selector(gate_slot));
}

void by_memory() {
    for (const bool jump : {false, true}) {
        const Bytes bytes{0xff, jump ? 0x2b : 0x1b}; // FF /5, /3 [EBX]
        ControlArea& area = fresh_area(place(bytes));
        guest_gdt[slot] = tss_descriptor(tss32_available);
        area.guest.gpr[EBX] = scratch;
        word_at(scratch + 4) = slot_selector(slot);
        Wanted w = wanted(area, Reason::TASK_SWITCH, 2);
        w.qualification = (jump ? task_JMP : task_CALL) | slot_selector(slot);
        expect_exit(jump ? "6/JMP by a far pointer in memory: TASK_SWITCH"
                         : "6/CALL by a far pointer in memory: TASK_SWITCH",
                    area, w);
    }
}

// IRET looks at NT and at the back link at any CPL.
void iret_of_ring_3() {
    const Source& s = sources[4];
    ControlArea& area = prepare(s, 3);
    expect_exit("6/IRET with NT: of ring 3: TASK_SWITCH", area, task_switch(area, s));
}

// --- A gate in the IDT

struct GateEvent {
    const char* name;
    Bytes bytes;
    u32 vector, event, length, error_code, ext;
};
const GateEvent events[] = {
    {"6/task gate in the IDT, INT n: ", {0xcd, 0x60}, 0x60, an_event(event_INT, 0x60, length_bits(2)), 2, 0, 0},
    {"6/task gate in the IDT, INT3: ", {0xcc}, 3, an_event(event_INT3_INTO, 3, length_bits(1)), 1, 0, 0},
    {"6/task gate in the IDT, a fault: ", {0x0f, 0x0b}, 6, exception_event(6), 2, 0, ext_bit},
    {"6/task gate in the IDT, a fault with an error code: ",
     {0x8e, 0xd0},
     12,
     exception_event(12),
     2,
     slot_selector(absent_slot),
     ext_bit},
};
bool software(const GateEvent& e) { return !e.ext; }

ControlArea& prepare(const GateEvent& e, u32 ring = 0, u32 to = slot_selector(slot)) {
    ControlArea& area = fresh_area(place(e.bytes), ring);
    guest_gdt[slot] = tss_descriptor(tss32_available);
    guest_idt[e.vector] = gate(static_cast<u16>(to), 0, present | conformance::task_gate | dpl(ring));
    give_event(area, e.vector);
    give_software(area, e.vector);
    area.guest.gpr[EAX] = slot_selector(absent_slot, ring); // a stack that is not present: #SS
    guest_gdt[absent_slot] = descriptor(0, 0xfffff, segment | data_writable | dpl(ring), bits32 | pages);
    return area;
}

Wanted of_event(const ControlArea& area, const GateEvent& e, Reason reason) {
    Wanted w = wanted(area, reason, e.length);
    w.vectoring_event = e.event;
    w.vectoring_error_code = e.error_code;
    if (!software(e)) w.guest.eflags |= RF; // as the event would have pushed it
    return w;
}

void by_the_IDT(const GateEvent& e) {
    const u32 sel = slot_selector(slot);
    const auto exit = [&](const ControlArea& area) {
        Wanted w = of_event(area, e, Reason::TASK_SWITCH);
        w.qualification = u32{truering::v32::task_gate} | sel;
        return w;
    };
    const auto fault = [&](const char* what, const ControlArea& area, u32 vector, u32 code) {
        Wanted w = of_event(area, e, Reason::EXCEPTION);
        w.event = exception_event(vector);
        w.event_error_code = code;
        expect_exit(Name(e.name, what), const_cast<ControlArea&>(area), w);
    };
    for (u32 ring : {0u, 3u}) {
        ControlArea& area = prepare(e, ring);
        expect_exit(Name(e.name, "TASK_SWITCH, the event in vectoring_event"), area, exit(area));
        check(Name(e.name, "TASK_SWITCH: the busy bit is as it was"),
              guest_gdt[slot] == tss_descriptor(tss32_available));
    }
    ControlArea* area = &prepare(e, 0, sel | ti_bit);
    fault("a selector of the LDT: #GP first", *area, vector::GP, sel | ti_bit | e.ext);
    area = &prepare(e, 0, 0x208);
    fault("a selector past the GDT's limit: #GP first", *area, vector::GP, 0x208 | e.ext);
    area = &prepare(e);
    guest_gdt[slot] = tss_descriptor(tss32_busy);
    fault("a busy TSS: #GP first", *area, vector::GP, sel | e.ext);
    area = &prepare(e);
    guest_gdt[slot] = tss_descriptor(tss32_available, 0);
    fault("an absent TSS: #NP first", *area, vector::NP, sel | e.ext);
    area = &prepare(e);
    guest_gdt[slot] = tss_descriptor(tss32_available, present, 102);
    fault("the limit too small: #TS first", *area, vector::TS, sel | e.ext);
    area = &prepare(e);
    guest_idt[e.vector] &= ~(u64{present} << 40);
    fault("an absent gate: #NP first", *area, vector::NP, e.vector * 8 | idt_bit | e.ext);
    area = &prepare(e, 3);
    guest_idt[e.vector] &= ~(u64{dpl(3)} << 40);
    if (software(e))
        fault("the gate's DPL: #GP first", *area, vector::GP, e.vector * 8 | idt_bit);
    else
        expect_exit(Name(e.name, "the gate's DPL is not checked"), *area, exit(*area));
}

// --- Events that no instruction began

void external_interrupt() {
    for (u32 activity : {0u, 1u}) {
        ControlArea& area = fresh_area(place({0x90}));
        guest_gdt[slot] = tss_descriptor(tss32_available);
        guest_idt[external_vector] = gate(slot_selector(slot), 0, present | conformance::task_gate);
        give_event(area, external_vector);
        area.guest.eflags |= IF;
        area.guest.sif = 1;
        area.guest.activity = activity;
        pend_external_interrupt();
        Wanted w = wanted(area, Reason::TASK_SWITCH);
        w.qualification = u32{truering::v32::task_gate} | slot_selector(slot);
        w.vectoring_event = an_event(event_external, external_vector);
        expect_exit("6/task gate in the IDT, an external interrupt: TASK_SWITCH", area, w);
        check("6/task gate in the IDT, an external interrupt: acknowledged", external_interrupt_in_service());
        end_external_interrupt();
    }
}

void page_fault() {
    ControlArea& area = fresh_area(place({0x8b, 0x03}), 3); // MOV EAX, [EBX]
    guest_gdt[slot] = tss_descriptor(tss32_available);
    guest_idt[vector::PF] = gate(slot_selector(slot), 0, present | conformance::task_gate);
    give_event(area, vector::PF);
    area.guest.gpr[EBX] = 0x5000000;
    Wanted w = wanted(area, Reason::TASK_SWITCH, 2);
    w.qualification = u32{truering::v32::task_gate} | slot_selector(slot);
    w.vectoring_event = exception_event(vector::PF);
    w.vectoring_error_code = page_user;
    w.guest.cr2 = 0x5000000;
    w.guest.eflags |= RF;
    expect_exit("6/task gate in the IDT, #PF: TASK_SWITCH, CR2 is written", area, w);
}

void single_step() {
    ControlArea& area = fresh_area(place({0x90}));
    guest_gdt[slot] = tss_descriptor(tss32_available);
    guest_idt[vector::DB] = gate(slot_selector(slot), 0, present | conformance::task_gate);
    give_event(area, vector::DB);
    area.guest.eflags |= TF;
    Wanted w = wanted(area, Reason::TASK_SWITCH);
    w.qualification = u32{truering::v32::task_gate} | slot_selector(slot);
    w.vectoring_event = exception_event(vector::DB);
    w.guest.dr6 |= 0x4000;
    w.guest.eip += 1;
    expect_exit("6/task gate in the IDT, a debug trap: TASK_SWITCH, DR6 is written", area, w);
}

void double_fault() {
    ControlArea& area = fresh_area(place({0x8e, 0xd8}));
    area.guest.gpr[EAX] = 0x1110;
    give_all_events(area);
    guest_gdt[slot] = tss_descriptor(tss32_available);
    guest_idt[vector::GP] = 0;
    guest_idt[vector::DF] = gate(slot_selector(slot), 0, present | conformance::task_gate);
    Wanted w = wanted(area, Reason::TASK_SWITCH, 2);
    w.qualification = u32{truering::v32::task_gate} | slot_selector(slot);
    w.vectoring_event = exception_event(vector::DF);
    w.guest.eflags |= RF;
    expect_exit("6/task gate in the IDT, #DF: TASK_SWITCH", area, w);
}

} // namespace

void v32_tests() {
    for (const Source& s : sources) {
        exits(s);
        checks(s);
        levels(s);
    }
    by_memory();
    iret_of_ring_3();
    for (const GateEvent& e : events) by_the_IDT(e);
    external_interrupt();
    page_fault();
    single_step();
    double_fault();
}
