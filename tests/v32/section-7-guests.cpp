// Section 7, the rest: what the VMM does to skip an instruction, and guests in paged real mode.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void cpuid_then_call() { asm("cpuid\n" CALL_VMM); }
[[gnu::naked]] void cpuid_then_nop() { asm("cpuid; nop\n" CALL_VMM); }
[[gnu::naked]] void sti_cpuid() { asm("sti; cpuid; nop"); }

// EIP + length, no blocking by STI or MOV SS, the single-step trap if TF is set.
void skip(ControlArea& area) {
    StateRecord& guest = area.guest;
    guest.eip += area.exit.instruction_length;
    guest.interruptibility &= ~3u;
    if (guest.eflags & TF) guest.pending_debug |= 0x4000;
}

void skipping() {
    ControlArea* area = &fresh_area(cpuid_then_call);
    expect_exit("7/skipping: the instruction exits", *area, wanted(*area, Reason::CPUID, 2));
    skip(*area);
    expect_exit("7/skipping: the guest goes on behind it", *area, wanted(*area, Reason::V32CALL, 3));

    area = &fresh_area(cpuid_then_nop);
    area->guest.eflags |= TF;
    expect_exit("7/skipping: TF does not disturb the exit", *area, wanted(*area, Reason::CPUID, 2));
    skip(*area);
    Wanted w = wanted(*area, Reason::EXCEPTION);
    w.event = exception_event(vector::DB);
    w.qualification_value = 0x4000;
    w.guest.pending_debug = 0;
    expect_exit("7/skipping with TF: the guest has its single step", *area, w);
    w.guest.eip += 1;
    area->guest.eip = w.guest.eip - 1;
    expect_exit("7/skipping with TF: and the next one", *area, w);

    area = &fresh_area(sti_cpuid);
    area->controls = IF_SHADOW;
    w = wanted(*area, Reason::CPUID, 2);
    w.guest.eip += 1;
    w.guest.sif = 1;
    w.guest.interruptibility = by_STI;
    expect_exit("7/skipping behind STI: the exit shows the blocking", *area, w);
    skip(*area);
    area->controls = u32{IF_SHADOW} | WINDOW_EXIT;
    expect_exit("7/skipping behind STI: the window is open", *area, wanted(*area, Reason::IF_WINDOW));
}

// --- Paged real mode

[[gnu::naked]] void real_call() { asm(CALL_VMM); }
[[gnu::naked]] void real_store() { asm(".code16; mov %ax, (0x10)\n" CALL_VMM ".code32"); }
[[gnu::naked]] void real_load() { asm(".code16; mov (0x10), %ax\n" CALL_VMM ".code32"); }
[[gnu::naked]] void real_int() { asm(".code16; int $0x21\n" CALL_VMM ".code32"); }
[[gnu::naked]] void real_segment_load() { asm(".code16; mov %bx, %ds; mov (0), %ax\n" CALL_VMM ".code32"); }
[[gnu::naked]] void real_set_pe() { asm(".code16; mov %eax, %cr0; .code32"); }
[[gnu::naked]] void real_lmsw() { asm(".code16; lmsw %ax; .code32"); }
[[gnu::naked]] void real_past_end() { asm(".code16; mov (0xffff), %ax; .code32"); }
[[gnu::naked]] void real_far_jump() { asm(".code16; ljmp $0x4000, $0x0154; .code32"); }
[[gnu::naked]] void real_stack() { asm(".code16; push %ax; pop %bx; pushl %eax; popl %ecx\n" CALL_VMM ".code32"); }
[[gnu::naked]] void real_unreal() { asm(".code16; addr32 mov (%ebx), %eax\n" CALL_VMM ".code32"); }
[[gnu::naked]] void real_hlt() { asm(".code16; hlt; .code32"); }

void real_memory() {
    ControlArea* area = &fresh_real(real_store);
    Wanted w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 3;
    w.guest.gpr[EAX] = area->guest.gpr[EAX] = 0xbeef;
    word_at(data_segment * 16 + 0x10) = 0;
    expect_exit("7.1/paged real mode: a store", *area, w);
    check_equal("7.1/paged real mode: it is there", word_at(data_segment * 16 + 0x10) & 0xffff, 0xbeef);

    // The VMM owns the address space: real-mode addresses go through the page tables.
    area = &fresh_real(real_load);
    word_at(scratch + 0x10) = 0x7e57;
    guest_page(data_segment * 16) = scratch | page_present;
    w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 3;
    w.guest.gpr[EAX] = (w.guest.gpr[EAX] & 0xffff0000) | 0x7e57;
    expect_exit("7.1/paged real mode: addresses are translated", *area, w);

    area = &fresh_real(real_load);
    guest_page(data_segment * 16) = 0;
    w = wanted_fault(*area, vector::PF, 3, 0);
    w.qualification_value = data_segment * 16 + 0x10;
    expect_exit("7.1/paged real mode: #PF exits", *area, w);

    area = &fresh_real(real_store);
    area->guest.cr0 |= WP;
    guest_page(data_segment * 16) = data_segment * 16 | page_present;
    w = wanted_fault(*area, vector::PF, 3, page_present | page_writable);
    w.qualification_value = data_segment * 16 + 0x10;
    expect_exit("7.1/paged real mode: a read-only page, with WP", *area, w);

    area = &fresh_real(real_stack);
    w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 6;
    w.guest.gpr[EBX] = (w.guest.gpr[EBX] & 0xffff0000) | (area->guest.gpr[EAX] & 0xffff);
    w.guest.gpr[ECX] = area->guest.gpr[EAX];
    expect_exit("7.1/paged real mode: pushes and pops", *area, w);
}

