// Section 8's list: each exit_reason comes about, in its plainest form, with vector and error code of the table. What
// exits when is section 6's: the images of that section.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void mov_to_cr3() { asm("mov %ecx, %cr3"); }
[[gnu::naked]] void mov_from_dr1() { asm("mov %dr1, %edx"); }
[[gnu::naked]] void lgdt() { asm("lgdt (%ebx)"); }
[[gnu::naked]] void sldt() { asm("sldt %ecx"); }
[[gnu::naked]] void in_dx() { asm("in %dx, %ax"); }
[[gnu::naked]] void rdmsr() { asm("rdmsr"); }
[[gnu::naked]] void wrmsr() { asm("wrmsr"); }
[[gnu::naked]] void cpuid() { asm("cpuid"); }
[[gnu::naked]] void hlt() { asm("hlt"); }
[[gnu::naked]] void invlpg() { asm("invlpg 0x10(%ebx)"); }
[[gnu::naked]] void invd() { asm("invd"); }
[[gnu::naked]] void wbinvd() { asm("wbinvd"); }
[[gnu::naked]] void rdtsc() { asm("rdtsc"); }
[[gnu::naked]] void rdpmc() { asm("rdpmc"); }
[[gnu::naked]] void int_42() { asm("int $0x42"); }
[[gnu::naked]] void enter_v32() { asm(".byte 0x0f, 0x04, 0xc0"); }
[[gnu::naked]] void call() { asm(CALL_VMM); }
[[gnu::naked]] void undefined() { asm("ud2"); }
[[gnu::naked]] void cli() { asm("cli"); }
[[gnu::naked]] void nops() { asm("nop; nop; nop; nop"); }
[[gnu::naked]] void reset_by_port_92() {
    asm("in $0x92, %al; and $0xfe, %al; out %al, $0x92; or $1, %al; out %al, $0x92; 1: jmp 1b");
}
[[gnu::naked]] void jump_to_tss() { asm("ljmp $0x50, $0"); }
static_assert(slot_selector(first_free_slot) == 0x50);

struct Case {
    const char* name;
    Code code;
    u32 controls;
    Reason reason;
    u32 length, qualification, value;
};

constexpr u32 ebx = 0x44444444, ecx = 0x22222222, edx = 0x33333333; // as fresh_area() sets them

void by_instructions() {
    const Case cases[] = {
        {"8/reason CR_ACCESS", mov_to_cr3, 0, Reason::CR_ACCESS, 3, cr_MOV_to | 3u | u32{ECX} << operand_register_shift,
         ecx},
        {"8/reason DR_ACCESS", mov_from_dr1, DR_EXIT, Reason::DR_ACCESS, 3,
         cr_MOV_from | 1u | u32{EDX} << operand_register_shift, 0},
        {"8/reason DT_LOAD", lgdt, DT_LOAD_EXIT, Reason::DT_LOAD, 3, dt_GDTR | u32{operand_in_memory}, ebx},
        {"8/reason DT_STORE", sldt, DT_STORE_EXIT, Reason::DT_STORE, 3, dt_LDTR | u32{ECX} << operand_register_shift,
         0},
        {"8/reason IO", in_dx, 0, Reason::IO, 2, 2 | u32{io_in} | (edx & 0xffff) << io_port_shift, 0},
        {"8/reason MSR_READ", rdmsr, 0, Reason::MSR_READ, 2, 0, 0},
        {"8/reason MSR_WRITE", wrmsr, 0, Reason::MSR_WRITE, 2, 0, 0},
        {"8/reason CPUID", cpuid, 0, Reason::CPUID, 2, 0, 0},
        {"8/reason HLT", hlt, HLT_EXIT, Reason::HLT, 1, 0, 0},
        {"8/reason INVLPG", invlpg, INVLPG_EXIT, Reason::INVLPG, 4, 0, ebx + 0x10},
        {"8/reason CACHE: INVD", invd, 0, Reason::CACHE, 2, 0, 0},
        {"8/reason CACHE: WBINVD", wbinvd, 0, Reason::CACHE, 2, 0, 0},
        {"8/reason RDTSC", rdtsc, RDTSC_EXIT, Reason::RDTSC, 2, 0, 0},
        {"8/reason RDPMC", rdpmc, RDPMC_EXIT, Reason::RDPMC, 2, 0, 0},
        {"8/reason V32ENTER", enter_v32, 0, Reason::V32ENTER, 3, 0, 0},
        {"8/reason V32CALL", call, 0, Reason::V32CALL, 3, 0, 0},
    };
    for (const Case& c : cases) {
        ControlArea& area = fresh_area(c.code);
        area.controls = c.controls;
        Wanted w = wanted(area, c.reason, c.length);
        w.qualification = c.qualification;
        w.qualification_value = c.value;
        expect_exit(c.name, area, w);
    }
}

