// Faults while a fault is delivered: which pairs make #DF, which are delivered one after the other.
// SDM volume 3, tables 6-4 and 6-5.
#include "harness.hpp"

using namespace conformance;

namespace {

[[gnu::naked]] void ud2() { asm("ud2; int $0x40"); }
[[gnu::naked]] void div_ecx() { asm("div %ecx; int $0x40"); }
[[gnu::naked]] void int_60() { asm("int $0x60; int $0x40"); }
[[gnu::naked]] void cli() { asm("cli; int $0x40"); }
[[gnu::naked]] void read_ebx() { asm("mov (%ebx), %eax; int $0x40"); }
[[gnu::naked]] void done() { asm("int $0x40"); }

constexpr uint32_t slot = first_free_slot;
Tss32 other __attribute__((aligned(4096)));

void make_absent(uint32_t vector) { idt[vector] &= ~(uint64_t{present} << 40); }

void expect_double_fault(const char* name, const Registers& r) {
    const Event event = enter(r);
    check(name, event.vector == vector::DF && event.error_code == 0);
}

void without_paging() {
    make_absent(vector::UD);
    check("benign, then contributory: the second (#NP)", enter(in_ring(3, ud2)).vector == vector::NP);
    default_gate(vector::UD);
    make_absent(vector::DE);
    expect_double_fault("#DE, then #NP: #DF(0)", in_ring(3, div_ecx));
    default_gate(vector::DE);
    make_absent(vector::GP);
    expect_double_fault("#GP, then #NP: #DF(0)", in_ring(3, cli));
    idt[0x60] = gate(data_selector(0), 0, present | interrupt_gate32);
    expect_double_fault("the same in ring 0 by INT", in_ring(0, int_60));
    default_gate(0x60);
    idt[vector::GP] = gate(data_selector(0), 0, present | interrupt_gate32);
    expect_double_fault("#GP, then #GP: #DF(0)", in_ring(3, cli));
    default_gate(vector::GP);
    make_absent(0x60);
    make_absent(vector::NP);
    expect_double_fault("#NP, then #NP: #DF(0)", in_ring(0, int_60));
    default_gate(vector::NP);
    default_gate(0x60);
}

alignas(4096) uint32_t directory[1024];
alignas(4096) uint32_t low[1024];
constexpr uint32_t nowhere = 0x40000000;

void with_paging() {
    constexpr uint32_t all = 7;
    for (uint32_t i = 0; i < 1024; ++i) low[i] = i * 4096 | all;
    directory[0] = address(low) | all;
    set_cr3(address(directory));
    set_cr0(cr0() | 0x80000000);
    Registers r = in_ring(3, read_ebx);
    r.ebx = nowhere;
    check("#PF by itself", enter(r).vector == vector::PF);
    make_absent(vector::PF);
    expect_double_fault("#PF, then #NP: #DF(0)", r);
    default_gate(vector::PF);

    // A trap stack that is absent, and #DF by a task gate, which has a stack of its own.
    other = {};
    other.cr3 = address(directory);
    other.eip = address(done);
    other.eflags = always;
    other.cs = code_selector(0);
    other.ss = other.ds = other.es = other.fs = other.gs = data_selector(0);
    other.esp = stack_top(0);
    gdt[slot] = descriptor(address(&other), sizeof other - 1, present | tss32_available, 0);
    idt[vector::DF] = gate(slot_selector(slot), 0, present | task_gate);
    const uint32_t esp0 = tss.esp0;
    tss.esp0 = nowhere + 4096;
    Event event = enter(r);
    check("#PF, then #PF while it is pushed: #DF by its task gate",
          event.vector == vector::done && event.tr == slot_selector(slot));
    check_equal("CR2 is the second fault's", cr2() & ~0xfffu, nowhere);
    check_equal("the error code 0 is on the task's stack", *reinterpret_cast<uint32_t*>(stack_top(0) - 4), 0);
    check_equal("the TSS holds the EIP of the first", tss.eip, r.eip);
    load_tr(tss_selector);
    asm volatile("clts");

    gdt[slot] = descriptor(address(&other), sizeof other - 1, present | tss32_available, 0);
    other.esp = stack_top(0);
    other.eip = address(done);
    other.eflags = always;
    event = enter(in_ring(3, cli));
    check("#GP, then #PF while it is pushed: #PF, then #PF again: #DF",
          event.vector == vector::done && event.tr == slot_selector(slot));
    load_tr(tss_selector);
    asm volatile("clts");
    tss.esp0 = esp0;
    default_gate(vector::DF);

    set_cr0(cr0() & 0x7fffffff);
}

} // namespace

void conformance_tests() {
    without_paging();
    with_paging();
}
