// A small VMM that proves docs/v32.md on the processor: it runs guests of a few instructions, and judges every exit.
//
// Over tests/conformance/protection/harness.hpp, whose enter() runs the one instruction V32ENTER in ring 0 with paging
// on, ESP also in EBP, and every register as the test wants it; the first interrupt or exception in root ends that.
// What the harness adds is the guest's world (tables, stacks, page tables, real-mode segments of its own, rebuilt by
// each fresh_...() below) and the judgement: expect_exit() compares *all* that docs/v32.md says an exit writes, loads
// and leaves alone, so a test states only what is particular to it.
//
// Life of a check:  ControlArea& area = fresh_area(code);  area.controls |= HLT_EXIT;
//                   expect_exit("6/HLT with HLT_EXIT", area, wanted(area, Reason::HLT, 1));
// wanted() says: the guest is saved just as it stands in the area now. Tests change the difference in .guest.
// A guest's code is a naked function; code that is to come back by itself ends with V32CALL (the macro CALL_VMM in
// asm), and every vector of the guest's IDT or IVT leads to a V32CALL too: a delivery to the guest is seen as an exit
// at guest_handler(vector), which is what delivered() wants.
//
// Names of checks begin with the section of docs/v32.md: "7.1/8 CS unusable".
#pragma once

#include "base/control_area.h"
#include "tests/conformance/protection/harness.hpp"

#include <initializer_list>

#define CALL_VMM ".byte 0x0f, 0x04, 0xc1\n\t" // V32CALL