void real_segments() {
    ControlArea* area = &fresh_real(real_segment_load);
    area->guest.gpr[EBX] = 0x6543;
    word_at(0x65430) = 0x1357;
    Wanted w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 5;
    w.guest.gpr[EAX] = (w.guest.gpr[EAX] & 0xffff0000) | 0x1357;
    w.guest.segment[DS].selector = 0x6543;
    w.guest.segment[DS].base = 0x65430;
    expect_exit("7.1/paged real mode: a segment load is selector x 16", *area, w);

    area = &fresh_real(real_segment_load); // unreal mode: the limit stays
    area->guest.gpr[EBX] = 0x6543;
    area->guest.segment[DS].limit = 0xffffffff;
    w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 5;
    w.guest.gpr[EAX] = (w.guest.gpr[EAX] & 0xffff0000) | 0x1357;
    w.guest.segment[DS].selector = 0x6543;
    w.guest.segment[DS].base = 0x65430;
    expect_exit("7.1/paged real mode: a segment load keeps the limit", *area, w);

    area = &fresh_real(real_unreal);
    area->guest.gpr[EBX] = scratch;
    set_segment(area->guest.segment[DS], 0, real_segment, 0xffffffff, 0);
    word_at(scratch) = 0x12344321;
    w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 4;
    w.guest.gpr[EAX] = 0x12344321;
    expect_exit("7.1/paged real mode: unreal mode reads beyond 64 KiB", *area, w);

    area = &fresh_real(real_past_end);
    expect_exit("7.1/paged real mode: past the limit, #GP with an error code for the VMM", *area,
                wanted_fault(*area, vector::GP, 3, 0));
    area = &fresh_real(real_past_end);
    give_event(*area, vector::GP);
    expect_exit("7.1/paged real mode: past the limit, the guest's own handler", *area,
                delivered(*area, {.vector = vector::GP}));

    area = &fresh_real(real_far_jump);
    w = wanted(*area, Reason::V32CALL, 3);
    w.guest.segment[CS].selector = handler_segment;
    w.guest.segment[CS].base = handler_segment * 16;
    w.guest.eip = 0x154;
    expect_exit("7.1/paged real mode: a far jump", *area, w);
}

void real_interrupts() {
    ControlArea* area = &fresh_real(real_int);
    give_software(*area, 0x21);
    expect_exit("7.1/paged real mode: INT n through the vector table", *area,
                delivered(*area, {.vector = 0x21, .eip_advance = 2}));
    area = &fresh_real(real_int);
    Wanted w = wanted(*area, Reason::SOFT_INT, 2);
    w.qualification = 0x21;
    w.event = an_event(event_INT, 0x21, length_bits(2));
    expect_exit("7.1/paged real mode: INT n exits", *area, w);
    area = &fresh_real(real_int); // IDTR names the table, wherever it is
    give_software(*area, 0x21);
    area->guest.idtr.base = scratch;
    word_at(scratch + 4 * 0x21) = handler_segment << 16 | 4 * 0x77;
    w = delivered(*area, {.vector = 0x21, .eip_advance = 2});
    w.guest.eip = 4 * 0x77;
    expect_exit("7.1/paged real mode: IDTR's base is used", *area, w);
    area = &fresh_real(real_hlt);
    area->controls = HLT_EXIT;
    expect_exit("7.1/paged real mode runs at CPL 0: HLT exits", *area, wanted(*area, Reason::HLT, 1));
}

// The way up to protected mode is the VMM's.
void real_to_protected() {
    ControlArea* area = &fresh_real(real_set_pe);
    area->guest.gpr[EAX] = PE | ET;
    Wanted w = wanted(*area, Reason::CR_ACCESS, 3);
    w.qualification = cr_MOV_to;
    w.qualification_value = PE | ET;
    expect_exit("7.1/paged real mode: MOV to CR0 exits", *area, w);
    area = &fresh_real(real_lmsw);
    area->guest.gpr[EAX] = 0xabcd0001;
    w = wanted(*area, Reason::CR_ACCESS, 3);
    w.qualification = cr_LMSW;
    w.qualification_value = 1;
    expect_exit("7.1/paged real mode: LMSW exits", *area, w);
    area = &fresh_real(real_call); // between MOV CR0 and the far jump
    area->guest.cr0 |= PE;
    expect_exit("7.1/PE set, the caches still real mode's", *area, wanted(*area, Reason::V32CALL, 3));
}

} // namespace

void v32_tests() {
    skipping();
    real_memory();
    real_segments();
    real_interrupts();
    real_to_protected();
}
