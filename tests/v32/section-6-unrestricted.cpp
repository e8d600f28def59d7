// Section 6, "Not restricted": what acts on the guest's own state at its own level runs without an exit, even with
// every control set, nothing redirected and no I/O bitmap. SYSENTER and SYSEXIT: section-5-visible.cpp; IRET:
// section-5-returns.cpp; HLT without HLT_EXIT: section-6-without-control.cpp.
#include "tests/v32/placed.hpp"

using namespace proof;

namespace {

constexpr u32 everything =
    EXTINT_EXIT | HLT_EXIT | INVLPG_EXIT | RDTSC_EXIT | RDPMC_EXIT | DR_EXIT | DT_LOAD_EXIT | DT_STORE_EXIT;
constexpr u32 slot = first_free_slot;

ControlArea& guest(const Bytes& bytes, u32 ring = 0) {
    ControlArea& area = fresh_area(place(bytes), ring);
    area.controls = everything;
    return area;
}

void register_cr2() {
    const Bytes to{0x0f, 0x22, 0xd0}, from{0x0f, 0x20, 0xd1};
    ControlArea* area = &guest(to);
    Wanted w = ran(*area, to);
    w.guest.cr2 = area->guest.gpr[EAX];
    expect_exit("6/unrestricted: MOV to CR2", *area, w);
    area = &guest(from);
    w = ran(*area, from);
    w.guest.gpr[ECX] = area->guest.cr2;
    expect_exit("6/unrestricted: MOV from CR2", *area, w);
    area = &guest(to, 3);
    expect_exit("6/unrestricted: MOV to CR2 in ring 3 is the guest's #GP(0)", *area,
                wanted_fault(*area, vector::GP, 3, 0));
    for (u32 cr : {1u, 5u, 6u, 7u}) {
        area = &guest({0x0f, 0x22, 0xc0 | cr << 3});
        expect_exit("6/MOV to CR1, CR5..7: #UD", *area, wanted_fault(*area, vector::UD, 3));
        area = &guest({0x0f, 0x20, 0xc0 | cr << 3}, 3);
        expect_exit("6/MOV from CR1, CR5..7: #UD before CPL", *area, wanted_fault(*area, vector::UD, 3));
    }
}

// --- Segment registers

constexpr SegmentRegister loadable[] = {ES, SS, DS, FS, GS};

void segment_loads() {
    for (u32 ring : {0u, 3u})
        for (const SegmentRegister s : loadable) {
            const Bytes mov{0x8e, 0xc0 | u32{s} << 3 | EAX};
            ControlArea& area = guest(mov, ring);
            guest_gdt[slot] = descriptor(scratch, 0x1234, present | data_writable | 1 | dpl(ring), bits32);
            area.guest.gpr[EAX] = slot_selector(slot, ring);
            Wanted w = ran(area, mov);
            set_segment(w.guest.segment[s], slot_selector(slot, ring), 0x493u | dpl(ring), 0x1234, scratch);
            if (s == SS) w.guest.interruptibility = by_MOV_SS; // V32CALL is in its shadow
            expect_exit("6/unrestricted: MOV to a segment register", area, w);
        }
    struct {
        Bytes bytes;
        SegmentRegister s;
    } const pops[] = {{{0x07}, ES}, {{0x17}, SS}, {{0x1f}, DS}, {{0x0f, 0xa1}, FS}, {{0x0f, 0xa9}, GS}};
    for (const auto& p : pops) {
        ControlArea& area = guest(p.bytes);
        guest_gdt[slot] = descriptor(0, 0xfffff, present | data_writable | 1, bits32 | pages);
        word_at(area.guest.gpr[ESP]) = slot_selector(slot);
        Wanted w = ran(area, p.bytes);
        set_segment(w.guest.segment[p.s], slot_selector(slot), flat_data, 0xffffffff, 0);
        w.guest.gpr[ESP] += 4;
        if (p.s == SS) w.guest.interruptibility = by_MOV_SS;
        expect_exit("6/unrestricted: POP of a segment register", area, w);
    }
    struct {
        Bytes bytes;
        SegmentRegister s;
    } const pushes[] = {{{0x06}, ES}, {{0x0e}, CS}, {{0x16}, SS}, {{0x1e}, DS}, {{0x0f, 0xa0}, FS}, {{0x0f, 0xa8}, GS}};
    for (const auto& p : pushes) {
        ControlArea& area = guest(p.bytes, 3);
        Wanted w = ran(area, p.bytes);
        w.guest.gpr[ESP] -= 4;
        w.frame_bytes = w.frame_word_size = 2;
        w.frame[0] = area.guest.segment[p.s].selector;
        expect_exit("6/unrestricted: PUSH of a segment register", area, w);
    }
    const Bytes lds{0xc5, 0x03};
    ControlArea& area = guest(lds);
    area.guest.gpr[EBX] = scratch;
    word_at(scratch) = 0x12345678;
    word_at(scratch + 4) = 0;
    Wanted w = ran(area, lds);
    w.guest.gpr[EAX] = 0x12345678;
    set_segment(w.guest.segment[DS], 0, unusable, 0, 0);
    expect_exit("6/unrestricted: LDS", area, w);
}

// --- Looking at descriptors

void descriptor_tests() {
    struct {
        const char* name;
        Bytes bytes;
        u32 eax;
    } const cases[] = {
        {"6/unrestricted: LAR", {0x0f, 0x02, 0xc1}, 0x00cff300},
        {"6/unrestricted: LSL", {0x0f, 0x03, 0xc1}, 0xffffffff},
        {"6/unrestricted: VERR", {0x0f, 0x00, 0xe1}, 0x11111111},
        {"6/unrestricted: VERW", {0x0f, 0x00, 0xe9}, 0x11111111},
    };
    for (u32 ring : {0u, 3u})
        for (const auto& c : cases) {
            ControlArea& area = guest(c.bytes, ring);
            area.guest.gpr[ECX] = data_selector(3);
            Wanted w = ran(area, c.bytes);
            w.guest.gpr[EAX] = c.eax;
            w.guest.eflags |= ZF;
            expect_exit(c.name, area, w);
        }
    const Bytes arpl{0x63, 0xc8}; // ARPL AX, CX
    ControlArea& area = guest(arpl, 3);
    area.guest.gpr[EAX] = 0x10;
    area.guest.gpr[ECX] = 0x1b;
    Wanted w = ran(area, arpl);
    w.guest.gpr[EAX] = 0x13;
    w.guest.eflags |= ZF;
    expect_exit("6/unrestricted: ARPL", area, w);
}

// --- Far transfers

void enter_code(Wanted& w, u32 ring, u32 eip) {
    set_segment(w.guest.segment[CS], code_selector(ring), flat_code | dpl(ring), 0xffffffff, 0);
    w.guest.eip = eip;
    w.guest.cpl = ring;
}

void far_transfers() {
    const u32 target = guest_handler(0x99);
    const Bytes jmp{0xea, target, target >> 8, target >> 16, target >> 24, code_selector(0), 0};
    ControlArea* area = &guest(jmp);
    Wanted w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip = target;
    expect_exit("6/unrestricted: JMP far", *area, w);
    const Bytes call{0x9a, target, target >> 8, target >> 16, target >> 24, code_selector(0), 0};
    area = &guest(call);
    w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip = target;
    w.guest.gpr[ESP] -= 8;
    w.frame_word_size = 4;
    w.frame_bytes = 8;
    w.frame[0] = area->guest.eip + 7;
    w.frame[1] = code_selector(0);
    expect_exit("6/unrestricted: CALL far", *area, w);

    const Bytes retf{0xcb};
    for (u32 ring = 0; ring < 3; ++ring)
        for (u32 to = ring + 1; to < 4; ++to) {
            area = &guest(retf, ring);
            for (const SegmentRegister s : {ES, DS, FS, GS})
                set_segment(area->guest.segment[s], data_selector(3), flat_data | dpl(3), 0xffffffff, 0);
            const u32 esp = area->guest.gpr[ESP];
            word_at(esp) = target;
            word_at(esp + 4) = code_selector(to);
            word_at(esp + 8) = scratch + 0x1000;
            word_at(esp + 12) = data_selector(to);
            w = wanted(*area, Reason::V32CALL, 3);
            enter_code(w, to, target);
            set_segment(w.guest.segment[SS], data_selector(to), flat_data | dpl(to), 0xffffffff, 0);
            w.guest.gpr[ESP] = scratch + 0x1000;
            expect_exit("6/unrestricted: RET far to an outer ring", *area, w);
        }
}

void call_gates() {
    const u32 target = guest_handler(0x9a);
    const Bytes call{0x9a, 0, 0, 0, 0, slot_selector(slot, 3) & 0xff, 0};
    for (u32 ring : {0u, 3u}) {
        ControlArea& area = guest(call, ring);
        guest_gdt[slot] = gate(code_selector(0), target, present | call_gate32 | dpl(3), ring ? 2 : 0);
        word_at(area.guest.gpr[ESP]) = 0x11;
        word_at(area.guest.gpr[ESP] + 4) = 0x22;
        Wanted w = wanted(area, Reason::V32CALL, 3);
        w.frame_word_size = 4;
        w.frame[0] = area.guest.eip + 7;
        w.frame[1] = area.guest.segment[CS].selector;
        w.frame_bytes = 8;
        if (ring) {
            w.frame[2] = 0x11; // two parameters
            w.frame[3] = 0x22;
            w.frame[4] = area.guest.gpr[ESP];
            w.frame[5] = area.guest.segment[SS].selector;
            w.frame_bytes = 24;
            set_segment(w.guest.segment[SS], data_selector(0), flat_data, 0xffffffff, 0);
            w.guest.gpr[ESP] = guest_inner_stack_top();
        }
        w.guest.gpr[ESP] -= w.frame_bytes;
        enter_code(w, 0, target);
        expect_exit("6/unrestricted: CALL by a call gate, to the same and to an inner ring", area, w);
    }
    const Bytes jmp{0xea, 0, 0, 0, 0, slot_selector(slot), 0};
    ControlArea& area = guest(jmp);
    guest_gdt[slot] = gate(code_selector(0), target, present | call_gate32);
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.guest.eip = target;
    expect_exit("6/unrestricted: JMP by a call gate", area, w);
}

// --- V86 mode

void v86() {
    const Bytes bytes{0x8e, 0xd8, 0xa1, 0x10, 0x00}; // MOV DS, AX; MOV AX, [10H]
    ControlArea& area = fresh_v86(place(bytes));
    area.controls = everything;
    area.guest.gpr[EAX] = 0x3800;
    word_at(0x38010) = 0x2468;
    Wanted w = ran(area, bytes);
    w.guest.gpr[EAX] = 0x2468;
    set_segment(w.guest.segment[DS], 0x3800, v86_segment, 0xffff, 0x38000);
    expect_exit("6/unrestricted: V86 mode runs", area, w);
}

// --- What looks like state but is the program's own: nothing of it exits

void others() {
    struct {
        const char* name;
        Bytes bytes;
    } const cases[] = {
        {"6/unrestricted: CLC, STC, CLD, CMC", {0xf8, 0xf9, 0xfc, 0xf5}},
        {"6/unrestricted: WAIT", {0x9b}},
        {"6/unrestricted: NOP with prefixes", {0x66, 0x90}},
        {"6/unrestricted: PUSH, POP", {0x50, 0x58}},
    };
    for (u32 ring : {0u, 3u})
        for (const auto& c : cases) {
            ControlArea& area = guest(c.bytes, ring);
            expect_exit(c.name, area, ran(area, c.bytes));
        }
}

} // namespace

void v32_tests() {
    register_cr2();
    segment_loads();
    descriptor_tests();
    far_transfers();
    call_gates();
    v86();
    others();
}
