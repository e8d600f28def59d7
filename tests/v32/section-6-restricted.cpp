// Section 6: the rows of the table whose instructions have register operands or none. For each: it exits at the level
// where a bare processor would run it, always or by its control; what a bare processor refuses is the guest's fault;
// the order of the checks; and that an exit changes nothing.
#include "tests/v32/placed.hpp"

using namespace proof;

namespace {

enum class Who { ring_0, anyone, anyone_protected, ring_0_protected };

struct Row {
    const char* name;
    Bytes bytes;
    u32 controls;
    Who who;
    Reason reason;
    u32 qualification, value;
};

constexpr u32 eax = 0x11111111, ecx = 0x22222222, edx = 0x33333333, ebx = 0x44444444; // as fresh_area() sets them
constexpr u32 gpr(u32 number) { return number << operand_register_shift; }

const Row rows[] = {
    {"6/MOV to CR0", {0x0f, 0x22, 0xc0}, 0, Who::ring_0, Reason::CR_ACCESS, cr_MOV_to | 0, eax},
    {"6/MOV to CR3", {0x0f, 0x22, 0xd9}, 0, Who::ring_0, Reason::CR_ACCESS, cr_MOV_to | 3 | gpr(ECX), ecx},
    {"6/MOV to CR4", {0x0f, 0x22, 0xe2}, 0, Who::ring_0, Reason::CR_ACCESS, cr_MOV_to | 4 | gpr(EDX), edx},
    {"6/MOV from CR0", {0x0f, 0x20, 0xc3}, 0, Who::ring_0, Reason::CR_ACCESS, cr_MOV_from | 0 | gpr(EBX), 0},
    {"6/MOV from CR3", {0x0f, 0x20, 0xde}, 0, Who::ring_0, Reason::CR_ACCESS, cr_MOV_from | 3 | gpr(ESI), 0},
    {"6/MOV from CR4", {0x0f, 0x20, 0xe7}, 0, Who::ring_0, Reason::CR_ACCESS, cr_MOV_from | 4 | gpr(EDI), 0},
    {"6/CLTS", {0x0f, 0x06}, 0, Who::ring_0, Reason::CR_ACCESS, cr_CLTS, 0},
    {"6/LMSW", {0x0f, 0x01, 0xf1}, 0, Who::ring_0, Reason::CR_ACCESS, cr_LMSW | gpr(ECX), ecx & 0xffff},
    {"6/SMSW", {0x0f, 0x01, 0xe2}, 0, Who::anyone, Reason::CR_ACCESS, cr_SMSW | gpr(EDX), 0},
    {"6/RDMSR", {0x0f, 0x32}, 0, Who::ring_0, Reason::MSR_READ, 0, 0},
    {"6/WRMSR", {0x0f, 0x30}, 0, Who::ring_0, Reason::MSR_WRITE, 0, 0},
    {"6/CPUID", {0x0f, 0xa2}, 0, Who::anyone, Reason::CPUID, 0, 0},
    {"6/INVD", {0x0f, 0x08}, 0, Who::ring_0, Reason::CACHE, 0, 0},
    {"6/WBINVD", {0x0f, 0x09}, 0, Who::ring_0, Reason::CACHE, 0, 0},
    {"6/V32CALL", {0x0f, 0x04, 0xc1}, 0, Who::anyone, Reason::V32CALL, 0, 0},
    {"6/HLT with HLT_EXIT", {0xf4}, HLT_EXIT, Who::ring_0, Reason::HLT, 0, 0},
    {"6/RDTSC with RDTSC_EXIT", {0x0f, 0x31}, RDTSC_EXIT, Who::anyone, Reason::RDTSC, 0, 0},
    {"6/MOV to DR with DR_EXIT",
     {0x0f, 0x23, 0xd1},
     DR_EXIT,
     Who::ring_0,
     Reason::DR_ACCESS,
     cr_MOV_to | 2 | gpr(ECX),
     ecx},
    {"6/MOV from DR with DR_EXIT",
     {0x0f, 0x21, 0xdb},
     DR_EXIT,
     Who::ring_0,
     Reason::DR_ACCESS,
     cr_MOV_from | 3 | gpr(EBX),
     0},
    {"6/LLDT with DT_LOAD_EXIT",
     {0x0f, 0x00, 0xd1},
     DT_LOAD_EXIT,
     Who::ring_0_protected,
     Reason::DT_LOAD,
     dt_LDTR | gpr(ECX),
     ecx & 0xffff},
    {"6/LTR with DT_LOAD_EXIT",
     {0x0f, 0x00, 0xda},
     DT_LOAD_EXIT,
     Who::ring_0_protected,
     Reason::DT_LOAD,
     dt_TR | gpr(EDX),
     edx & 0xffff},
    {"6/SLDT with DT_STORE_EXIT",
     {0x0f, 0x00, 0xc3},
     DT_STORE_EXIT,
     Who::anyone_protected,
     Reason::DT_STORE,
     dt_LDTR | gpr(EBX),
     0},
    {"6/STR with DT_STORE_EXIT",
     {0x0f, 0x00, 0xce},
     DT_STORE_EXIT,
     Who::anyone_protected,
     Reason::DT_STORE,
     dt_TR | gpr(ESI),
     0},
};

bool needs_ring_0(const Row& row) { return row.who == Who::ring_0 || row.who == Who::ring_0_protected; }
bool needs_protected(const Row& row) { return row.who == Who::anyone_protected || row.who == Who::ring_0_protected; }

Wanted the_exit(ControlArea& area, const Row& row) {
    Wanted w = wanted(area, row.reason, row.bytes.length);
    w.qualification = row.qualification;
    w.qualification_value = row.value;
    return w;
}

ControlArea& with_controls(ControlArea& area, u32 controls) {
    area.controls |= controls;
    return area;
}

// --- Where it would succeed

void in_the_rings(const Row& row) {
    for (u32 ring = 0; ring < 4; ++ring) {
        const Code code = place(row.bytes);
        ControlArea* area = &with_controls(fresh_area(code, ring), row.controls);
        if (!needs_ring_0(row) || ring == 0) {
            give_all_events(*area);
            expect_exit(Name(row.name, ": exits where it would succeed"), *area, the_exit(*area, row));
            continue;
        }
        expect_exit(Name(row.name, ": CPL first: #GP(0), no exit of its own"), *area,
                    wanted_fault(*area, vector::GP, row.bytes.length, 0));
        area = &with_controls(fresh_area(code, ring), row.controls);
        give_event(*area, vector::GP);
        expect_exit(Name(row.name, ": CPL first: #GP(0) is the guest's own"), *area,
                    delivered(*area, {.vector = vector::GP, .error_code = 0, .more_flags = RF}));
    }
}

void in_other_modes(const Row& row) {
    ControlArea* area = &with_controls(fresh_v86(place(row.bytes)), row.controls);
    area->guest.eflags |= IOPL3; // is nothing to the check of CPL
    if (needs_protected(row))
        expect_exit(Name(row.name, ": V86 mode: #UD"), *area, wanted_fault(*area, vector::UD, row.bytes.length));
    else if (needs_ring_0(row))
        expect_exit(Name(row.name, ": V86 mode: #GP(0)"), *area, wanted_fault(*area, vector::GP, row.bytes.length, 0));
    else
        expect_exit(Name(row.name, ": V86 mode: exits"), *area, the_exit(*area, row));
    area = &with_controls(fresh_real(place(row.bytes)), row.controls);
    if (needs_protected(row))
        expect_exit(Name(row.name, ": PE=0: #UD"), *area, wanted_fault(*area, vector::UD, row.bytes.length));
    else
        expect_exit(Name(row.name, ": PE=0: exits"), *area, the_exit(*area, row));
}

// --- The encoding comes before all

void with_lock(const Row& row) {
    const Bytes locked = prefixed(0xf0, row.bytes);
    for (u32 ring : {0u, 3u}) {
        ControlArea& area = with_controls(fresh_area(place(locked), ring), row.controls);
        expect_exit(Name(row.name, ": LOCK first: #UD"), area, wanted_fault(area, vector::UD, locked.length));
    }
    ControlArea& v86 = with_controls(fresh_v86(place(locked)), row.controls);
    expect_exit(Name(row.name, ": LOCK first: #UD in V86 mode"), v86, wanted_fault(v86, vector::UD, locked.length));
}

void with_prefixes(const Row& row) {
    for (u32 prefix : {0x66u, 0x67u, 0xf2u, 0xf3u, 0x2eu, 0x65u}) {
        const Bytes longer = prefixed(prefix, row.bytes);
        ControlArea& area = with_controls(fresh_area(place(longer)), row.controls);
        Wanted w = the_exit(area, row);
        w.length = longer.length;
        expect_exit(Name(row.name, ": other prefixes change nothing but the length"), area, w);
    }
}

// --- Fault-like: nothing has changed, RF is saved as 0

void changes_nothing(const Row& row) {
    ControlArea* area = &with_controls(fresh_area(place(row.bytes)), row.controls);
    area->guest.eflags |= RF | TF | NT | AC | DF | OF | CF;
    Wanted w = the_exit(*area, row);
    w.guest.eflags &= ~RF;
    expect_exit(Name(row.name, ": fault-like: RF saved as 0, TF earns nothing"), *area, w);
    for (const u32 blocking : {u32{by_STI}, u32{by_MOV_SS}, u32{by_NMI}, u32{by_NMI | by_STI}}) {
        area = &with_controls(fresh_area(place(row.bytes)), row.controls);
        area->guest.interruptibility = blocking;
        expect_exit(Name(row.name, ": fault-like: interruptibility stays"), *area, the_exit(*area, row));
    }
    area = &with_controls(fresh_area(place(row.bytes)), row.controls | STEP_EXIT);
    expect_exit(Name(row.name, ": fault-like: STEP_EXIT has nothing to step over"), *area, the_exit(*area, row));
    area = &with_controls(fresh_area(place(row.bytes)), row.controls);
    area->guest.interruptibility = by_MOV_SS;
    area->guest.pending_debug = 0x4000;
    expect_exit(Name(row.name, ": fault-like: a debug trap held by MOV SS stays pending"), *area, the_exit(*area, row));
}

// --- Other controls than its own do nothing

void every_control_but_its_own(const Row& row) {
    if (!row.controls) return;
    const u32 others = controls_all & ~(IF_POLICY | WINDOW_EXIT | STEP_EXIT | row.controls);
    if (row.reason == Reason::HLT) return; // it would halt: section-6-without-control.cpp
    ControlArea& area = with_controls(fresh_area(place(row.bytes)), others);
    run(area);
    Check check(Name(row.name, ": no exit by another control"));
    check.that("it did not exit by its reason", area.exit.exit_reason != static_cast<u32>(row.reason));
}

// --- RDPMC, which CR4.PCE gives to all, and RDTSC, which CR4.TSD keeps from all but ring 0

struct ByCr4 {
    const char *exits, *refused, *refused_own;
    Bytes bytes;
    u32 controls, cr4_that_refuses, cr4_bit;
    Reason reason;
};

const ByCr4 by_cr4[] = {
    {"6/RDTSC exits with RDTSC_EXIT",
     "6/RDTSC with CR4.TSD: CPL first: #GP(0)",
     "6/RDTSC with CR4.TSD: the guest's own #GP(0)",
     {0x0f, 0x31},
     RDTSC_EXIT,
     TSD,
     TSD,
     Reason::RDTSC},
    {"6/RDPMC exits with RDPMC_EXIT",
     "6/RDPMC without CR4.PCE: CPL first: #GP(0)",
     "6/RDPMC without CR4.PCE: the guest's own #GP(0)",
     {0x0f, 0x33},
     RDPMC_EXIT,
     0,
     PCE,
     Reason::RDPMC},
};

void time_and_counters() {
    for (const ByCr4& c : by_cr4)
        for (const u32 cr4 : {0u, c.cr4_bit})
            for (u32 kind = 0; kind < 6; ++kind) { // rings, V86 mode, real mode
                const Code code = place(c.bytes);
                ControlArea& area = kind < 4 ? fresh_area(code, kind) : kind == 4 ? fresh_v86(code) : fresh_real(code);
                area.controls = c.controls;
                area.guest.cr4 |= cr4;
                const bool refused = cr4 == c.cr4_that_refuses && kind != 0 && kind != 5;
                expect_exit(refused ? c.refused : c.exits, area,
                            refused ? wanted_fault(area, vector::GP, 2, 0) : wanted(area, c.reason, 2));
                if (!refused || kind == 4) continue;
                ControlArea& own = fresh_area(code, kind);
                own.controls = c.controls;
                own.guest.cr4 |= cr4;
                give_event(own, vector::GP);
                expect_exit(c.refused_own, own,
                            delivered(own, {.vector = vector::GP, .error_code = 0, .more_flags = RF}));
            }
    const Bytes locked{0xf0, 0x0f, 0x33};
    ControlArea& area = with_controls(fresh_area(place(locked), 3), RDPMC_EXIT);
    expect_exit("6/RDPMC: LOCK comes before CR4.PCE: #UD", area, wanted_fault(area, vector::UD, 3));
}

// --- Operand values are not judged: they exit whatever they are

void operand_values() {
    for (const u32 number : {0u, 0x3200u, 0x3201u, 0xc0000080u, 0xdeadbeefu, 0xffffffffu}) {
        const Bytes rdmsr{0x0f, 0x32}, wrmsr{0x0f, 0x30}, rdpmc{0x0f, 0x33};
        ControlArea* area = &fresh_area(place(rdmsr));
        area->guest.gpr[ECX] = number;
        expect_exit("6/RDMSR: the number is not judged", *area, wanted(*area, Reason::MSR_READ, 2));
        area = &fresh_area(place(wrmsr));
        area->guest.gpr[ECX] = number;
        expect_exit("6/WRMSR: number and value are not judged", *area, wanted(*area, Reason::MSR_WRITE, 2));
        area = &with_controls(fresh_area(place(rdpmc)), RDPMC_EXIT);
        area->guest.gpr[ECX] = number;
        expect_exit("6/RDPMC: the index is not judged", *area, wanted(*area, Reason::RDPMC, 2));
    }
    for (const u32 value : {0u, 1u, 0x80000000u, 0x20000000u, 0xffffffffu})
        for (u32 cr : {0u, 3u, 4u}) {
            ControlArea& area = fresh_area(place({0x0f, 0x22, 0xc0 | cr << 3}));
            area.guest.gpr[EAX] = value;
            Wanted w = wanted(area, Reason::CR_ACCESS, 3);
            w.qualification = cr_MOV_to | cr;
            w.qualification_value = value;
            expect_exit("6/MOV to CR: the value is not judged", area, w);
        }
    for (const u32 selector : {0u, 4u, 0x50u, 0xfffcu, 0x12340048u}) {
        ControlArea* area = &with_controls(fresh_area(place({0x0f, 0x00, 0xd0})), DT_LOAD_EXIT);
        area->guest.gpr[EAX] = selector;
        Wanted w = wanted(*area, Reason::DT_LOAD, 3);
        w.qualification = dt_LDTR;
        w.qualification_value = selector & 0xffff;
        expect_exit("6/LLDT: the selector is not judged", *area, w);
        area = &with_controls(fresh_area(place({0x0f, 0x00, 0xd8})), DT_LOAD_EXIT);
        area->guest.gpr[EAX] = selector;
        w = wanted(*area, Reason::DT_LOAD, 3);
        w.qualification = dt_TR;
        w.qualification_value = selector & 0xffff;
        expect_exit("6/LTR: the selector is not judged", *area, w);
    }
}

} // namespace

void v32_tests() {
    for (const Row& row : rows) {
        in_the_rings(row);
        in_other_modes(row);
        with_lock(row);
        with_prefixes(row);
        changes_nothing(row);
        every_control_but_its_own(row);
    }
    time_and_counters();
    operand_values();
}