void by_events() {
    ControlArea* area = &fresh_area(int_42);
    Wanted w = wanted(*area, Reason::SOFT_INT, 2);
    w.qualification = 0x42;
    w.event = an_event(event_INT, 0x42, length_bits(2));
    expect_exit("8/reason SOFT_INT", *area, w);

    area = &fresh_area(undefined);
    expect_exit("8/reason EXCEPTION", *area, wanted_fault(*area, vector::UD, 2));

    area = &fresh_area(cli);
    area->guest.sif = 1;
    w = wanted(*area, Reason::IF_MODIFY, 1);
    w.qualification = if_CLI;
    w.bytes_at = area->guest.eip;
    w.guest.eip += 1;
    expect_exit("8/reason IF_MODIFY", *area, w);

    area = &fresh_area(nops);
    area->controls = WINDOW_EXIT;
    area->guest.sif = 1;
    expect_exit("8/reason IF_WINDOW", *area, wanted(*area, Reason::IF_WINDOW));

    area = &fresh_area(nops);
    area->controls = STEP_EXIT;
    w = wanted(*area, Reason::STEP);
    w.guest.eip += 1;
    expect_exit("8/reason STEP", *area, w);

    area = &fresh_area(undefined);
    give_all_events(*area);
    area->guest.idtr.limit = 0;
    w = wanted(*area, Reason::SHUTDOWN);
    w.vectoring_event = exception_event(vector::DF);
    w.guest.eflags |= RF; // as the #DF would have pushed it
    expect_exit("8/reason SHUTDOWN", *area, w);

    area = &fresh_area(jump_to_tss);
    guest_gdt[first_free_slot] = descriptor(scratch, sizeof(Tss32) - 1, present | tss32_available, 0);
    w = wanted(*area, Reason::TASK_SWITCH, 7);
    w.qualification = u32{task_JMP} | slot_selector(first_free_slot);
    expect_exit("8/reason TASK_SWITCH", *area, w);
    check("8/reason TASK_SWITCH: the new task is not busy",
          guest_gdt[first_free_slot] == descriptor(scratch, sizeof(Tss32) - 1, present | tss32_available, 0));

    area = &fresh_area(reset_by_port_92); // the guest has the ports: it pulses INIT# of the processor
    for (u32 i = 0; i < 8192; i += 4) word_at(scratch + i) = 0;
    area->io_bitmap = scratch;
    w = wanted(*area, Reason::INIT);
    run(*area);
    w.guest.eip = area->guest.eip;
    w.guest.gpr[EAX] = area->guest.gpr[EAX];
    w.guest.eflags = area->guest.eflags & (status_flags | always);
    judge_exit("8/reason INIT", *area, w);
    out8(0x92, static_cast<u8>(in8(0x92) & 0xfe));
}

// EXTINT and NMI: section-8-delivery.cpp, by their names there.

} // namespace

void v32_tests() {
    by_instructions();
    by_events();
}
