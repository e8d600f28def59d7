// The V32 control area (docs/v32.md section 4): what processor and VMM must agree on, in one place for both.
//
// Assembler sees the numbers that it needs; C++ also sees the layout, each offset asserted. Freestanding-clean: C
// headers only. Little-endian, 4096 bytes, 4 KiB aligned in RAM.
#ifndef TRUERING_BASE_CONTROL_AREA_H
#define TRUERING_BASE_CONTROL_AREA_H

// ---- Numbers for both languages

#define V32_REVISION 1
#define V32_AREA_SIZE 4096

#define V32_CPUID_EDX_BIT 20 // of CPUID leaf 1: the processor has the mode
#define V32_CR4_BIT 15       // the processor is in the mode
#define V32_MSR_CAP 0x3200
#define V32_MSR_VCA 0x3201
#define V32_VCA_ENABLE 1 // bit 0 of V32_VCA

#define V32_VECTOR_VT 20 // the vector of every exit but EXCEPTION, EXTINT and NMI

#define V32_OFFSET_EXIT_REASON 0x080
#define V32_OFFSET_GUEST 0x100
#define V32_OFFSET_VMM 0x200

#ifdef __ASSEMBLER__

// The two instructions, which no assembler knows.
#define V32ENTER .byte 0x0F, 0x04, 0xC0
#define V32CALL .byte 0x0F, 0x04, 0xC1

#else

#include "base/types.hpp"

