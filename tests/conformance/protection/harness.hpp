// Bare-metal tests of the processor's protection: run one instruction in a chosen state, see what comes of it.
//
// The idea: enter() goes by IRET to any ring, or to virtual-8086 mode, with every register as the test wants it. The
// first interrupt or exception that arrives in the harness ends that; all registers and the very bytes that the
// processor pushed are kept, and enter() returns. An instruction under test stands first in a naked function, so the
// address of the function is the EIP that a fault must push. Code that is to come back by itself ends with INT 40H.
//
// Segments are flat, paging is off, interrupts are off (IF=0), and both are the test's to change. Sources: SDM volume
// 3, chapters 3 to 7, 17, 20.
#pragma once

#include <stdint.h>

namespace conformance {

// --- Verdicts: lines "PASS name" or "FAIL name: ..." on COM1 and port E9H --------------------------------------------

void check(const char* name, bool right);
void check_equal(const char* name, uint32_t got, uint32_t wanted);
void skip(const char* name, const char* reason);
[[noreturn]] void finish(); // says the verdict, switches the machine off by the debug-exit ports (0 = all passed)

// --- The tables ------------------------------------------------------------------------------------------------------

constexpr uint16_t code_selector(uint32_t ring) { return static_cast<uint16_t>(0x08 + 0x10 * ring + ring); }
constexpr uint16_t data_selector(uint32_t ring) { return static_cast<uint16_t>(0x10 + 0x10 * ring + ring); }
constexpr uint16_t tss_selector = 0x48;
constexpr uint32_t first_free_slot = 10; // of the GDT: tests may fill slots from here
constexpr uint32_t gdt_slots = 64;
constexpr uint16_t slot_selector(uint32_t slot, uint32_t rpl = 0) { return static_cast<uint16_t>(slot * 8 + rpl); }

// Bits of a descriptor's access byte, and of the nibble beside the upper limit.
enum Access : uint32_t {
    present = 0x80,
    segment = 0x10, // S: code or data, not a system descriptor
    data_writable = 0x12,
    data_readonly = 0x10,
    data_down = 0x16,
    data_down_readonly = 0x14,
    code_readable = 0x1a,
    code_only = 0x18,
    code_conforming = 0x1e,
    tss16_available = 0x1,
    ldt_type = 0x2,
    tss16_busy = 0x3,
    call_gate16 = 0x4,
    task_gate = 0x5,
    interrupt_gate16 = 0x6,
    trap_gate16 = 0x7,
    tss32_available = 0x9,
    tss32_busy = 0xb,
    call_gate32 = 0xc,
    interrupt_gate32 = 0xe,
    trap_gate32 = 0xf,
};
constexpr uint32_t dpl(uint32_t level) { return level << 5; }
enum Size : uint32_t { bits16 = 0x0, bits32 = 0x4, bytes = 0x0, pages = 0x8 };

constexpr uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t access, uint32_t size) {
    return (limit & 0xffffu) | (uint64_t{base & 0xffffffu} << 16) | (uint64_t{access} << 40) |
           (uint64_t{limit >> 16 & 15u} << 48) | (uint64_t{size} << 52) | (uint64_t{base >> 24} << 56);
}
constexpr uint64_t gate(uint16_t selector, uint32_t offset, uint32_t access, uint32_t parameters = 0) {
    return (offset & 0xffffu) | (uint64_t{selector} << 16) | (uint64_t{parameters} << 32) | (uint64_t{access} << 40) |
           (uint64_t{offset >> 16} << 48);
}

struct Tss32 {
    uint32_t back_link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t debug_trap, io_map_base;
    uint8_t redirection[32]; // of software interrupts in virtual-8086 mode: the 32 bytes before the I/O map
    uint8_t io_map[0x2000 + 1];
};
struct Tss16 {
    uint16_t back_link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags, ax, cx, dx, bx, sp, bp, si, di, es, cs, ss, ds, ldt;
};
static_assert(sizeof(Tss16) == 44);

extern uint64_t gdt[gdt_slots], idt[256];
extern Tss32 tss; // the running one; ss0:esp0 is the trap stack

