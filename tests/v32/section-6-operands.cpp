// Section 6: restricted operations with memory operands. The segment check of the operand belongs to what a bare
// processor refuses and comes before the exit; paging and alignment come after it and are the VMM's: an operand whose
// page is absent exits with its linear address. INVLPG has no segment check.
#include "tests/v32/placed.hpp"

using namespace proof;

namespace {

constexpr u32 operand = scratch + 0x2345; // unaligned: #AC is not this step's either

struct Row {
    const char* name;
    u32 opcode, reg; // 0F opcode /reg
    u32 controls;
    bool ring_0;
    bool writes;
    u32 size; // bytes of the operand
    Reason reason;
    u32 qualification;
};

const Row rows[] = {
    {"6/SGDT with DT_STORE_EXIT", 1, 0, DT_STORE_EXIT, false, true, 6, Reason::DT_STORE, dt_GDTR},
    {"6/SIDT with DT_STORE_EXIT", 1, 1, DT_STORE_EXIT, false, true, 6, Reason::DT_STORE, dt_IDTR},
    {"6/SLDT with DT_STORE_EXIT", 0, 0, DT_STORE_EXIT, false, true, 2, Reason::DT_STORE, dt_LDTR},
    {"6/STR with DT_STORE_EXIT", 0, 1, DT_STORE_EXIT, false, true, 2, Reason::DT_STORE, dt_TR},
    {"6/LGDT with DT_LOAD_EXIT", 1, 2, DT_LOAD_EXIT, true, false, 6, Reason::DT_LOAD, dt_GDTR},
    {"6/LIDT with DT_LOAD_EXIT", 1, 3, DT_LOAD_EXIT, true, false, 6, Reason::DT_LOAD, dt_IDTR},
    {"6/LLDT with DT_LOAD_EXIT", 0, 2, DT_LOAD_EXIT, true, false, 2, Reason::DT_LOAD, dt_LDTR},
    {"6/LTR with DT_LOAD_EXIT", 0, 3, DT_LOAD_EXIT, true, false, 2, Reason::DT_LOAD, dt_TR},
    {"6/SMSW", 1, 4, 0, false, true, 2, Reason::CR_ACCESS, cr_SMSW},
    {"6/LMSW", 1, 6, 0, true, false, 2, Reason::CR_ACCESS, cr_LMSW},
};

enum BaseRegister : u32 { by_EBX = 3, by_EBP_8 = 0x45 }; // ModRM without reg; the second takes a byte of displacement

Bytes bytes_of(const Row& row) { return {0x0f, row.opcode, row.reg << 3 | by_EBX}; }
Bytes bytes_by_EBP(const Row& row) { return {0x0f, row.opcode, row.reg << 3 | by_EBP_8, 0}; }

ControlArea& prepare(const Row& row, const Bytes& bytes, u32 ring = 0) {
    ControlArea& area = fresh_area(place(bytes), ring);
    area.controls = row.controls;
    area.guest.gpr[EBX] = area.guest.gpr[EBP] = operand;
    return area;
}

Wanted the_exit(const ControlArea& area, const Row& row, const Bytes& bytes, u32 linear = operand) {
    Wanted w = wanted(area, row.reason, bytes.length);
    w.qualification = row.qualification | operand_in_memory;
    w.qualification_value = linear;
    return w;
}

// --- What comes later than the exit

void paging_is_the_VMMs(const Row& row) {
    const Bytes bytes = bytes_of(row);
    for (u32 ring : {0u, 3u}) {
        if (ring && row.ring_0) continue;
        for (const u32 page : {0u, operand | page_present, operand | page_present | page_user}) {
            ControlArea& area = prepare(row, bytes, ring);
            area.guest.cr0 |= WP;
            guest_page(operand) = page & ~0xf00u;
            expect_exit(Name(row.name, ": its page is not consulted"), area, the_exit(area, row, bytes));
        }
        ControlArea& area = prepare(row, bytes, ring);
        area.guest.gpr[EBX] = 0xf0001000; // nothing is mapped there
        expect_exit(Name(row.name, ": an address without a page table"), area, the_exit(area, row, bytes, 0xf0001000));
    }
    if (row.ring_0) return;
    ControlArea& area = prepare(row, bytes, 3);
    area.guest.cr0 |= AM;
    area.guest.eflags |= AC;
    expect_exit(Name(row.name, ": alignment is not judged"), area, the_exit(area, row, bytes));
}

void contents_are_not_judged(const Row& row) {
    const Bytes bytes = bytes_of(row);
    for (const u32 content : {0u, 0xffffffffu}) {
        ControlArea& area = prepare(row, bytes);
        word_at(operand) = word_at(operand + 4) = content;
        expect_exit(Name(row.name, ": the operand is not judged"), area, the_exit(area, row, bytes));
        check_equal(Name(row.name, ": nor written"), word_at(operand), content);
    }
}

// --- The segment check

void limits(const Row& row) {
    const Bytes bytes = prefixed(0x64, bytes_of(row)); // FS
    constexpr u32 base = scratch + 0x10000, offset = 0x100;
    for (u32 beyond : {0u, 1u}) {
        ControlArea& area = prepare(row, bytes);
        area.guest.gpr[EBX] = offset;
        set_segment(area.guest.segment[FS], data_selector(0), flat_data, offset + row.size - 1 - beyond, base);
        if (beyond)
            expect_exit(Name(row.name, ": past the limit: #GP(0) first"), area,
                        wanted_fault(area, vector::GP, bytes.length, 0));
        else
            expect_exit(Name(row.name, ": by base and limit of its segment"), area,
                        the_exit(area, row, bytes, base + offset));
    }
    const Bytes stack = bytes_by_EBP(row);
    ControlArea* area = &prepare(row, stack);
    expect_exit(Name(row.name, ": by SS"), *area, the_exit(*area, row, stack));
    area = &prepare(row, stack);
    area->guest.segment[SS].limit = operand + row.size - 2;
    area->guest.segment[SS].attributes = 0x493;
    expect_exit(Name(row.name, ": past the limit of SS: #SS(0) first"), *area,
                wanted_fault(*area, vector::SS, stack.length, 0));
    area = &prepare(row, bytes);
    area->guest.gpr[EBX] = 0x20;
    set_segment(area->guest.segment[FS], data_selector(0), 0xC97, 0x1f, base); // expand-down: above its limit
    expect_exit(Name(row.name, ": above the limit of an expand-down segment"), *area,
                the_exit(*area, row, bytes, base + 0x20));
    area->guest.gpr[EBX] = 0x1f;
    expect_exit(Name(row.name, ": below an expand-down segment: #GP(0) first"), *area,
                wanted_fault(*area, vector::GP, bytes.length, 0));
}

void kinds_of_segments(const Row& row) {
    const Bytes bytes = bytes_of(row);
    struct {
        const char* what;
        u32 attributes;
        bool refuses;
    } const kinds[] = {
        {": a null segment: #GP(0) first", unusable, true},
        {": a read-only segment", 0xC91, row.writes},
        {": an execute-only segment: #GP(0) first", 0xC99, true},
        {": a readable code segment", 0xC9B, row.writes},
    };
    const auto with = [&](u32 attributes) -> ControlArea& {
        ControlArea& area = prepare(row, bytes);
        const bool null = attributes == unusable;
        set_segment(area.guest.segment[DS], null ? 0 : data_selector(0), attributes, null ? 0 : 0xffffffff, 0);
        return area;
    };
    for (const auto& kind : kinds) {
        ControlArea& area = with(kind.attributes);
        expect_exit(Name(row.name, kind.what), area,
                    kind.refuses ? wanted_fault(area, vector::GP, bytes.length, 0) : the_exit(area, row, bytes));
        if (!kind.refuses) continue;
        with(kind.attributes);
        give_event(area, vector::GP);
        expect_exit(Name(row.name, ": the refusal is the guest's own fault"), area,
                    delivered(area, {.vector = vector::GP, .error_code = 0, .more_flags = RF}));
    }
    const Bytes by_cs = prefixed(0x2e, bytes);
    ControlArea& area = prepare(row, by_cs);
    expect_exit(Name(row.name, ": by CS"), area,
                row.writes ? wanted_fault(area, vector::GP, by_cs.length, 0) : the_exit(area, row, by_cs));
}

void order(const Row& row) {
    const Bytes stack = bytes_by_EBP(row);
    if (row.ring_0) {
        ControlArea& area = prepare(row, stack, 3);
        area.guest.segment[SS].limit = operand;
        expect_exit(Name(row.name, ": CPL before the segment check: #GP(0)"), area,
                    wanted_fault(area, vector::GP, stack.length, 0));
    }
    const Bytes locked = prefixed(0xf0, stack);
    ControlArea* area = &prepare(row, locked, 3);
    area->guest.segment[SS].limit = operand;
    expect_exit(Name(row.name, ": LOCK before everything: #UD"), *area, wanted_fault(*area, vector::UD, locked.length));
    if (row.size == 6) {
        area = &fresh_area(place({0x0f, row.opcode, 0xc3u | row.reg << 3}), 3);
        area->controls = row.controls;
        expect_exit(Name(row.name, ": a register operand: #UD"), *area, wanted_fault(*area, vector::UD, 3));
    }
}

// --- 16-bit addresses

void in_other_modes(const Row& row) {
    const Bytes bytes{0x0f, row.opcode, row.reg << 3 | 7}; // [BX]
    const bool needs_protected = row.opcode == 0;
    for (const bool v86 : {false, true})
        for (const u32 offset : {0x1234u, 0xffffu}) {
            ControlArea& area = v86 ? fresh_v86(place(bytes)) : fresh_real(place(bytes));
            area.controls = row.controls;
            area.guest.gpr[EBX] = 0xabcd0000 | offset;
            const char* mode = v86 ? ": in V86 mode" : ": in real mode";
            if (needs_protected)
                expect_exit(Name(row.name, mode), area, wanted_fault(area, vector::UD, 3));
            else if ((v86 && row.ring_0) || offset == 0xffff)
                expect_exit(Name(row.name, mode), area, wanted_fault(area, vector::GP, 3, 0));
            else
                expect_exit(Name(row.name, mode), area, the_exit(area, row, bytes, data_segment * 16 + offset));
        }
}

// --- Data breakpoints: there was no access

void no_breakpoint(const Row& row) {
    const Bytes bytes = bytes_of(row);
    ControlArea& area = prepare(row, bytes);
    asm volatile("mov %0, %%dr0" : : "r"(operand & ~3u));
    area.guest.dr7 = 0x000f0402u | 0x400; // DR0: reads and writes of 4 bytes
    expect_exit(Name(row.name, ": no data breakpoint, there was no access"), area, the_exit(area, row, bytes));
    asm volatile("mov %0, %%dr0" : : "r"(0));
}

// --- INVLPG

void invlpg() {
    const Bytes bytes{0x0f, 0x01, 0x3b};
    const auto wants = [](const ControlArea& area, const Bytes& code, u32 linear) {
        Wanted w = wanted(area, Reason::INVLPG, code.length);
        w.qualification_value = linear;
        return w;
    };
    for (const u32 address : {0u, 0x3000u, operand, 0xf0001234u, 0xffffffffu}) {
        ControlArea& area = fresh_area(place(bytes));
        area.controls = INVLPG_EXIT;
        area.guest.gpr[EBX] = address;
        expect_exit("6/INVLPG exits with INVLPG_EXIT", area, wants(area, bytes, address));
    }
    const Bytes by_fs = prefixed(0x64, bytes);
    for (const u32 attributes : {u32{flat_data}, u32{0xC99}, u32{0xC97}}) {
        ControlArea& area = fresh_area(place(by_fs));
        area.controls = INVLPG_EXIT;
        area.guest.gpr[EBX] = 0x10000;
        set_segment(area.guest.segment[FS], data_selector(0), attributes, 0xfff, 0xffff8000);
        expect_exit("6/INVLPG with INVLPG_EXIT: no segment check, and the base counts", area,
                    wants(area, by_fs, 0x8000));
    }
    ControlArea* area = &fresh_area(place(bytes));
    area->controls = INVLPG_EXIT;
    area->guest.gpr[EBX] = operand;
    set_segment(area->guest.segment[DS], 0, unusable, 0, 0);
    expect_exit("6/INVLPG with INVLPG_EXIT: through a null segment", *area, wants(*area, bytes, operand));
    for (u32 ring : {1u, 2u, 3u}) {
        area = &fresh_area(place(bytes), ring);
        area->controls = INVLPG_EXIT;
        expect_exit("6/INVLPG: CPL first: #GP(0)", *area, wanted_fault(*area, vector::GP, 3, 0));
    }
    area = &fresh_v86(place({0x0f, 0x01, 0x3f}));
    area->controls = INVLPG_EXIT;
    expect_exit("6/INVLPG in V86 mode: #GP(0)", *area, wanted_fault(*area, vector::GP, 3, 0));
    const Bytes by_bx{0x0f, 0x01, 0x3f};
    area = &fresh_real(place(by_bx));
    area->controls = INVLPG_EXIT;
    area->guest.gpr[EBX] = 0xffff;
    expect_exit("6/INVLPG with INVLPG_EXIT in real mode", *area, wants(*area, by_bx, data_segment * 16 + 0xffff));
    area = &fresh_area(place({0x0f, 0x01, 0xfb}), 3);
    area->controls = INVLPG_EXIT;
    expect_exit("6/INVLPG of a register: #UD before all", *area, wanted_fault(*area, vector::UD, 3));
    area = &fresh_area(place({0xf0, 0x0f, 0x01, 0x3b}), 3);
    area->controls = INVLPG_EXIT;
    expect_exit("6/INVLPG with LOCK: #UD before all", *area, wanted_fault(*area, vector::UD, 4));
}

} // namespace

void v32_tests() {
    for (const Row& row : rows) {
        paging_is_the_VMMs(row);
        contents_are_not_judged(row);
        limits(row);
        kinds_of_segments(row);
        order(row);
        in_other_modes(row);
        no_breakpoint(row);
    }
    invlpg();
}
