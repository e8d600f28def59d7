// Section 4.3: instruction_length and instruction_bytes of each kind of exit; event and error code; and the information
// of instructions that cross pages.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }
[[gnu::naked]] void cpuid() { asm("cpuid"); }
[[gnu::naked]] void sti() { asm(".byte 0x3e, 0x66; sti; nop"); }
[[gnu::naked]] void nop() { asm("nop; nop; nop"); }
[[gnu::naked]] void int_60() { asm(".byte 0x2e; int $0x60"); }
[[gnu::naked]] void privileged() { asm("hlt"); }
[[gnu::naked]] void group_f7() { asm(".byte 0xff, 0xff"); } // FF /7: undefined
[[gnu::naked]] void lock_nop() { asm(".byte 0xf0, 0x90"); }
[[gnu::naked]] void bad_memory_form() {
    asm(".byte 0x0f, 0x20, 0x05, 1, 2, 3, 4");
} // MOV from CR0: registers whatever mod says

void whole_instructions() {
    ControlArea* area = &fresh_area(cpuid);
    expect_exit("4.3/length and bytes of an instruction that exits", *area, wanted(*area, Reason::CPUID, 2));
    area = &fresh_area(privileged, 3);
    expect_exit("4.3/length and bytes of an instruction that faults", *area, wanted_fault(*area, vector::GP, 1, 0));
    area = &fresh_area(int_60);
    Wanted w = wanted(*area, Reason::SOFT_INT, 3);
    w.qualification = 0x60;
    w.event = an_event(event_INT, 0x60, length_bits(3));
    expect_exit("4.3/length and bytes of INT n with a prefix", *area, w);
    area = &fresh_area(sti);
    w = wanted(*area, Reason::IF_MODIFY, 3);
    w.qualification = if_STI | if_wanted;
    w.bytes_at = area->guest.eip;
    w.guest.eip += 3;
    w.guest.interruptibility = by_STI;
    expect_exit("4.3/IF_MODIFY: length and bytes of the instruction just completed", *area, w);
}

// The longest, and those across the edge of two pages that lie apart in the guest's memory.
void bytes_over_pages() {
    constexpr u32 edge = scratch + 0x2000;
    for (u32 before = 1; before < 15; ++before) {
        const u32 at = edge - before;
        // Twelve prefixes, then V32CALL: 15 bytes.
        const u32 frame = scratch + 0x8000; // of the second page in the guest
        ControlArea& area = fresh_area(reinterpret_cast<Code>(at));
        for (u32 i = 0; i < 15; ++i) {
            const u8 byte = i < 12 ? (i & 1 ? 0x66 : 0x3e) : i == 12 ? 0x0f : i == 13 ? 0x04 : 0xc1;
            byte_at(at + i) = byte; // for the judge
            if (i >= before) byte_at(frame + i - before) = byte;
        }
        guest_page(edge) = frame | page_present;
        expect_exit("4.3/bytes of an instruction of 15 over a page's edge", area, wanted(area, Reason::V32CALL, 15));
    }
}

// The bytes are those that were executed, by a translation that the page table no longer has.
void bytes_of_an_old_translation() {
    constexpr u32 page = scratch + 0x3000, old_frame = scratch + 0x4000, new_frame = scratch + 0x5000;
    ControlArea& area = fresh_area(reinterpret_cast<Code>(page));
    word_at(old_frame) = 0x90c1040f; // V32CALL
    word_at(new_frame) = 0x90a20f90; // NOP, CPUID
    guest_page(page) = old_frame | page_present;
    run(area);
    guest_page(page) = new_frame | page_present;
    run(area); // without a drop: a processor may have kept the translation, or lost it
    Check check("4.3/bytes are those executed, though the page table has changed");
    const bool kept = area.exit.exit_reason == static_cast<u32>(Reason::V32CALL);
    check.equal("byte 0", area.exit.instruction_bytes[0], 0x0f);
    check.equal("byte 1", area.exit.instruction_bytes[1], kept ? 0x04 : 0xa2);
    check.equal("length", area.exit.instruction_length, kept ? 3 : 2);
}

void undefined_encodings() {
    ControlArea* area = &fresh_area(group_f7);
    expect_exit("4.3/#UD: length as far as decoding came", *area, wanted_fault(*area, vector::UD, 2));
    area = &fresh_area(lock_nop);
    expect_exit("4.3/#UD of LOCK: length as far as decoding came", *area, wanted_fault(*area, vector::UD, 2));
    area = &fresh_area(bad_memory_form);
    Wanted w = wanted(*area, Reason::CR_ACCESS, 3);
    w.qualification = cr_MOV_from | u32{EBP} << operand_register_shift;
    expect_exit("4.3/MOV CR: the length is that of the register form", *area, w);
}

// --- Exits without an instruction: length 0, no bytes

void without_instruction() {
    ControlArea* area = &fresh_area(nop);
    area->controls = STEP_EXIT;
    Wanted w = wanted(*area, Reason::STEP);
    w.guest.eip += 1;
    expect_exit("4.3/STEP: length 0", *area, w);
    area = &fresh_area(nop);
    area->controls = WINDOW_EXIT;
    area->guest.sif = 1;
    expect_exit("4.3/IF_WINDOW: length 0", *area, wanted(*area, Reason::IF_WINDOW));
    area = &fresh_area(nop);
    area->guest.eflags |= TF;
    w = wanted(*area, Reason::EXCEPTION);
    w.event = exception_event(vector::DB);
    w.qualification_value = 0x4000;
    w.guest.eip += 1;
    expect_exit("4.3/a trap: length 0", *area, w);
    area = &fresh_area(nop);
    area->guest.segment[CS].limit = address(nop);
    area->guest.eip += 1;
    expect_exit("4.3/a fault of its own fetch: length 0", *area, wanted_fault(*area, vector::GP, 0, 0));
    area = &fresh_area(nop);
    area->guest.eip = scratch;
    guest_page(scratch) = 0;
    w = wanted_fault(*area, vector::PF, 0, 0);
    w.qualification_value = scratch;
    expect_exit("4.3/#PF of its own fetch: length 0", *area, w);
    area = &fresh_area(call);
    area->guest.idtr.limit = 0;
    give_all_events(*area);
    area->inject_event = exception_event(vector::UD); // #GP, its #GP: #DF, its #GP: shutdown
    w = wanted(*area, Reason::SHUTDOWN);
    w.vectoring_event = exception_event(vector::DF);
    w.guest.eflags |= RF; // as the #DF would have pushed it
    expect_exit("4.3/SHUTDOWN: length 0", *area, w);
}

// A fault whose delivery ends in SHUTDOWN, and events with error codes.
void events() {
    ControlArea* area = &fresh_area(privileged, 3);
    Wanted w = wanted_fault(*area, vector::GP, 1, 0);
    expect_exit("4.3/event of an exception: vector, type 3, [11] with an error code", *area, w);
    check_equal("4.5/event: #GP", area->exit.event, 0x80000b0d);
    area = &fresh_area(group_f7);
    expect_exit("4.3/event of an exception without an error code", *area, wanted_fault(*area, vector::UD, 2));
    check_equal("4.5/event: #UD", area->exit.event, 0x80000306);
    area = &fresh_area(int_60);
    run(*area);
    check_equal("4.5/event: INT 60H of three bytes", area->exit.event, 0x80003460);
}

} // namespace

void v32_tests() {
    whole_instructions();
    bytes_over_pages();
    bytes_of_an_old_translation();
    undefined_encodings();
    without_instruction();
    events();
}
