// Encodings that ordinary code never uses, so that every row of the integer and system instructions is executed by some
// test: FS and GS on the stack, far pointers into SS and FS, the hint NOPs, UD0 and UD1, SIDT, RDPMC, SYSENTER and
// SYSEXIT. SDM volume 2.
#include "harness.hpp"

using namespace conformance;

namespace {

[[gnu::naked]] void push_pop_fs() { asm("mov %ax, %fs; push %fs; push $0; pop %fs; pop %fs; int $0x40"); }
[[gnu::naked]] void push_pop_gs() { asm("mov %ax, %gs; push %gs; push $0; pop %gs; pop %gs; int $0x40"); }
[[gnu::naked]] void lss() { asm("lss (%ebx), %esp; int $0x40"); }
[[gnu::naked]] void lfs() { asm("lfs (%ebx), %edx; int $0x40"); }
[[gnu::naked]] void sidt() { asm("sidt (%ebx); int $0x40"); }
[[gnu::naked]] void rdpmc() { asm("rdpmc; int $0x40"); }
[[gnu::naked]] void ud0() { asm(".byte 0x0f, 0xff, 0xc0; int $0x40"); }
[[gnu::naked]] void ud1() { asm(".byte 0x0f, 0xb9, 0xc0; int $0x40"); }
// Every hint NOP, with a register and with memory that is not there: none of them touches it.
[[gnu::naked]] void hints() {
    asm(".byte 0x0f, 0x19, 0x00, 0x0f, 0x1a, 0x00, 0x0f, 0x1b, 0x00, 0x0f, 0x1c, 0x00, 0x0f, 0x1d, 0x00;"
        ".byte 0x0f, 0x1e, 0x00, 0x0f, 0x1f, 0x00;"
        ".byte 0x0f, 0x18, 0xc1, 0x0f, 0x18, 0xc9, 0x0f, 0x18, 0xd1, 0x0f, 0x18, 0xd9;"
        ".byte 0x0f, 0x18, 0x20, 0x0f, 0x18, 0x28, 0x0f, 0x18, 0x30, 0x0f, 0x18, 0x38;"
        "int $0x40");
}

struct [[gnu::packed]] FarPointer {
    uint32_t offset;
    uint16_t selector;
} far_pointer;

struct [[gnu::packed]] PseudoDescriptor {
    uint16_t limit;
    uint32_t base;
} table;

Registers with_ebx(uint32_t ring, Code code, const void* pointer) {
    Registers r = in_ring(ring, code);
    r.ebx = address(pointer);
    return r;
}

void selectors_on_the_stack() {
    constexpr Code codes[] = {push_pop_fs, push_pop_gs};
    for (const Code code : codes) {
        Registers r = in_ring(3, code);
        r.eax = data_selector(3);
        const Event event = expect_done("PUSH and POP of FS, GS", r);
        check_equal("the selector comes back", code == push_pop_fs ? event.now.fs : event.now.gs, data_selector(3));
        check_equal("ESP is where it was", event.esp, r.esp);
    }
}

void far_pointers() {
    far_pointer = {stack_top(3) - 16, data_selector(3)};
    Event event = expect_done("LSS", with_ebx(3, lss, &far_pointer));
    check_equal("LSS loads ESP", event.esp, stack_top(3) - 16);
    check_equal("LSS loads SS", event.ss, data_selector(3));
    far_pointer = {0x12345678, data_selector(3)};
    event = expect_done("LFS", with_ebx(3, lfs, &far_pointer));
    check_equal("LFS loads the register", event.now.edx, 0x12345678);
    check_equal("LFS loads FS", event.now.fs, data_selector(3));
}

void tables_and_counters() {
    table = {};
    expect_done("SIDT in ring 3", with_ebx(3, sidt, &table));
    check_equal("SIDT stores the base", table.base, address(idt));
    Registers r = in_ring(0, rdpmc);
    r.ecx = 0;
    expect_done("RDPMC in ring 0", r);
    r = in_ring(3, rdpmc);
    r.ecx = 0;
    expect_fault("RDPMC in ring 3 with CR4.PCE=0: #GP(0)", r, vector::GP, 0);
}

void undefined_by_name() {
    expect_fault("UD0: #UD", in_ring(3, ud0), vector::UD);
    expect_fault("UD1: #UD", in_ring(3, ud1), vector::UD);
    Registers r = in_ring(3, hints);
    r.eax = 0xfffffff0;
    expect_done("hint NOPs", r);
}

void write_msr(uint32_t index, uint32_t value) { asm volatile("wrmsr" ::"c"(index), "a"(value), "d"(0)); }

[[gnu::naked]] void system_entry() { asm("sysexit"); } // EDX and ECX are the program's EIP and ESP
[[gnu::naked]] void returned() { asm("int $0x40"); }
[[gnu::naked]] void system_call() { asm("sysenter"); }
[[gnu::naked]] void sysexit() { asm("sysexit"); }

void fast_system_calls() {
    if ((features() & has_SEP) == 0) return skip("SYSENTER", "the processor has none");
    Registers r = in_ring(3, system_call);
    write_msr(0x174, 0);
    expect_fault("SYSENTER with a null SYSENTER_CS: #GP(0)", r, vector::GP, 0);
    write_msr(0x174, code_selector(0));
    write_msr(0x175, inner_stack_top(1));
    write_msr(0x176, address(system_entry));
    r.edx = address(returned);
    r.ecx = stack_top(3) - 32;
    const Event event = expect_done("SYSENTER and SYSEXIT", r);
    check_equal("SYSEXIT loads EIP", event.eip, address(returned) + 2);
    check_equal("SYSEXIT loads ESP", event.esp, stack_top(3) - 32);
    check_equal("SYSEXIT loads CS", event.cs, code_selector(0) + 16 + 3);
    check_equal("SYSEXIT loads SS", event.ss, code_selector(0) + 24 + 3);
    expect_fault("SYSEXIT in ring 3: #GP(0)", in_ring(3, sysexit), vector::GP, 0);
}

} // namespace

void conformance_tests() {
    selectors_on_the_stack();
    far_pointers();
    tables_and_counters();
    undefined_by_name();
    fast_system_calls();
}
