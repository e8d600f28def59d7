// Section 5: IRET as an attempt to modify IF: within a ring, to an outer one, to V86 mode, within V86 and real mode;
// and what becomes of blocking by NMI.
#include "tests/v32/policies.hpp"

using namespace proof;

namespace {

constexpr u32 target = placed_at + 0x100; // a V32CALL
constexpr u32 user_flags = CF | PF | AF | ZF | SF | DF | OF;
constexpr u32 outer_esp = scratch + 0x8000;

void place_target() { place({}, target); }

void put_frame(u32 at, u32 word_size, std::initializer_list<u32> words) {
    for (u32 word : words) {
        if (word_size == 4)
            word_at(at) = word;
        else
            word_at(at) = (word_at(at) & 0xffff0000) | (word & 0xffff);
        at += word_size;
    }
}

struct Return {
    Policy policy;
    u32 ring, iopl, to_ring;
    u32 visible, wanted_IF, physical;
};

ControlArea& prepare(const Return& r, u32 more_flags = 0) {
    ControlArea& area = fresh_area(place({0xcf}), r.ring);
    place_target();
    for (const SegmentRegister s : {ES, DS, FS, GS})
        set_segment(area.guest.segment[s], data_selector(r.to_ring), flat_data | dpl(r.to_ring), 0xffffffff, 0);
    area.guest.eflags |= r.iopl << 12;
    set_interrupt_flag(area, r.policy, r.visible, r.physical);
    put_frame(area.guest.gpr[ESP], 4,
              {target, code_selector(r.to_ring), always | user_flags | more_flags | (r.wanted_IF ? u32{IF} : 0),
               outer_esp, data_selector(r.to_ring)});
    return area;
}

// Where it has gone.
void arrive(Wanted& w, const Return& r) {
    w.guest.eip = target;
    w.guest.eflags |= user_flags;
    if (r.ring == 0) w.guest.eflags &= ~IOPL3;
    if (r.ring == r.to_ring) {
        w.guest.gpr[ESP] += 12;
        return;
    }
    w.guest.gpr[ESP] = outer_esp;
    w.guest.cpl = r.to_ring;
    set_segment(w.guest.segment[CS], code_selector(r.to_ring), flat_code | dpl(r.to_ring), 0xffffffff, 0);
    set_segment(w.guest.segment[SS], data_selector(r.to_ring), flat_data | dpl(r.to_ring), 0xffffffff, 0);
}

void one(const Return& r) {
    ControlArea& area = prepare(r);
    const bool may = r.ring <= r.iopl;
    const char* const where = r.ring == r.to_ring ? "5/IRET at the same level: " : "5/IRET to an outer level: ";
    if (is_trap(area) && may && r.wanted_IF != r.visible) {
        Wanted w = wanted_attempt(area, if_IRET, r.wanted_IF, 1);
        arrive(w, r);
        expect_exit(Name(where, r.policy.name, ", an attempt: completes, IF unmodified, IF_MODIFY"), area, w);
        return;
    }
    Wanted w = wanted(area, Reason::V32CALL, 3);
    arrive(w, r);
    if (may) change_visible(w, area, r.wanted_IF);
    expect_exit(may ? Name(where, r.policy.name, ", no exit") : Name(where, r.policy.name, ", CPL>IOPL: no attempt"),
                area, w);
}

void protected_mode() {
    for (const Policy& policy : policies)
        for (u32 ring = 0; ring < 4; ++ring)
            for (u32 to = ring; to < 4; ++to)
                for (u32 iopl = 0; iopl < 4; ++iopl)
                    for (u32 bits = 0; bits < 8; ++bits)
                        one({policy, ring, iopl, to, bits & 1, bits >> 1 & 1, bits >> 2});
}

void other_flags() {
    constexpr u32 ID = 1u << 21;
    const Return r{policies[0], 0, 0, 3, 1, 0, 1};
    ControlArea* area = &prepare(r, IOPL3 | NT | AC | ID | RF);
    Wanted w = wanted_attempt(*area, if_IRET, 0, 1);
    arrive(w, r);
    w.guest.eflags |= IOPL3 | NT | AC | ID | RF;
    expect_exit("5/TRAP: IRET's other flags are done: IOPL, NT, AC, ID, RF", *area, w);
    area = &prepare(r);
    area->guest.eflags |= TF;
    w = wanted_attempt(*area, if_IRET, 0, 1);
    arrive(w, r);
    w.guest.eflags &= ~TF;
    w.guest.pending_debug = 0x4000;
    expect_exit("5/TRAP: IRET's own single step stays pending", *area, w);
    area = &prepare(r, TF);
    w = wanted_attempt(*area, if_IRET, 0, 1);
    arrive(w, r);
    w.guest.eflags |= TF;
    expect_exit("5/TRAP: IRET that sets TF: nothing is pending yet", *area, w);

    area = &fresh_area(place({0x66, 0xcf})); // 16 bits: the frame of ring 0
    area->guest.sif = 1;
    area->guest.eflags |= AC;
    place({}, 0x50100);
    put_frame(area->guest.gpr[ESP], 2, {0x100, slot_selector(first_free_slot), always | CF});
    guest_gdt[first_free_slot] = descriptor(0x50000, 0xffff, present | code_readable | 1, bits32);
    w = wanted_attempt(*area, if_IRET, 0, 2);
    w.guest.eip = 0x100;
    w.guest.gpr[ESP] += 6;
    w.guest.eflags |= CF;
    set_segment(w.guest.segment[CS], slot_selector(first_free_slot), 0x49b, 0xffff, 0x50000);
    expect_exit("5/TRAP: IRET of 16 bits: an attempt", *area, w);
}

// --- To and within V86 mode

void to_v86() {
    for (const Policy& policy : policies)
        for (u32 visible : {0u, 1u})
            for (u32 wanted_IF : {0u, 1u}) {
                ControlArea& area = fresh_area(place({0xcf}));
                place({}, code_segment * 16 + 0x20);
                set_interrupt_flag(area, policy, visible, 0);
                put_frame(area.guest.gpr[ESP], 4,
                          {0x20, code_segment, always | VM | ZF | (wanted_IF ? u32{IF} : 0), 0x8000, stack_segment,
                           0x1000, 0x2000, 0x3000, 0x3800});
                const bool attempt = is_trap(area) && visible != wanted_IF;
                Wanted w = attempt ? wanted_attempt(area, if_IRET, wanted_IF, 1) : wanted(area, Reason::V32CALL, 3);
                w.guest.eflags |= VM | ZF;
                w.guest.cpl = 3;
                w.guest.eip = 0x20;
                w.guest.gpr[ESP] = 0x8000;
                const u32 selectors[6] = {0x1000, code_segment, stack_segment, 0x2000, 0x3000, 0x3800};
                for (u32 i = 0; i < 6; ++i)
                    set_segment(w.guest.segment[i], selectors[i], v86_segment, 0xffff, selectors[i] * 16);
                if (!attempt) change_visible(w, area, wanted_IF);
                expect_exit(Name("5/IRET to V86 mode: ", policy.name, attempt ? ", IF_MODIFY" : ", no exit"), area, w);
            }
}

void segmented() {
    for (const Policy& policy : policies)
        for (u32 kind = 0; kind < 5; ++kind) // V86 mode with IOPL 0 to 3, real mode
            for (u32 visible : {0u, 1u})
                for (u32 wanted_IF : {0u, 1u}) {
                    ControlArea& area = kind == 4 ? fresh_real(place({0xcf})) : fresh_v86(place({0xcf}));
                    place({}, code_segment * 16 + 0x20);
                    if (kind < 4) area.guest.eflags |= kind << 12;
                    set_interrupt_flag(area, policy, visible, 0);
                    put_frame(stack_segment * 16 + segmented_esp, 2,
                              {0x20, code_segment, always | ZF | (wanted_IF ? u32{IF} : 0)});
                    const char* const mode = kind == 4 ? "5/IRET in real mode: " : "5/IRET in V86 mode: ";
                    if (kind < 3) {
                        expect_exit(Name(mode, policy.name, ", IOPL<3: the guest's #GP(0)"), area,
                                    wanted_fault(area, vector::GP, 1, 0));
                        continue;
                    }
                    const bool attempt = is_trap(area) && visible != wanted_IF;
                    Wanted w = attempt ? wanted_attempt(area, if_IRET, wanted_IF, 1) : wanted(area, Reason::V32CALL, 3);
                    w.guest.eip = 0x20;
                    w.guest.gpr[ESP] = segmented_esp + 6;
                    w.guest.eflags |= ZF;
                    if (!attempt) change_visible(w, area, wanted_IF);
                    expect_exit(Name(mode, policy.name, attempt ? ", IF_MODIFY" : ", no exit"), area, w);
                }
}

// --- IRET that fails

void failing() {
    for (const Policy& policy : policies) {
        const Return r{policy, 0, 0, 0, 1, 0, 1};
        ControlArea* area = &prepare(r);
        word_at(area->guest.gpr[ESP] + 4) = 0;
        expect_exit(Name("5/IRET to a null selector: ", policy.name, ", #GP(0)"), *area,
                    wanted_fault(*area, vector::GP, 1, 0));
        area = &prepare(r);
        word_at(area->guest.gpr[ESP] + 4) = 0;
        give_event(*area, vector::GP);
        expect_exit(Name("5/IRET to a null selector: ", policy.name, ", the guest's own #GP(0)"), *area,
                    delivered(*area, {.vector = vector::GP, .error_code = 0, .more_flags = RF}));
        area = &prepare(r);
        area->guest.gpr[ESP] = scratch;
        guest_page(scratch) = 0;
        Wanted w = wanted_fault(*area, vector::PF, 1, 0);
        w.qualification_value = scratch;
        expect_exit(Name("5/IRET from an absent stack: ", policy.name, ", #PF"), *area, w);
        area = &fresh_area(place({0xf0, 0xcf}));
        expect_exit(Name("5/LOCK IRET: ", policy.name, ", #UD"), *area, wanted_fault(*area, vector::UD, 2));
    }
}

// --- Blocking by NMI

void blocking_by_NMI() {
    const Return attempt{policies[0], 0, 0, 0, 1, 0, 0}, none{policies[0], 0, 0, 0, 1, 1, 0};
    ControlArea* area = &prepare(attempt);
    area->guest.interruptibility = by_NMI;
    Wanted w = wanted_attempt(*area, if_IRET, 0, 1);
    arrive(w, attempt);
    w.guest.interruptibility = 0;
    expect_exit("5/an IRET that has completed (IF_MODIFY) has lifted the blocking by NMI", *area, w);
    area = &prepare(none);
    area->guest.interruptibility = by_NMI;
    w = wanted(*area, Reason::V32CALL, 3);
    arrive(w, none);
    w.guest.interruptibility = 0;
    expect_exit("5/an IRET that does not exit lifts the blocking by NMI", *area, w);

    area = &prepare(none);
    area->guest.interruptibility = by_NMI;
    word_at(area->guest.gpr[ESP] + 4) = 0;
    expect_exit("5/an IRET that exits with EXCEPTION leaves the blocking by NMI", *area,
                wanted_fault(*area, vector::GP, 1, 0));
    area = &prepare(none);
    area->guest.interruptibility = by_NMI;
    word_at(area->guest.gpr[ESP] + 4) = 0;
    give_event(*area, vector::GP);
    expect_exit("5/an IRET whose fault is the guest's lifts the blocking by NMI, as on a bare processor", *area,
                delivered(*area, {.vector = vector::GP, .error_code = 0, .more_flags = RF}));

    area = &prepare(none); // NT: back to another task
    area->guest.interruptibility = by_NMI;
    area->guest.eflags |= NT;
    guest_tss.back_link = slot_selector(first_free_slot);
    guest_gdt[first_free_slot] = descriptor(scratch, sizeof(Tss32) - 1, present | tss32_busy, 0);
    w = wanted(*area, Reason::TASK_SWITCH, 1);
    w.qualification = u32{task_IRET} | slot_selector(first_free_slot);
    expect_exit("5/an IRET that exits with TASK_SWITCH leaves the blocking by NMI", *area, w);
}

} // namespace

void v32_tests() {
    protected_mode();
    other_flags();
    to_v86();
    segmented();
    failing();
    blocking_by_NMI();
}