namespace proof {

using namespace conformance;
using namespace truering::v32;
using truering::u16;
using truering::u32;
using truering::u64;
using truering::u8;

enum GeneralRegister { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI }; // in StateRecord::gpr
enum SegmentRegister { ES, CS, SS, DS, FS, GS, LDTR, TR };       // in StateRecord::segment
enum Blocking : u32 { by_STI = 1, by_MOV_SS = 2, by_NMI = 4 };   // in StateRecord::interruptibility
enum Cr0 : u32 {
    PE = 1,
    MP = 2,
    EM = 4,
    TS = 8,
    ET = 0x10,
    NE = 0x20,
    WP = 0x10000,
    AM = 0x40000,
    NW = 1u << 29,
    CD = 1u << 30,
    PG = 1u << 31
};
enum Cr4 : u32 {
    VME = 1,
    PVI = 2,
    TSD = 4,
    DE = 8,
    PSE = 0x10,
    PAE = 0x20,
    MCE = 0x40,
    PGE = 0x80,
    PCE = 0x100,
    OSFXSR = 0x200,
    OSXMMEXCPT = 0x400,
    CR4_V32 = 1u << V32_CR4_BIT
};
enum Efer : u32 { NXE = 1u << 11 };

// Attributes of a StateRecord's segment: as loaded from the guest's GDT.
enum : u16 {
    flat_code = 0xC9B,
    flat_data = 0xC93,
    busy_tss = 0x8B,
    ldt_attributes = 0x82,
    real_segment = 0x93,
    v86_segment = 0xF3,
    unusable = attributes_unusable
};

// --- The guest's world -----------------------------------------------------------------------------------------------

// Selectors are those of conformance: code_selector(ring), data_selector(ring), tss_selector; slots from
// first_free_slot are the test's. Descriptors have their accessed bits set.
extern u64 guest_gdt[gdt_slots], guest_idt[256];
extern Tss32 guest_tss;
u32 guest_stack_top(u32 ring);           // ESP at the start
u32 guest_inner_stack_top();             // guest_tss.esp0
u32 guest_handler(u32 vector);           // a V32CALL, where the guest's IDT leads
void guest_gate(u32 vector, u32 access); // its gate, with another type or DPL

// Linear 0 to 8 MiB is mapped one to one, writable, for the user; nothing else is.
extern u32 guest_directory[1024];
u32& guest_page(u32 linear);                              // the entry of its page
constexpr u32 scratch = 0x400000, scratch_end = 0x800000; // RAM that nobody uses
enum PageBits : u32 {
    page_present = 1,
    page_writable = 2,
    page_user = 4,
    page_accessed = 0x20,
    page_dirty = 0x40,
    page_large = 0x80,
    page_global = 0x100
};
u32& word_at(u32 address);
u8& byte_at(u32 address);

// Real and V86 guests: code at code_segment:0 (a copy of 64 bytes), stack at stack_segment:FFF0, data at data_segment.
// The IVT (linear 0) leads to a V32CALL at handler_segment:(4*vector).
constexpr u32 handler_segment = 0x4000, code_segment = 0x5000, stack_segment = 0x6000, data_segment = 0x7000;
constexpr u32 segmented_esp = 0xFFF0;

// --- The control area ------------------------------------------------------------------------------------------------

// Each builds the guest's world anew, drops its translations (V32_VCA is written), and fills the one area: controls 0
// (TRAP, nothing optional exits), no redirection (every event of the guest exits), no injection, I/O all exits.
ControlArea& fresh_area(Code code, u32 ring = 0); // 32-bit, flat, CR0 = PG|NE|ET|PE
ControlArea& fresh_v86(Code code);                // IOPL 0
ControlArea& fresh_real(Code code);               // paged real mode

void give_event(ControlArea& area, u32 vector); // redirect_events: the guest's own
void give_all_events(ControlArea& area);
void give_software(ControlArea& area, u32 vector); // redirect_software
void take_event(ControlArea& area, u32 vector);    // it exits again
void set_segment(SegmentRecord& segment, u32 selector, u32 attributes, u32 limit, u32 base);

constexpr u32 an_event(u32 type, u32 vector, u32 more = 0) { // for inject_event and to compare with
    return event_valid | type << event_type_shift | vector | more;
}
constexpr u32 exception_event(u32 vector) { // with [11] as the vector has it
    const bool coded = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
    return an_event(event_exception, vector, coded ? static_cast<u32>(event_has_error_code) : 0);
}
constexpr u32 length_bits(u32 length) { return length << event_length_shift; }

// --- Running it ------------------------------------------------------------------------------------------------------

// Registers of the VMM at V32ENTER. Distinct values; EBP = ESP.
Registers vmm_registers();

// Runs V32ENTER. The event in root; the area says the rest. event.eip is after_V32ENTER() if the entry succeeded.
Event run(ControlArea& area);
Event run(ControlArea& area, const Registers& vmm);
u32 at_V32ENTER();
u32 after_V32ENTER();
bool entered(); // the last run() did

// What an exit must leave: members that a test does not set are 0.
struct Wanted {
    Reason reason;
    u32 qualification, qualification_value;
    u32 event, event_error_code;
    u32 vectoring_event, vectoring_error_code;
    u32 length;          // the bytes are compared with memory
    u32 bytes_at;        // linear address of those bytes, if not at the saved CS:EIP
    StateRecord guest;   // as saved
    u32 frame[10];       // on the guest's stack: what a delivery pushed, from the top
    u32 frame_bytes;     // 0: not looked at
    u32 frame_word_size; // 4 or 2
};
Wanted wanted(const ControlArea& area, Reason reason, u32 length = 0);

// The EXCEPTION exit of a fault at the guest's EIP: event, error code; RF saved as 1.
Wanted wanted_fault(const ControlArea& area, u32 vector, u32 length, u32 error_code = no_error_code);

// The exit at the guest's handler of a vector, after a delivery that began in the area's guest state.
struct Delivery {
    u32 vector;
    u32 error_code = no_error_code;
    u32 eip_advance = 0; // the pushed EIP, from the area's
    u32 more_flags = 0;  // set in the pushed EFLAGS beyond the area's (RF)
    u32 blocked = 0;     // interruptibility afterwards
};
Wanted delivered(const ControlArea& area, const Delivery& delivery);

// Runs it; judges vector, error code and frame in root; all registers of root; the VMM record; the header; every field
// of the exit information, exit_count and exit_tsc too; the guest record; the frame; every unnamed byte.
Event expect_exit(const char* name, ControlArea& area, const Wanted& wanted);
Event expect_exit(const char* name, ControlArea& area, const Wanted& wanted, const Registers& vmm);
// The judgement alone, after run().
void judge_exit(const char* name, const ControlArea& area, const Wanted& wanted);

// Runs it; the entry must fail by check `error` of 7.1: #GP(0) at V32ENTER, nothing else changed in area or root.
void expect_error(const char* name, ControlArea& area, u32 error);
// It must enter, and come to the V32CALL at which the guest's code begins.
void expect_entry(const char* name, ControlArea& area);

// A named group of comparisons: PASS name, or a FAIL "name: what" for each that differs.
class Check {
  public:
    explicit Check(const char* name_) : name(name_) {}
    ~Check();
    Check(const Check&) = delete;
    void equal(const char* what, u32 got, u32 wanted);
    void that(const char* what, bool holds) { equal(what, holds, true); }

  private:
    const char* name;
    bool right = true;
};

// --- Root ------------------------------------------------------------------------------------------------------------

u64 read_msr(u32 number);
void write_msr(u32 number, u64 value);
u64 time_stamp();
void out8(u16 port, u8 value);
u8 in8(u16 port);
extern u32 root_directory[1024]; // identity: 0 to 8 MiB in pages of 4 KiB, the APICs at FEC00000H
u32& root_page(u32 linear);
void invalidate(u32 linear); // INVLPG in root

// --- A physical interrupt

// IRQ 0 is requested, by the timer, and waits: root has IF=0. At most one at a time; end_...() masks it and ends its
// service.
constexpr u32 external_vector = 0x70;
void pend_external_interrupt();
bool external_interrupt_waits();
bool external_interrupt_in_service(); // acknowledged
void end_external_interrupt();

} // namespace proof

// Each image's file defines this; the harness calls finish() when it returns.
void v32_tests();
bool v32_is_expected(); // true, if the image does not say otherwise
