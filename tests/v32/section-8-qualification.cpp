// Section 8, the table of qualifications, bit by bit: each register, GPR, operation and form of operand. Others' bits
// are in the images of section 6: DR_ACCESS, IO, INVLPG, SOFT_INT; of section 5: IF_MODIFY.
#include "tests/v32/placed.hpp"

using namespace proof;

namespace {

constexpr u32 operand_at = scratch + 0x123;

u32 gpr_bits(u32 gpr) { return gpr << operand_register_shift; }

void expect(const char* name, ControlArea& area, Reason reason, u32 length, u32 qualification, u32 value) {
    Wanted w = wanted(area, reason, length);
    w.qualification = qualification;
    w.qualification_value = value;
    expect_exit(name, area, w);
}

// --- CR_ACCESS

void control_registers() {
    for (u32 cr : {0u, 3u, 4u})
        for (u32 gpr = 0; gpr < 8; ++gpr)
            for (u32 mod = 0; mod < 4; ++mod) { // whatever it says: a register
                const u32 modrm = mod << 6 | cr << 3 | gpr;
                ControlArea* area = &fresh_area(place({0x0f, 0x22, modrm}));
                expect("8/CR_ACCESS: MOV to: [3:0] register, [6:4] 0, [11:8] GPR, the value", *area, Reason::CR_ACCESS,
                       3, cr | 0u << 4 | gpr_bits(gpr), area->guest.gpr[gpr]);
                area = &fresh_area(place({0x0f, 0x20, modrm}));
                expect("8/CR_ACCESS: MOV from: [3:0] register, [6:4] 1, [11:8] GPR, no value", *area, Reason::CR_ACCESS,
                       3, cr | 1u << 4 | gpr_bits(gpr), 0);
            }
    ControlArea& clts = fresh_area(place({0x0f, 0x06}));
    expect("8/CR_ACCESS: CLTS: [6:4] 2, all else 0", clts, Reason::CR_ACCESS, 2, 2u << 4, 0);
}

void machine_status_word() {
    for (u32 gpr = 0; gpr < 8; ++gpr)
        for (const bool wide : {true, false}) {
            const Bytes lmsw{0x0f, 0x01, 0xf0 | gpr}, smsw{0x0f, 0x01, 0xe0 | gpr};
            const u32 length = wide ? 3 : 4;
            ControlArea* area = &fresh_area(place(wide ? lmsw : prefixed(0x66, lmsw)));
            expect("8/CR_ACCESS: LMSW: [6:4] 3, [11:8] GPR, 16 bits of value", *area, Reason::CR_ACCESS, length,
                   3u << 4 | gpr_bits(gpr), area->guest.gpr[gpr] & 0xffff);
            area = &fresh_area(place(wide ? smsw : prefixed(0x66, smsw)), 3);
            expect("8/CR_ACCESS: SMSW: [6:4] 4, [11:8] GPR, no value", *area, Reason::CR_ACCESS, length,
                   4u << 4 | gpr_bits(gpr), 0);
        }
}

// --- Memory operands, in every form of address

struct Address {
    Bytes tail; // ModRM with reg 0, SIB, displacement
    u32 linear;
};

// EBX holds operand_at, ECX 4, EBP operand_at + 8.
const Address addresses[] = {
    {{0x03}, operand_at},
    {{0x43, 0x7f}, operand_at + 0x7f},
    {{0x43, 0x80}, operand_at - 0x80},
    {{0x83, 0x78, 0x56, 0x34, 0x12}, operand_at + 0x12345678},
    {{0x05, 0x10, 0x00, 0x50, 0x00}, 0x00500010},
    {{0x04, 0x8b}, operand_at + 16},
    {{0x44, 0xcb, 0xf0}, operand_at + 16},
    {{0x45, 0xf8}, operand_at},
};

struct Form {
    const char* name;
    u32 opcode, reg, controls;
    Reason reason;
    u32 qualification;
};
const Form forms[] = {
    {"8/CR_ACCESS: SMSW: [7] memory operand, the linear address", 1, 4, 0, Reason::CR_ACCESS, 4u << 4 | 1u << 7},
    {"8/CR_ACCESS: LMSW: [7] memory operand, the linear address", 1, 6, 0, Reason::CR_ACCESS, 3u << 4 | 1u << 7},
    {"8/DT_STORE: SGDT: [1:0] 0, [7], the linear address", 1, 0, DT_STORE_EXIT, Reason::DT_STORE, 0u | 1u << 7},
    {"8/DT_STORE: SIDT: [1:0] 1, [7], the linear address", 1, 1, DT_STORE_EXIT, Reason::DT_STORE, 1u | 1u << 7},
    {"8/DT_STORE: SLDT: [1:0] 2, [7], the linear address", 0, 0, DT_STORE_EXIT, Reason::DT_STORE, 2u | 1u << 7},
    {"8/DT_STORE: STR: [1:0] 3, [7], the linear address", 0, 1, DT_STORE_EXIT, Reason::DT_STORE, 3u | 1u << 7},
    {"8/DT_LOAD: LGDT: [1:0] 0, [7], the linear address", 1, 2, DT_LOAD_EXIT, Reason::DT_LOAD, 0u | 1u << 7},
    {"8/DT_LOAD: LIDT: [1:0] 1, [7], the linear address", 1, 3, DT_LOAD_EXIT, Reason::DT_LOAD, 1u | 1u << 7},
    {"8/DT_LOAD: LLDT: [1:0] 2, [7], the linear address", 0, 2, DT_LOAD_EXIT, Reason::DT_LOAD, 2u | 1u << 7},
    {"8/DT_LOAD: LTR: [1:0] 3, [7], the linear address", 0, 3, DT_LOAD_EXIT, Reason::DT_LOAD, 3u | 1u << 7},
    {"8/INVLPG: the linear address", 1, 7, INVLPG_EXIT, Reason::INVLPG, 0},
};

void memory_operands() {
    for (const Form& f : forms)
        for (const Address& a : addresses)
            for (u32 prefix : {0u, 0x65u, 0x26u}) { // GS has a base
                Bytes bytes{0x0f, f.opcode};
                for (u32 i = 0; i < a.tail.length; ++i)
                    bytes.byte[bytes.length++] = static_cast<u8>(a.tail.byte[i] | (i ? 0 : f.reg << 3));
                if (prefix) bytes = prefixed(prefix, bytes);
                ControlArea& area = fresh_area(place(bytes));
                area.controls = f.controls;
                area.guest.gpr[EBX] = operand_at;
                area.guest.gpr[ECX] = 4;
                area.guest.gpr[EBP] = operand_at + 8;
                constexpr u32 gs_base = 0xfff00000; // the sum wraps
                area.guest.segment[GS].base = gs_base;
                expect(f.name, area, f.reason, bytes.length, f.qualification,
                       a.linear + (prefix == 0x65 ? gs_base : 0));
            }
}

// --- DT_LOAD, DT_STORE: registers

void table_selectors() {
    for (u32 gpr = 0; gpr < 8; ++gpr)
        for (const bool wide : {true, false})
            for (u32 reg = 0; reg < 4; ++reg) { // SLDT, STR, LLDT, LTR
                const Bytes bytes{0x0f, 0x00, 0xc0 | reg << 3 | gpr};
                ControlArea& area = fresh_area(place(wide ? bytes : prefixed(0x66, bytes)));
                area.controls = u32{DT_LOAD_EXIT} | DT_STORE_EXIT;
                const bool load = reg >= 2;
                const u32 table = reg & 1 ? 3 : 2;
                expect(load ? "8/DT_LOAD: [1:0] LDTR, TR; [11:8] GPR; the selector"
                            : "8/DT_STORE: [1:0] LDTR, TR; [11:8] GPR; no value",
                       area, load ? Reason::DT_LOAD : Reason::DT_STORE, wide ? 3 : 4, table | gpr_bits(gpr),
                       load ? area.guest.gpr[gpr] & 0xffff : 0);
            }
}

// --- TASK_SWITCH

void task_selectors() {
    for (u32 slot : {first_free_slot, 31u, gdt_slots - 1})
        for (u32 rpl : {0u, 3u})
            for (const bool jump : {false, true}) {
                const u32 selector = slot_selector(slot, rpl);
                ControlArea& area =
                    fresh_area(place({jump ? 0xeau : 0x9au, 1, 2, 3, 4, selector & 0xff, selector >> 8}));
                guest_gdt[slot] = descriptor(scratch, sizeof(Tss32) - 1, present | tss32_available | dpl(3), 0);
                expect(jump ? "8/TASK_SWITCH: [15:0] selector, [17:16] 2 JMP"
                            : "8/TASK_SWITCH: [15:0] selector, [17:16] 0 CALL",
                       area, Reason::TASK_SWITCH, 7, selector | (jump ? 2u : 0u) << 16, 0);
            }
    for (u32 rpl : {0u, 3u}) {
        const u32 selector = slot_selector(first_free_slot, rpl);
        ControlArea* area = &fresh_area(place({0xcf}));
        area->guest.eflags |= NT;
        guest_tss.back_link = 0xabcd0000 | selector;
        guest_gdt[first_free_slot] = descriptor(scratch, sizeof(Tss32) - 1, present | tss32_busy, 0);
        expect("8/TASK_SWITCH: [15:0] selector, [17:16] 1 IRET", *area, Reason::TASK_SWITCH, 1, selector | 1u << 16, 0);
        area = &fresh_area(place({0xcd, 0x60}));
        give_software(*area, 0x60);
        guest_gdt[first_free_slot] = descriptor(scratch, sizeof(Tss32) - 1, present | tss32_available, 0);
        guest_idt[0x60] = gate(static_cast<u16>(selector), 0, present | conformance::task_gate);
        Wanted w = wanted(*area, Reason::TASK_SWITCH, 2);
        w.qualification = selector | 3u << 16;
        w.vectoring_event = an_event(event_INT, 0x60, length_bits(2));
        expect_exit("8/TASK_SWITCH: [15:0] selector, [17:16] 3 a gate in the IDT", *area, w);
    }
}

// --- EXCEPTION

void page_faults() {
    const Bytes read{0x8b, 0x03}, write{0x89, 0x03};
    for (const u32 address : {0x800000u, 0x5000003u, 0xfffffffcu})
        for (const bool store : {false, true})
            for (u32 ring : {0u, 3u}) {
                ControlArea& area = fresh_area(place(store ? write : read), ring);
                area.guest.gpr[EBX] = address;
                Wanted w =
                    wanted_fault(area, vector::PF, 2, (store ? u32{page_writable} : 0) | (ring ? u32{page_user} : 0));
                w.qualification_value = address;
                expect_exit("8/EXCEPTION: #PF: the linear address, also in the VMM's CR2", area, w);
            }
    ControlArea& area = fresh_area(place(read)); // across a page's edge: where the absent page begins
    area.guest.gpr[EBX] = scratch + 0xffd;
    guest_page(scratch + 0x1000) = 0;
    Wanted w = wanted_fault(area, vector::PF, 2, 0);
    w.qualification_value = scratch + 0x1000;
    expect_exit("8/EXCEPTION: #PF: the linear address of the byte that is absent", area, w);
}

void debug_causes() {
    for (u32 causes = 1; causes < 32; ++causes) {
        const u32 pending = (causes & 15) | (causes & 16 ? 0x4000u : 0);
        ControlArea& area = fresh_area(place({0x90}));
        area.guest.pending_debug = pending;
        Wanted w = wanted(area, Reason::EXCEPTION);
        w.event = exception_event(vector::DB);
        w.qualification_value = pending;
        w.guest.pending_debug = 0;
        expect_exit("8/EXCEPTION: #DB: the DR6 causes [3:0], [14]", area, w);
    }
    ControlArea& area = fresh_area(place({0x0f, 0x21, 0xc0}));
    area.guest.dr7 |= 0x2000;
    Wanted w = wanted_fault(area, vector::DB, 3);
    w.qualification_value = 0x2000;
    expect_exit("8/EXCEPTION: #DB: the DR6 cause [13]", area, w);
}

} // namespace

void v32_tests() {
    control_registers();
    machine_status_word();
    memory_operands();
    table_selectors();
    task_selectors();
    page_faults();
    debug_causes();
}
