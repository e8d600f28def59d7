// Hardware task switches: what is saved, what is loaded, which bits change, and what may go wrong.
// SDM volume 3, chapter 7.
#include "harness.hpp"

using namespace conformance;

namespace {

[[gnu::naked]] void done() { asm("int $0x40"); }
[[gnu::naked]] void far_jump() { asm("ljmp *(%ebx); int $0x41"); }
[[gnu::naked]] void far_call() { asm("lcall *(%ebx); int $0x41"); }
[[gnu::naked]] void int_60() { asm("int $0x60; int $0x41"); }
[[gnu::naked]] void iret_then_done() { asm("iret; int $0x42"); }
[[gnu::naked]] void ud2() { asm("ud2; int $0x41"); }

constexpr uint32_t slot = first_free_slot, gate_slot = first_free_slot + 1, ldt_slot = first_free_slot + 2,
                   bad_slot = first_free_slot + 3;
constexpr uint16_t selector = slot_selector(slot), task_gate_selector = slot_selector(gate_slot, 3);
constexpr uint32_t TS = 8;

Tss32 other __attribute__((aligned(4096)));
Tss16 other16 __attribute__((aligned(64)));
uint64_t ldt[4] __attribute__((aligned(8)));

struct [[gnu::packed]] FarPointer {
    uint32_t offset;
    uint16_t selector;
} far_pointer;

bool is_busy(uint16_t which) { return gdt[which / 8] >> 41 & 1; }

// The other task: ring 3 unless told otherwise, with a value of its own in each register.
void make_other(Code code, uint32_t ring = 3) {
    other = {};
    other.ss0 = tss.ss0;
    other.esp0 = tss.esp0;
    other.cr3 = tss.cr3;
    other.eip = address(code);
    other.eflags = always | DF;
    other.eax = 0xa0a0a0a0;
    other.ecx = 0xc0c0c0c0;
    other.edx = 0xd0d0d0d0;
    other.ebx = 0xb0b0b0b0;
    other.esp = stack_top(ring) - 256;
    other.ebp = 0xe0e0e0e0;
    other.esi = 0x51515151;
    other.edi = 0xd1d1d1d1;
    other.cs = code_selector(ring);
    other.ss = other.es = other.ds = other.fs = other.gs = data_selector(ring);
    other.io_map_base = sizeof other;
    gdt[slot] = descriptor(address(&other), sizeof other - 1, present | tss32_available, 0);
}

void back_to_normal() {
    asm volatile("clts");
    load_ldt(0);
    load_tr(tss_selector);
}

Registers to(uint32_t ring, Code code, uint16_t target) {
    far_pointer = {0x12345678, target};
    Registers r = in_ring(ring, code);
    r.ebx = address(&far_pointer);
    r.eax = 0x11111111;
    r.ecx = 0x22222222;
    r.edx = 0x33333333;
    r.ebp = 0x44444444;
    r.esi = 0x55555555;
    r.edi = 0x66666666;
    return r;
}

void check_loaded(const Event& event) {
    check("EIP, CS, SS, ESP are the new task's", event.vector == vector::done && event.cs == other.cs &&
                                                     event.ss == other.ss && event.esp == stack_top(3) - 256);
    check("all general registers are", event.now.eax == 0xa0a0a0a0 && event.now.ecx == 0xc0c0c0c0 &&
                                           event.now.edx == 0xd0d0d0d0 && event.now.ebx == 0xb0b0b0b0 &&
                                           event.now.ebp == 0xe0e0e0e0 && event.now.esi == 0x51515151 &&
                                           event.now.edi == 0xd1d1d1d1);
    check("DS, ES, FS, GS are",
          event.now.ds == other.ds && event.now.es == other.es && event.now.fs == other.fs && event.now.gs == other.gs);
    check_equal("TR is", event.tr, selector);
}

void check_saved(const Registers& r, uint32_t length) {
    check("the old task's general registers are saved", tss.eax == r.eax && tss.ecx == r.ecx && tss.edx == r.edx &&
                                                            tss.ebx == r.ebx && tss.ebp == r.ebp && tss.esi == r.esi &&
                                                            tss.edi == r.edi && tss.esp == r.esp);
    check("and its segments", (tss.cs & 0xffff) == r.cs && (tss.ss & 0xffff) == r.ss && (tss.ds & 0xffff) == r.ds &&
                                  (tss.es & 0xffff) == r.es && (tss.fs & 0xffff) == r.fs && (tss.gs & 0xffff) == r.gs);
    check_equal("and EIP behind the instruction", tss.eip, r.eip + length);
}

void by_jump() {
    make_other(done);
    const Registers r = to(0, far_jump, selector);
    tss.back_link = 0x7777;
    const Event event = enter(r);
    check_loaded(event);
    check_saved(r, 2);
    check_equal("JMP: EFLAGS are the new task's, NT=0", event.eflags & ~status_flags, always | DF);
    check("JMP: the old TSS is available, the new one busy", !is_busy(tss_selector) && is_busy(selector));
    check_equal("JMP: the new back link is not written", other.back_link, 0);
    check("CR0.TS is set", cr0() & TS);
    back_to_normal();
}

void by_call_and_back() {
    make_other(done);
    Registers r = to(0, far_call, selector);
    Event event = enter(r);
    check_loaded(event);
    check_saved(r, 2);
    check_equal("CALL: NT=1 in the new task", event.eflags & ~status_flags, always | DF | NT);
    check("CALL: both TSSs are busy", is_busy(tss_selector) && is_busy(selector));
    check_equal("CALL: the back link", other.back_link & 0xffff, tss_selector);
    back_to_normal();

    make_other(iret_then_done, 0);
    gdt[slot] = descriptor(address(&other), sizeof other - 1, present | tss32_available, 0);
    default_gate(0x41, 3);
    event = enter(r);
    check("IRET with NT goes back", event.vector == 0x41 && event.tr == tss_selector);
    check_equal("behind the CALL", event.eip, r.eip + 2 + 2);
    check("IRET: the left TSS is available, the old one busy", is_busy(tss_selector) && !is_busy(selector));
    check("IRET: NT of the left task is saved as 0", !(other.eflags & NT));
    check_equal("IRET: its EIP is behind the IRET", other.eip, address(iret_then_done) + 1);
    check_equal("and the registers are back", event.now.eax, r.eax);
    event = enter(r); // again: it goes on behind its IRET
    check("a second CALL goes on there", event.vector == 0x42 || event.vector == vector::GP);
    default_gate(0x41);
    back_to_normal();
}

void by_gates() {
    make_other(done);
    gdt[gate_slot] = gate(selector, 0, present | task_gate | dpl(3));
    Event event = enter(to(3, far_jump, task_gate_selector));
    check_loaded(event);
    back_to_normal();
    make_other(done);
    const Registers caller = to(3, far_call, task_gate_selector);
    event = enter(caller);
    check("CALL by a task gate from ring 3", event.vector == vector::done && other.back_link == tss_selector);
    check("saves ring 3's state", (tss.cs & 0xffff) == caller.cs && tss.esp == caller.esp && tss.eip == caller.eip + 2);
    back_to_normal();

    make_other(done);
    idt[0x60] = gate(selector, 0, present | task_gate | dpl(3));
    Registers r = to(3, int_60, 0);
    r.eflags |= IF;
    event = enter(r);
    check("INT by a task gate: NT=1, link",
          event.vector == vector::done && (event.eflags & NT) && other.back_link == tss_selector);
    check_equal("saves EIP behind the INT", tss.eip, r.eip + 2);
    check("saves IF as it was", tss.eflags & IF);
    back_to_normal();
    default_gate(0x60);

    // A fault's error code goes to the new task's stack; EIP in the old TSS is at the instruction.
    make_other(done);
    idt[vector::UD] = gate(selector, 0, present | task_gate);
    r = to(3, ud2, 0);
    event = enter(r);
    check("#UD by a task gate", event.vector == vector::done && event.esp == stack_top(3) - 256);
    check("saves EIP at the instruction, RF=1", tss.eip == r.eip && (tss.eflags & RF));
    back_to_normal();
    default_gate(vector::UD);

    make_other(done);
    idt[vector::GP] = gate(selector, 0, present | task_gate);
    r = to(3, int_60, 0); // DPL 0: #GP(60H*8+2)
    event = enter(r);
    check("#GP by a task gate pushes the error code on the new stack",
          event.vector == vector::done && event.esp == stack_top(3) - 260 &&
              *reinterpret_cast<uint32_t*>(stack_top(3) - 260) == 0x60 * 8 + 2);
    back_to_normal();
    default_gate(vector::GP);
}

void sixteen_bits() {
    gdt[ldt_slot] = descriptor(address(done), 0xffff, present | code_readable | dpl(3), bits32);
    other16 = {};
    other16.ss0 = data_selector(0);
    other16.sp0 = 0x7000; // the INT that ends it goes to ring 0
    other16.cs = slot_selector(ldt_slot, 3);
    other16.ip = 0;
    other16.flags = always;
    other16.ax = 0xa1a1;
    other16.bx = 0xb1b1;
    other16.sp = 0x6800;
    other16.ss = other16.ds = other16.es = data_selector(3);
    gdt[slot] = descriptor(address(&other16), sizeof other16 - 1, present | tss16_available, 0);
    const Registers r = to(0, far_call, selector);
    const Event event = enter(r);
    check("CALL of a 16-bit TSS", event.vector == vector::done && event.tr == selector);
    check("the low halves are loaded", (event.now.eax & 0xffff) == 0xa1a1 && (event.now.ebx & 0xffff) == 0xb1b1);
    check("FS and GS are null", event.now.fs == 0 && event.now.gs == 0);
    check_equal("its back link is a word", other16.back_link, tss_selector);
    check_equal("the old task is saved in 32 bits", tss.esi, r.esi);
    check("types: 16-bit busy, 32-bit busy", is_busy(selector) && is_busy(tss_selector));
    back_to_normal();
}

void local_table_and_cr3() {
    ldt[1] = descriptor(0, 0xfffff, present | data_writable | dpl(3), bits32 | pages);
    gdt[ldt_slot] = descriptor(address(ldt), sizeof ldt - 1, present | ldt_type, 0);
    make_other(done);
    other.ldt = slot_selector(ldt_slot);
    other.ds = 8 + 4 + 3;
    Event event = enter(to(0, far_jump, selector));
    check("the new task's LDT serves its own DS", event.vector == vector::done && event.now.ds == (8u + 4 + 3));
    back_to_normal();
    make_other(done);
    other.ldt = tss_selector;
    event = enter(to(0, far_jump, selector));
    check("LDT of the new task is no LDT: #TS(LDT) in the new task",
          event.vector == vector::TS && event.error_code == tss_selector && event.tr == selector);
    back_to_normal();
}

alignas(4096) uint32_t directory[2][1024];
alignas(4096) uint32_t tables[2][1024];
alignas(4096) uint32_t frames[2][1024];
[[gnu::naked]] void read_window() { asm("mov 0x40000000, %eax; int $0x40"); }

void paging() {
    alignas(4096) static uint32_t low[1024];
    constexpr uint32_t all = 7;
    for (uint32_t i = 0; i < 1024; ++i) low[i] = i * 4096 | all;
    for (uint32_t i = 0; i < 2; ++i) {
        directory[i][0] = address(low) | all;
        directory[i][0x100] = address(tables[i]) | all;
        tables[i][0] = address(frames[i]) | all;
        frames[i][0] = 0x1000 + i;
    }
    set_cr3(address(directory[0]));
    set_cr0(cr0() | 0x80000000);
    make_other(read_window);
    other.cr3 = address(directory[1]);
    tss.cr3 = 0; // the processor does not save CR3
    Event event = enter(to(0, far_jump, selector));
    check_equal("the switch loads CR3", event.now.eax, 0x1001);
    check_equal("and does not save it", tss.cr3, 0);
    set_cr3(address(directory[0]));
    back_to_normal();
    set_cr0(cr0() & 0x7fffffff);
}

void debug_trap() {
    make_other(done);
    other.debug_trap = 1;
    asm volatile("mov %0, %%dr6" : : "r"(0));
    const Event event = enter(to(0, far_jump, selector));
    uint32_t dr6;
    asm volatile("mov %%dr6, %0" : "=r"(dr6));
    check("T in the TSS: #DB before its first instruction", event.vector == vector::DB && event.eip == address(done));
    check("DR6.BT", dr6 & 0x8000);
    asm volatile("mov %0, %%dr6" : : "r"(0));
    back_to_normal();
}

void refused() {
    make_other(done);
    expect_fault("JMP to a TSS with DPL < CPL: #GP(TSS)", to(3, far_jump, selector), vector::GP, selector);
    gdt[slot] = descriptor(address(&other), sizeof other - 1, present | tss32_busy, 0);
    expect_fault("JMP to a busy TSS: #GP(TSS)", to(0, far_jump, selector), vector::GP, selector);
    expect_fault("CALL of the own TSS: #GP(TSS)", to(0, far_call, tss_selector), vector::GP, tss_selector);
    gdt[slot] = descriptor(address(&other), sizeof other - 1, tss32_available, 0);
    expect_fault("JMP to an absent TSS: #NP(TSS)", to(0, far_jump, selector), vector::NP, selector);
    gdt[slot] = descriptor(address(&other), 0x66, present | tss32_available, 0);
    expect_fault("JMP to a TSS that is too small: #TS(TSS)", to(0, far_jump, selector), vector::TS, selector);
    gdt[slot] = descriptor(address(&other), 0x67, present | tss32_available, 0);
    check("one of 104 bytes is not", enter(to(0, far_jump, selector)).vector == vector::done);
    back_to_normal();
    gdt[slot] = descriptor(address(&other16), 0x2a, present | tss16_available, 0);
    expect_fault("a 16-bit TSS below 44 bytes: #TS(TSS)", to(0, far_jump, selector), vector::TS, selector);
    make_other(done);
    gdt[gate_slot] = gate(selector, 0, present | task_gate | dpl(2));
    expect_fault("a task gate with DPL < CPL: #GP(gate)", to(3, far_jump, task_gate_selector), vector::GP,
                 task_gate_selector & ~3u);
    gdt[gate_slot] = gate(selector, 0, task_gate | dpl(3));
    expect_fault("an absent task gate: #NP(gate)", to(3, far_jump, task_gate_selector), vector::NP,
                 task_gate_selector & ~3u);
    gdt[gate_slot] = gate(code_selector(0), 0, present | task_gate | dpl(3));
    expect_fault("a task gate to code: #GP(selector)", to(3, far_jump, task_gate_selector), vector::GP,
                 code_selector(0));
    gdt[gate_slot] = gate(selector | 4, 0, present | task_gate | dpl(3));
    expect_fault("a task gate to an LDT's TSS: #GP(selector)", to(3, far_jump, task_gate_selector), vector::GP,
                 selector | 4);
    // IRET by a back link to what is no busy TSS.
    Registers r = in_ring(0, iret_then_done);
    r.eflags |= NT;
    tss.back_link = selector;
    expect_fault("IRET with NT to a TSS that is not busy: #TS(TSS)", r, vector::TS, selector);
    tss.back_link = tss_selector | 4;
    expect_fault("IRET with NT to an LDT's TSS: #TS(selector)", r, vector::TS, tss_selector | 4);
}

// Faults of the new task's own segments come in the new task.
void bad_segments() {
    struct {
        const char* name;
        uint32_t Tss32::*field;
        uint32_t value, vector, error;
    } const cases[] = {
        {"SS null: #TS", &Tss32::ss, 0, vector::TS, 0},
        {"SS of ring 0: #TS(SS)", &Tss32::ss, data_selector(0), vector::TS, data_selector(0)},
        {"SS absent: #SS(SS)", &Tss32::ss, slot_selector(bad_slot, 3), vector::SS, slot_selector(bad_slot)},
        {"CS is data: #TS(CS)", &Tss32::cs, data_selector(3), vector::TS, data_selector(3) & ~3u},
        {"DS of ring 0: #TS(DS)", &Tss32::ds, data_selector(0), vector::TS, data_selector(0)},
        {"ES absent: #NP(ES)", &Tss32::es, slot_selector(bad_slot, 3), vector::NP, slot_selector(bad_slot)},
        {"GS beyond the GDT: #TS(GS)", &Tss32::gs, gdt_slots * 8, vector::TS, gdt_slots * 8},
    };
    gdt[bad_slot] = descriptor(0, 0xfffff, data_writable | dpl(3), bits32 | pages);
    for (const auto& item : cases) {
        make_other(done);
        other.*item.field = item.value;
        const Event event = enter(to(0, far_jump, selector));
        check(item.name, event.vector == item.vector && event.tr == selector);
        // The stack it is reported on depends on what was loaded; the code is the first word of it.
        check_equal(item.name, *reinterpret_cast<uint32_t*>(event.now.esp), item.error);
        back_to_normal();
    }
}

void to_v86() {
    make_other(done);
    *reinterpret_cast<volatile uint16_t*>(0x50000) = 0x40cd;
    other.eflags = always | VM | IOPL3;
    other.cs = 0x5000;
    other.eip = 0;
    other.ss = 0x6000;
    other.esp = 0x1000;
    other.ds = 0x1234;
    const Event event = enter(to(0, far_jump, selector));
    check("a task may begin in virtual-8086 mode",
          event.vector == vector::done && (event.eflags & VM) && event.cs == 0x5000 && event.ds == 0x1234);
    back_to_normal();
}

} // namespace

void conformance_tests() {
    by_jump();
    by_call_and_back();
    by_gates();
    sixteen_bits();
    local_table_and_cr3();
    paging();
    debug_trap();
    refused();
    bad_segments();
    to_v86();
}
