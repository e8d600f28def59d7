// Section 6: what a control could make exit and does not, runs: as on a bare processor, with the faults of its
// execution (paging, operands) the guest's. MOV DR: section-6-debug-registers.cpp; the ports: section-6-ports.cpp.
#include "tests/v32/policies.hpp"

using namespace proof;

namespace {

constexpr u32 operand = scratch + 0x100;
constexpr u32 slot = first_free_slot;

// --- RDTSC, RDPMC

u64 offset_of(const ControlArea& area) { return wide(area.tsc_offset); }

void rdtsc() {
    for (const u64 offset : {u64{0}, u64{0x1234'5678'9abc'def0}, ~u64{0} - 5})
        for (u32 ring : {0u, 3u}) {
            const Bytes bytes{0x0f, 0x31};
            ControlArea& area = fresh_area(place(bytes), ring);
            area.tsc_offset[0] = static_cast<u32>(offset);
            area.tsc_offset[1] = static_cast<u32>(offset >> 32);
            Wanted w = ran(area, bytes);
            const u64 before = time_stamp();
            run(area);
            const u64 seen = u64{area.guest.gpr[EDX]} << 32 | area.guest.gpr[EAX];
            w.guest.gpr[EAX] = area.guest.gpr[EAX];
            w.guest.gpr[EDX] = area.guest.gpr[EDX];
            judge_exit("6/RDTSC without RDTSC_EXIT runs", area, w);
            check("6/RDTSC without RDTSC_EXIT: TSC + offset",
                  seen - offset_of(area) > before && seen - offset_of(area) <= wide(area.exit.exit_tsc));
        }
    ControlArea& refused = fresh_area(place({0x0f, 0x31}), 3);
    refused.guest.cr4 |= TSD;
    expect_exit("6/RDTSC with CR4.TSD is the guest's #GP(0)", refused, wanted_fault(refused, vector::GP, 2, 0));
}

void rdpmc() {
    const Bytes bytes{0x0f, 0x33};
    ControlArea* area = &fresh_area(place(bytes));
    area->guest.gpr[ECX] = 0;
    run(*area);
    Wanted w = ran(*area, bytes);
    area = &fresh_area(place(bytes));
    area->guest.gpr[ECX] = 0;
    w = ran(*area, bytes);
    run(*area);
    w.guest.gpr[EAX] = area->guest.gpr[EAX];
    w.guest.gpr[EDX] = area->guest.gpr[EDX];
    judge_exit("6/RDPMC without RDPMC_EXIT runs", *area, w);
    area = &fresh_area(place(bytes));
    area->guest.gpr[ECX] = 0x1000;
    expect_exit("6/RDPMC without RDPMC_EXIT: a bad index is the guest's #GP(0)", *area,
                wanted_fault(*area, vector::GP, 2, 0));
}

// --- HLT

void hlt() {
    for (const Policy& policy : policies) {
        ControlArea& area = fresh_area(place({0xf4}));
        area.controls = WINDOW_EXIT; // sees the halt, in the shadow's wake
        set_interrupt_flag(area, policy, 1, 0);
        area.guest.interruptibility = by_STI;
        Wanted w = wanted(area, Reason::IF_WINDOW);
        w.guest.eip += 1;
        w.guest.activity = 1;
        w.guest.interruptibility = 0;
        expect_exit(Name("6/HLT without HLT_EXIT halts the guest, EIP behind it, ", policy.name), area, w);
    }
    ControlArea* area = &fresh_area(place({0xf4}));
    area->controls = STEP_EXIT;
    Wanted w = wanted(*area, Reason::STEP);
    w.guest.eip += 1;
    w.guest.activity = 1;
    expect_exit("6/HLT without HLT_EXIT: STEP_EXIT finds it halted", *area, w);
    area->controls = EXTINT_EXIT;
    area->guest.eflags |= IF;
    pend_external_interrupt();
    w = wanted(*area, Reason::EXTINT);
    w.event = an_event(event_external, external_vector);
    expect_exit("6/HLT: entry resumes the halt, an exit from it saves activity=1", *area, w);
    end_external_interrupt();
    area = &fresh_area(place({0xf4}));
    area->guest.eflags |= TF;
    w = wanted(*area, Reason::EXCEPTION);
    w.event = exception_event(vector::DB);
    w.qualification_value = 0x4000;
    w.guest.eip += 1;
    w.guest.activity = 1;
    run(*area);
    // The trap of HLT's own step comes at its end; whether the halt has begun by then is seen in `activity` alone.
    w.guest.activity = area->guest.activity;
    judge_exit("6/HLT without HLT_EXIT, single-stepped: the trap behind it", *area, w);
}

// --- INVLPG

void invlpg() {
    const Bytes bytes{0x8b, 0x03, 0x89, 0x2a, 0x0f,
                      0x01, 0x3b, 0x8b, 0x3b}; // MOV EAX,[EBX]; [EDX]=EBP; INVLPG; EDI=[EBX]
    ControlArea& area = fresh_area(place(bytes));
    constexpr u32 here = scratch + 0x1000, there = scratch + 0x2000;
    word_at(here) = 0x0ddba11;
    word_at(there) = 0x600dbee;
    area.guest.gpr[EBX] = here;
    area.guest.gpr[EDX] = address(&guest_page(here));
    area.guest.gpr[EBP] = there | page_present | page_writable | page_user;
    Wanted w = ran(area, bytes);
    w.guest.gpr[EAX] = 0x0ddba11;
    w.guest.gpr[EDI] = 0x600dbee;
    expect_exit("6/INVLPG without INVLPG_EXIT runs: the translation is dropped", area, w);
    ControlArea& refused = fresh_area(place({0x0f, 0x01, 0x3b}), 3);
    expect_exit("6/INVLPG without INVLPG_EXIT: CPL: the guest's #GP(0)", refused,
                wanted_fault(refused, vector::GP, 3, 0));
}

// --- LGDT, LIDT, LLDT, LTR

void load_tables() {
    word_at(operand) = 0x56781234;
    for (const bool idt : {false, true}) {
        const Bytes bytes{0x0f, 0x01, idt ? 0x1b : 0x13};
        ControlArea* area = &fresh_area(place(bytes));
        word_at(operand) = 0x5678'0fff;
        word_at(operand + 4) = 0x1234;
        area->guest.gpr[EBX] = operand;
        Wanted w = ran(*area, bytes);
        (idt ? w.guest.idtr : w.guest.gdtr) = {0x0fff, 0x12345678};
        expect_exit(idt ? "6/LIDT without DT_LOAD_EXIT runs" : "6/LGDT without DT_LOAD_EXIT runs", *area, w);
        area = &fresh_area(place(bytes));
        area->guest.gpr[EBX] = operand;
        guest_page(operand) = 0;
        w = wanted_fault(*area, vector::PF, 3, 0);
        w.qualification_value = operand;
        expect_exit(idt ? "6/LIDT without DT_LOAD_EXIT: paging is consulted: #PF"
                        : "6/LGDT without DT_LOAD_EXIT: paging is consulted: #PF",
                    *area, w);
    }
    const Bytes lldt{0x0f, 0x00, 0xd1}, ltr{0x0f, 0x00, 0xd9};
    ControlArea* area = &fresh_area(place(lldt));
    guest_gdt[slot] = descriptor(scratch, 0x77, present | ldt_type, 0);
    area->guest.gpr[ECX] = slot_selector(slot);
    Wanted w = ran(*area, lldt);
    set_segment(w.guest.segment[LDTR], slot_selector(slot), ldt_attributes, 0x77, scratch);
    expect_exit("6/LLDT without DT_LOAD_EXIT runs", *area, w);
    area = &fresh_area(place(lldt));
    area->guest.gpr[ECX] = data_selector(0);
    expect_exit("6/LLDT without DT_LOAD_EXIT: its operand is judged: #GP", *area,
                wanted_fault(*area, vector::GP, 3, data_selector(0)));
    area = &fresh_area(place(ltr));
    guest_gdt[slot] = descriptor(scratch, sizeof(Tss32) - 1, present | tss32_available, 0);
    area->guest.gpr[ECX] = slot_selector(slot);
    w = ran(*area, ltr);
    set_segment(w.guest.segment[TR], slot_selector(slot), busy_tss, sizeof(Tss32) - 1, scratch);
    expect_exit("6/LTR without DT_LOAD_EXIT runs", *area, w);
    check("6/LTR without DT_LOAD_EXIT: the descriptor is busy",
          guest_gdt[slot] == descriptor(scratch, sizeof(Tss32) - 1, present | tss32_busy, 0));
    area = &fresh_area(place(ltr));
    area->guest.gpr[ECX] = tss_selector; // busy
    expect_exit("6/LTR without DT_LOAD_EXIT: its operand is judged: #GP", *area,
                wanted_fault(*area, vector::GP, 3, tss_selector));
}

// --- SGDT, SIDT, SLDT, STR

void store_tables() {
    for (u32 ring : {0u, 3u}) {
        for (const bool idt : {false, true}) {
            const Bytes bytes{0x0f, 0x01, idt ? 0x0b : 0x03};
            ControlArea* area = &fresh_area(place(bytes), ring);
            area->guest.gpr[EBX] = operand;
            word_at(operand) = word_at(operand + 4) = 0xcccccccc;
            const TableRecord table = idt ? area->guest.idtr : area->guest.gdtr;
            const char* const name = idt ? "6/SIDT without DT_STORE_EXIT runs" : "6/SGDT without DT_STORE_EXIT runs";
            expect_exit(name, *area, ran(*area, bytes));
            check_equal(name, word_at(operand), (table.base << 16) | table.limit);
            check_equal(name, word_at(operand + 4), 0xcccc0000 | table.base >> 16);
            area = &fresh_area(place(bytes), ring);
            area->guest.gpr[EBX] = operand;
            guest_page(operand) = 0;
            Wanted w = wanted_fault(*area, vector::PF, 3, page_writable | (ring ? u32{page_user} : 0));
            w.qualification_value = operand;
            expect_exit(Name(name, ": paging is consulted: #PF"), *area, w);
        }
        for (const bool tr : {false, true}) {
            const Bytes bytes{0x0f, 0x00, tr ? 0x0b : 0x03}, to_register{0x0f, 0x00, tr ? 0xca : 0xc2};
            ControlArea* area = &fresh_area(place(bytes), ring);
            area->guest.gpr[EBX] = operand;
            set_segment(area->guest.segment[LDTR], 0x1238, ldt_attributes, 0x77, scratch);
            const u32 selector = tr ? u32{tss_selector} : 0x1238;
            word_at(operand) = 0xcccccccc;
            const char* const name = tr ? "6/STR without DT_STORE_EXIT runs" : "6/SLDT without DT_STORE_EXIT runs";
            expect_exit(name, *area, ran(*area, bytes));
            check_equal(name, word_at(operand), 0xcccc0000 | selector);
            area = &fresh_area(place(to_register), ring);
            set_segment(area->guest.segment[LDTR], 0x1238, ldt_attributes, 0x77, scratch);
            Wanted w = ran(*area, to_register);
            w.guest.gpr[EDX] = selector;
            expect_exit(name, *area, w);
        }
    }
}

} // namespace

void v32_tests() {
    rdtsc();
    rdpmc();
    hlt();
    invlpg();
    load_tables();
    store_tables();
}
