// Sections 4.2 and 8: STEP_EXIT: after one guest instruction, one iteration of a REP, or one delivery. INS and OUTS:
// section-6-string-ports.cpp; what comes before STEP: section-8-priority.cpp.
#include "tests/v32/pending_nmi.hpp"
#include "tests/v32/policies.hpp"

using namespace proof;

namespace {

ControlArea& step(ControlArea& area) {
    area.controls |= STEP_EXIT;
    return area;
}

// Where a delivery arrives, before the handler's first instruction.
Wanted step_at_handler(const ControlArea& area, const Delivery& delivery) {
    Wanted w = delivered(area, delivery);
    w.reason = Reason::STEP;
    w.length = 0;
    return w;
}

// --- One instruction

void instructions() {
    struct {
        Bytes bytes;
        u32 advance;
    } const cases[] = {
        {{0x90}, 1},                   // NOP
        {{0xeb, 0x10}, 0x12},          // JMP
        {{0xeb, 0xfe}, 0},             // JMP to itself
        {{0x74, 0x10}, 2},             // JZ, not taken
        {{0x75, 0x10}, 0x12},          // JNZ, taken
        {{0x66, 0x66, 0x66, 0x90}, 4}, // prefixes are no instructions
    };
    for (const auto& c : cases) {
        const auto judge = [&](ControlArea& area) {
            Wanted w = wanted(area, Reason::STEP);
            w.guest.eip += c.advance;
            expect_exit("8/STEP_EXIT: STEP after one instruction", area, w);
        };
        for (u32 ring = 0; ring < 4; ++ring) judge(step(fresh_area(place(c.bytes), ring)));
        judge(step(fresh_v86(place(c.bytes))));
        judge(step(fresh_real(place(c.bytes))));
    }
    ControlArea& area = step(fresh_area(place({0x40, 0x40, 0x40, 0x40})));
    for (u32 i = 1; i <= 4; ++i) { // INC EAX
        Wanted w = wanted(area, Reason::STEP);
        w.guest.eip += 1;
        w.guest.gpr[EAX] += 1;
        run(area);
        w.guest.eflags = (area.guest.eflags & status_flags) | always;
        judge_exit("8/STEP_EXIT: one after the other", area, w);
    }
    check_equal("8/STEP_EXIT: exit_count counts them", area.exit.exit_count[0], 4);
}

void shadows() {
    ControlArea* area = &step(fresh_area(place({0x8e, 0xd2}))); // MOV SS, DX
    area->guest.gpr[EDX] = data_selector(0);
    Wanted w = wanted(*area, Reason::STEP);
    w.guest.eip += 2;
    w.guest.interruptibility = by_MOV_SS;
    expect_exit("8/STEP_EXIT: MOV SS does not hold it back; its blocking is saved", *area, w);
    area = &step(fresh_area(place({0x8e, 0xd2})));
    area->guest.gpr[EDX] = data_selector(0);
    area->guest.eflags |= TF;
    w = wanted(*area, Reason::STEP);
    w.guest.eip += 2;
    w.guest.interruptibility = by_MOV_SS;
    run(*area);
    // Whether MOV SS has a single step of its own to be held back or none at all is the processor's choice (SDM
    // vol. 3B, 17.3.1.4).
    check("8/STEP_EXIT: MOV SS with TF: held or none",
          area->guest.pending_debug == 0 || area->guest.pending_debug == 0x4000);
    w.guest.pending_debug = area->guest.pending_debug;
    judge_exit("8/STEP_EXIT: MOV SS with TF", *area, w);
    for (const Policy& policy : {policies[1], policies[2]}) {
        area = &step(fresh_area(place({0xfb})));
        set_interrupt_flag(*area, policy, 0, 0);
        w = wanted(*area, Reason::STEP);
        w.guest.eip += 1;
        change_visible(w, *area, 1);
        w.guest.interruptibility = by_STI;
        expect_exit(Name("8/STEP_EXIT: STI does not hold it back; its blocking is saved, ", policy.name), *area, w);
    }
    area = &step(fresh_area(place({0x90})));
    area->guest.interruptibility = by_STI | by_NMI;
    w = wanted(*area, Reason::STEP);
    w.guest.eip += 1;
    w.guest.interruptibility = by_NMI;
    expect_exit("8/STEP_EXIT: the shadow in which the guest was entered is over", *area, w);
}

// --- One iteration

void iterations() {
    struct {
        const char* name;
        Bytes bytes;
        bool esi, edi;
    } const cases[] = {
        {"8/STEP_EXIT: REP MOVS: after one iteration", {0xf3, 0xa4}, true, true},
        {"8/STEP_EXIT: REP STOS: after one iteration", {0xf3, 0xaa}, false, true},
        {"8/STEP_EXIT: REP LODS: after one iteration", {0xf3, 0xac}, true, false},
        {"8/STEP_EXIT: REPE CMPS: after one iteration", {0xf3, 0xa6}, true, true},
        {"8/STEP_EXIT: REPNE SCAS: after one iteration", {0xf2, 0xae}, false, true},
    };
    for (const auto& c : cases) {
        ControlArea& area = step(fresh_area(place(c.bytes)));
        area.guest.gpr[ESI] = scratch;
        area.guest.gpr[EDI] = scratch + 0x1000;
        for (u32 i = 0; i < 64; i += 4) word_at(scratch + i) = word_at(scratch + 0x1000 + i) = 0x77777777;
        area.guest.gpr[EAX] = 0x11111155;
        area.guest.gpr[ECX] = 5;
        for (u32 left = 5; left > 0; --left) {
            Wanted w = wanted(area, Reason::STEP);
            w.guest.gpr[ECX] -= 1;
            w.guest.gpr[ESI] += c.esi;
            w.guest.gpr[EDI] += c.edi;
            if (c.bytes.byte[1] == 0xac) w.guest.gpr[EAX] = 0x11111177;
            if (left == 1) w.guest.eip += 2;
            run(area);
            // RF between two iterations is as an interrupt there would push it; CMPS and SCAS write flags.
            w.guest.eflags = (area.guest.eflags & status_flags) | always | (left > 1 ? u32{RF} : 0);
            judge_exit(c.name, area, w);
        }
    }
    const Bytes stos{0xf3, 0xaa};
    ControlArea& area = step(fresh_area(place(stos)));
    area.guest.gpr[ECX] = 0;
    Wanted w = wanted(area, Reason::STEP);
    w.guest.eip += 2;
    expect_exit("8/STEP_EXIT: a REP of count 0 is one instruction", area, w);
}

// --- One delivery

void deliveries_of_instructions() {
    ControlArea* area = &step(fresh_area(place({0xcd, 0x60}), 3));
    give_software(*area, 0x60);
    guest_gate(0x60, present | interrupt_gate32 | dpl(3));
    expect_exit("8/STEP_EXIT: INT n with its delivery is one", *area,
                step_at_handler(*area, {.vector = 0x60, .eip_advance = 2}));
    area = &step(fresh_area(place({0x0f, 0x0b}), 3));
    give_event(*area, vector::UD);
    expect_exit("8/STEP_EXIT: a fault's delivery", *area,
                step_at_handler(*area, {.vector = vector::UD, .more_flags = RF}));
    area = &step(fresh_area(place({0x0f, 0x0b}), 3));
    give_event(*area, vector::UD);
    give_event(*area, vector::NP);
    guest_gate(vector::UD, interrupt_gate32);
    expect_exit("8/STEP_EXIT: a fault and the fault of its delivery: the delivery that succeeds", *area,
                step_at_handler(*area, {.vector = vector::NP, .error_code = vector::UD * 8 + 3, .more_flags = RF}));
    area = &step(fresh_area(place({0x8e, 0xd8}), 3));
    area->guest.gpr[EAX] = 0x1110;
    give_all_events(*area);
    guest_gate(vector::GP, interrupt_gate32);
    expect_exit("8/STEP_EXIT: #DF's delivery", *area,
                step_at_handler(*area, {.vector = vector::DF, .error_code = 0, .more_flags = RF}));
    area = &step(fresh_real(place({0xcd, 0x60})));
    give_software(*area, 0x60);
    expect_exit("8/STEP_EXIT: INT n in real mode is one", *area,
                step_at_handler(*area, {.vector = 0x60, .eip_advance = 2}));
    area = &step(fresh_area(place({0x0f, 0x0b})));
    give_event(*area, vector::UD);
    area->guest.eflags |= TF;
    expect_exit("8/STEP_EXIT: a fault's delivery with TF: no step is earned", *area,
                step_at_handler(*area, {.vector = vector::UD, .more_flags = RF}));
}

void deliveries_at_entry() {
    ControlArea* area = &step(fresh_area(place({0x90})));
    set_interrupt_flag(*area, policies[1], 1, 1);
    give_event(*area, external_vector);
    pend_external_interrupt();
    expect_exit("8/STEP_EXIT: an external interrupt's delivery, before any instruction", *area,
                step_at_handler(*area, {.vector = external_vector}));
    end_external_interrupt();
    area = &step(fresh_area(place({0x90})));
    area->guest.pending_debug = 0x4000;
    give_event(*area, vector::DB);
    Wanted w = step_at_handler(*area, {.vector = vector::DB});
    w.guest.pending_debug = 0;
    w.guest.dr6 |= 0x4000;
    expect_exit("8/STEP_EXIT: a debug trap's delivery, before any instruction", *area, w);
    area = &step(fresh_area(place({0x90}), 3));
    area->inject_event = an_event(event_NMI, 2);
    expect_exit("8/STEP_EXIT: an injected event's delivery, before any instruction", *area,
                step_at_handler(*area, {.vector = vector::NMI, .blocked = by_NMI}));
    area = &step(fresh_area(place({0x90}), 3));
    give_event(*area, vector::NMI);
    w = step_at_handler(*area, {.vector = vector::NMI, .blocked = by_NMI});
    run_with_nmi(*area);
    Check check("8/STEP_EXIT: an NMI's delivery, before any instruction");
    check.equal("exit_reason", area->exit.exit_reason, static_cast<u32>(Reason::STEP));
    check.equal("EIP", area->guest.eip, w.guest.eip);
    check.equal("ESP", area->guest.gpr[ESP], w.guest.gpr[ESP]);
    check.equal("interruptibility", area->guest.interruptibility, by_NMI);
    check.equal("another NMI", nmi_waits_in_root(), 0);
}

// What exits before an instruction completes or an event is delivered is no step.
void exits_instead() {
    ControlArea* area = &step(fresh_area(place({0x0f, 0xa2})));
    expect_exit("8/STEP_EXIT: an instruction that exits: its own reason", *area, wanted(*area, Reason::CPUID, 2));
    area = &step(fresh_area(place({0x0f, 0x0b})));
    expect_exit("8/STEP_EXIT: a fault that exits: its own reason", *area, wanted_fault(*area, vector::UD, 2));
    area = &step(fresh_area(place({0x90})));
    area->controls |= WINDOW_EXIT;
    area->guest.sif = 1;
    expect_exit("8/STEP_EXIT: IF_WINDOW at entry: nothing has been stepped", *area, wanted(*area, Reason::IF_WINDOW));
    area = &step(fresh_area(place({0x90})));
    area->guest.pending_debug = 0x4000;
    Wanted w = wanted(*area, Reason::EXCEPTION);
    w.event = exception_event(vector::DB);
    w.qualification_value = 0x4000;
    w.guest.pending_debug = 0;
    expect_exit("8/STEP_EXIT: a debug trap that exits at entry: nothing has been stepped", *area, w);
}

} // namespace

void v32_tests() {
    enable_local_apic();
    instructions();
    shadows();
    iterations();
    deliveries_of_instructions();
    deliveries_at_entry();
    exits_instead();
}