void default_gate(uint32_t vector, uint32_t level = 0); // an interrupt gate to the harness, DPL = level
uint32_t handler_of(uint32_t vector);                   // the harness's entry for a vector

// --- Running something -----------------------------------------------------------------------------------------------

using Code = void (*)();
inline uint32_t address(const void* pointer) { return reinterpret_cast<uint32_t>(pointer); }
inline uint32_t address(Code code) { return reinterpret_cast<uint32_t>(code); }

enum Flag : uint32_t {
    CF = 1,
    always = 2,
    PF = 4,
    AF = 0x10,
    ZF = 0x40,
    SF = 0x80,
    TF = 0x100,
    IF = 0x200,
    DF = 0x400,
    OF = 0x800,
    IOPL3 = 0x3000,
    NT = 0x4000,
    RF = 0x10000,
    VM = 0x20000,
    AC = 0x40000,
    VIF = 0x80000,
    VIP = 0x100000,
    status_flags = CF | PF | AF | ZF | SF | OF,
};

namespace vector {
constexpr uint32_t DE = 0, DB = 1, NMI = 2, BP = 3, OF = 4, BR = 5, UD = 6, NM = 7, DF = 8, TS = 10, NP = 11, SS = 12,
                   GP = 13, PF = 14, MF = 16, AC = 17, MC = 18, XM = 19;
constexpr uint32_t done = 0x40; // open to ring 3: the test's code came to its end
} // namespace vector

struct Registers {
    uint32_t eax, ebx, ecx, edx, esi, edi, ebp, esp, eip, eflags;
    uint32_t cs, ss, ds, es, fs, gs;
};

constexpr uint32_t no_error_code = 0xffffffff;

// What ended it. `now` is the state at the handler's first instruction, the rest is what the processor pushed.
struct Event {
    uint32_t vector;
    Registers now;
    uint32_t tr;
    uint32_t pushed_bytes; // from the stack's top to where ESP stood in the handler
    uint32_t error_code;   // or no_error_code
    uint32_t eip, cs, eflags;
    uint32_t esp, ss;        // pushed if the ring changed
    uint32_t es, ds, fs, gs; // pushed if it came from virtual-8086 mode
};

// All of a ring's own: flat code, data and stack, EFLAGS = 2.
Registers in_ring(uint32_t ring, Code code);
Event enter(const Registers& registers);

// Runs it and checks everything that an exception must leave: vector, error code (or none), CS:EIP at the instruction,
// EFLAGS with RF=1, SS:ESP as it was.
Event expect_fault(const char* name, const Registers& registers, uint32_t vector, uint32_t error_code = no_error_code);
// The same for a trap or software interrupt: CS:EIP `length` bytes on, EFLAGS unchanged.
Event expect_trap(const char* name, const Registers& registers, uint32_t vector, uint32_t length);
// It must come to its INT 40H.
Event expect_done(const char* name, const Registers& registers);

// --- Registers of the processor --------------------------------------------------------------------------------------

uint32_t cr0();
void set_cr0(uint32_t value);
uint32_t cr4();
void set_cr4(uint32_t value);
uint32_t cr2();
void set_cr3(uint32_t value);
void load_tr(uint16_t selector);
void load_ldt(uint16_t selector);

enum Feature : uint32_t {
    has_VME = 1u << 1,
    has_DE = 1u << 2,
    has_PSE = 1u << 3,
    has_PAE = 1u << 6,
    has_SEP = 1u << 11,
    has_PGE = 1u << 13,
    has_PSE36 = 1u << 17,
    has_SSE = 1u << 25,
    has_SSE2 = 1u << 26
};
uint32_t features();          // CPUID leaf 1, EDX
uint32_t extended_features(); // CPUID leaf 80000001H, EDX, or 0

// Stacks: the tops of what in_ring() and TSS use.
uint32_t stack_top(uint32_t ring);       // where in_ring() starts
uint32_t trap_stack_top();               // TSS.esp0
uint32_t inner_stack_top(uint32_t ring); // TSS.esp1, esp2

} // namespace conformance

// Each theme's file defines this; it ends by finish() when it returns.
void conformance_tests();