namespace truering::v32 {

inline constexpr u32 revision = V32_REVISION;
inline constexpr u32 area_size = V32_AREA_SIZE;
inline constexpr u32 msr_V32_CAP = V32_MSR_CAP;
inline constexpr u32 msr_V32_VCA = V32_MSR_VCA;

// `controls` (4.2).
enum Controls : u32 {
    IF_POLICY = 3, // a field: one of IfPolicy
    EXTINT_EXIT = 1u << 2,
    WINDOW_EXIT = 1u << 3,
    STEP_EXIT = 1u << 4,
    HLT_EXIT = 1u << 5,
    INVLPG_EXIT = 1u << 6,
    RDTSC_EXIT = 1u << 7,
    RDPMC_EXIT = 1u << 8,
    DR_EXIT = 1u << 9,
    DT_LOAD_EXIT = 1u << 10,
    DT_STORE_EXIT = 1u << 11,
    controls_all = (1u << 12) - 1,
};

enum IfPolicy : u32 { IF_TRAP = 0, IF_SHADOW = 1, IF_DIRECT = 2, IF_reserved = 3 };

// `tlb_drop` (4.1).
enum TlbDrop : u32 { drop_nothing = 0, drop_page = 1, drop_non_global = 2, drop_all = 3 };

// Events in `inject_event`, `event` and `vectoring_event` (4.5).
enum EventBits : u32 {
    event_vector = 0xFF,
    event_type = 7u << 8,
    event_has_error_code = 1u << 11,
    event_length = 0xFu << 12,
    event_reserved = 0x7FFF'0000,
    event_valid = 1u << 31,
};
inline constexpr unsigned event_type_shift = 8;
inline constexpr unsigned event_length_shift = 12;

enum EventTypes : u32 {
    event_external = 0,
    event_NMI = 2,
    event_exception = 3,
    event_INT = 4,
    event_INT3_INTO = 6,
};

// `exit_reason` (8).
enum class Reason : u32 {
    None = 0,
    CR_ACCESS = 1,
    DR_ACCESS = 2,
    DT_LOAD = 3,
    DT_STORE = 4,
    IO = 5,
    MSR_READ = 6,
    MSR_WRITE = 7,
    CPUID = 8,
    HLT = 9,
    INVLPG = 10,
    CACHE = 11,
    RDTSC = 12,
    RDPMC = 13,
    IF_MODIFY = 14,
    IF_WINDOW = 15,
    SOFT_INT = 16,
    TASK_SWITCH = 17,
    V32ENTER = 18,
    V32CALL = 19,
    STEP = 20,
    SHUTDOWN = 21,
    INIT = 22,
    EXCEPTION = 32,
    EXTINT = 33,
    NMI = 34,
};
inline constexpr u32 reason_count = 35; // one past the highest; numbers between are unused

// `qualification` of each reason (8).
enum CrQualification : u32 { // CR_ACCESS and DR_ACCESS
    cr_register = 0xF,
    cr_operation = 7u << 4,
    cr_MOV_to = 0u << 4,
    cr_MOV_from = 1u << 4,
    cr_CLTS = 2u << 4,
    cr_LMSW = 3u << 4,
    cr_SMSW = 4u << 4,
    operand_in_memory = 1u << 7, // DT_LOAD and DT_STORE too
    operand_register = 0xFu << 8,
};
inline constexpr unsigned operand_register_shift = 8;

enum IoQualification : u32 {
    io_size = 7,
    io_in = 1u << 3,
    io_string = 1u << 4,
    io_rep = 1u << 5,
    io_immediate = 1u << 6,
    io_address_32 = 1u << 7,
    io_segment = 7u << 8,
    io_port = 0xFFFFu << 16,
};
inline constexpr unsigned io_segment_shift = 8;
inline constexpr unsigned io_port_shift = 16;

enum DtQualification : u32 { dt_GDTR = 0, dt_IDTR = 1, dt_LDTR = 2, dt_TR = 3 };

enum TaskQualification : u32 {
    task_selector = 0xFFFF,
    task_CALL = 0u << 16,
    task_IRET = 1u << 16,
    task_JMP = 2u << 16,
    task_gate = 3u << 16,
    task_source = 3u << 16
};

inline constexpr unsigned task_source_shift = 16;

enum IfQualification : u32 { if_wanted = 1, if_CLI = 0u << 1, if_STI = 1u << 1, if_POPF = 2u << 1, if_IRET = 3u << 1 };

enum SoftQualification : u32 { soft_vector = 0xFF, soft_INT = 0u << 8, soft_INT3 = 1u << 8, soft_INTO = 2u << 8 };

// `instruction_error` (7.1): the number of the check that failed.
enum EntryError : u32 {
    error_revision = 1,
    error_controls = 2,
    error_IF_POLICY = 3,
    error_CR0 = 4,
    error_CR4 = 5,
    error_PDPTE = 6,
    error_EFLAGS = 7,
    error_segment = 8,
    error_inject_event = 9,
    error_io_bitmap = 10,
    error_state = 11,
    error_table_limit = 12,
    error_EFER = 13,
    error_tlb_drop = 14,
};

// `attributes` of a segment (4.4).
enum Attributes : u16 { attributes_reserved = 0x7000, attributes_unusable = 0x8000 };

struct SegmentRecord {
    u16 selector;
    u16 attributes;
    u32 limit; // in bytes
    u32 base;
};
static_assert(sizeof(SegmentRecord) == 12);

struct TableRecord {
    u32 limit;
    u32 base;
};

// Guest state or VMM state (4.4).
struct StateRecord {
    u32 gpr[8]; // EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI
    u32 eip, eflags;
    u32 cr0, cr2, cr3, cr4;
    u32 dr6, dr7;
    SegmentRecord segment[8]; // ES, CS, SS, DS, FS, GS, LDTR, TR
    TableRecord gdtr, idtr;
    u32 sysenter_cs, sysenter_esp, sysenter_eip;
    u32 cpl;
    u32 interruptibility; // blocked_by_STI 1, blocked_by_MOV_SS 2, blocked_by_NMI 4
    u32 activity;         // 0 running, 1 halted
    u32 sif;
    u32 pending_debug; // [3:0], [14] as in DR6
    u32 efer[2];       // low, high: no alignment beyond the offset
};
static_assert(offsetof(StateRecord, eip) == 0x20);
static_assert(offsetof(StateRecord, cr0) == 0x28);
static_assert(offsetof(StateRecord, dr6) == 0x38);
static_assert(offsetof(StateRecord, segment) == 0x40);
static_assert(offsetof(StateRecord, gdtr) == 0xA0);
static_assert(offsetof(StateRecord, sysenter_cs) == 0xB0);
static_assert(offsetof(StateRecord, cpl) == 0xBC);
static_assert(offsetof(StateRecord, interruptibility) == 0xC0);
static_assert(offsetof(StateRecord, activity) == 0xC4);
static_assert(offsetof(StateRecord, sif) == 0xC8);
static_assert(offsetof(StateRecord, pending_debug) == 0xCC);
static_assert(offsetof(StateRecord, efer) == 0xD0);
static_assert(sizeof(StateRecord) == 0xD8);

// What an exit writes (4.3).
struct ExitInformation {
    u32 exit_reason; // Reason
    u32 qualification, qualification_value;
    u32 event, event_error_code;
    u32 vectoring_event, vectoring_error_code;
    u32 instruction_length; // bytes
    u8 instruction_bytes[16];
    u32 exit_count[2]; // low, high
    u32 exit_tsc[2];   // without tsc_offset
};
static_assert(sizeof(ExitInformation) == 0x40);

struct ControlArea {
    u32 revision;
    u32 instruction_error; // EntryError
    u32 controls;
    u32 inject_event, inject_error_code;
    u32 io_bitmap; // physical address of 8 KiB, or 0
    u32 tsc_offset[2];
    u8 redirect_events[32];   // one bit a vector, 1: the guest's
    u8 redirect_software[32]; // the same for INT n
    u32 tlb_drop, tlb_address;
    u8 unnamed_068[0x80 - 0x68];
    ExitInformation exit;
    u8 unnamed_0C0[0x100 - 0xC0];
    StateRecord guest;
    u8 unnamed_1D8[0x200 - 0x1D8];
    StateRecord vmm;
    u8 unnamed_2D8[V32_AREA_SIZE - 0x2D8];
};
static_assert(offsetof(ControlArea, controls) == 0x008);
static_assert(offsetof(ControlArea, inject_event) == 0x00C);
static_assert(offsetof(ControlArea, io_bitmap) == 0x014);
static_assert(offsetof(ControlArea, tsc_offset) == 0x018);
static_assert(offsetof(ControlArea, redirect_events) == 0x020);
static_assert(offsetof(ControlArea, redirect_software) == 0x040);
static_assert(offsetof(ControlArea, tlb_drop) == 0x060);
static_assert(offsetof(ControlArea, exit) == V32_OFFSET_EXIT_REASON);
static_assert(offsetof(ControlArea, guest) == V32_OFFSET_GUEST);
static_assert(offsetof(ControlArea, vmm) == V32_OFFSET_VMM);
static_assert(sizeof(ControlArea) == V32_AREA_SIZE);

constexpr u64 wide(const u32 (&halves)[2]) { return u64{halves[1]} << 32 | halves[0]; }

constexpr bool redirects(const u8 (&bitmap)[32], unsigned vector) {
    return ((bitmap[vector / 8] >> (vector % 8)) & 1) != 0;
}

} // namespace truering::v32

#endif // __ASSEMBLER__
#endif
