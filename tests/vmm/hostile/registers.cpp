// The registers that a VMM keeps from its guest, the mode's own instructions, and the places where its code could be.
#include "tests/vmm/hostile/hostile.hpp"

#include "base/control_area.h"
#include "vmm/hypercall.h"

namespace hostile {

namespace {

[[gnu::naked]] void do_rdmsr() { asm("rdmsr; int $0x40"); }
[[gnu::naked]] void do_wrmsr() { asm("wrmsr; int $0x40"); }
[[gnu::naked]] void do_V32ENTER() { asm(".byte 0x0f, 0x04, 0xc0; int $0x40"); }
[[gnu::naked]] void do_V32CALL() { asm(".byte 0x0f, 0x04, 0xc1; int $0x40"); }
[[gnu::naked]] void do_mov_cr4() { asm("mov %eax, %cr4; int $0x40"); }
[[gnu::naked]] void do_mov_cr0() { asm("mov %eax, %cr0; mov %ebx, %cr0; int $0x40"); }
[[gnu::naked]] void do_mov_cr3() { asm("mov %eax, %cr3; int $0x40"); }
[[gnu::naked]] void do_lmsw() { asm("lmsw %ax; mov %ebx, %cr0; int $0x40"); }
[[gnu::naked]] void do_mov_dr() { asm("mov %eax, %dr0; mov %eax, %dr3; mov %ebx, %dr7; int $0x40"); }
[[gnu::naked]] void do_cpuid() { asm("cpuid; int $0x40"); }

Registers with(Code code, uint32_t eax, uint32_t ecx = 0, uint32_t edx = 0) {
    Registers r = in_ring(0, code);
    r.eax = eax;
    r.ebx = cr0();
    r.ecx = ecx;
    r.edx = edx;
    return r;
}

constexpr uint32_t APIC_BASE = 0x1B, TSC = 0x10;

// RDMSR, then WRMSR of what was read, of chance, and of what was read again.
void try_msr(uint32_t number) {
    const Event was = enter(with(do_rdmsr, 0, number));
    enter(with(do_wrmsr, random(), number, random()));
    enter(with(do_wrmsr, hidden_begin() | 0x800 | below(2) << 8, number));
    if (was.vector == vector::done && number != TSC) enter(with(do_wrmsr, was.now.eax, number, was.now.edx));
}

void model_specific_registers() {
    for (uint32_t number = 0; number < 0x2000; ++number) try_msr(number);
    for (uint32_t number = 0; number < 0x400; ++number) {
        try_msr(0xC000'0000 + number);
        try_msr(0x4000'0000 + number);
        try_msr(random());
    }
    bool gp = true;
    const uint32_t values[] = {0, 1, 0x0040'0001, hidden_begin() | 1, random()};
    for (uint32_t number = V32_MSR_CAP; number <= V32_MSR_VCA; ++number) {
        gp = gp && enter(with(do_rdmsr, 0, number)).vector == vector::GP;
        for (const uint32_t value : values) gp = gp && enter(with(do_wrmsr, value, number)).vector == vector::GP;
    }
    check("the mode's registers do not exist", gp);
    check("CPUID does not tell of the mode", (enter(with(do_cpuid, 1)).now.edx >> V32_CPUID_EDX_BIT & 1) == 0);
}

void control_registers() {
    constexpr uint32_t PE = 1, PG = 1u << 31;
    check("CR4.V32 cannot be set", enter(with(do_mov_cr4, 1u << V32_CR4_BIT)).vector == vector::GP);
    check("and is not seen", (cr4() >> V32_CR4_BIT & 1) == 0);
    const uint32_t own_cr4 = cr4();
    for (uint32_t n = 0; n < 64; ++n) {
        enter(with(do_mov_cr3, random())); // without paging: nothing is loaded yet
        enter(with(do_mov_cr4, n < 32 ? 1u << n : random()));
        enter(with(do_mov_cr0, (random() & ~PG) | PE));
        enter(with(do_lmsw, random() | PE));
        Registers r = with(do_mov_dr, hidden_begin() + n);
        r.ebx = random() & ~0x2000u; // not GD
        enter(r);
        set_cr4(own_cr4);
    }
    asm volatile("mov %0, %%dr7; mov %0, %%cr3" : : "r"(0));
    // Paging with PDPTEs that are none, or are in the hidden range: refused, or a fault of the guest's own.
    set_cr4(own_cr4 | 1u << 5);
    set_cr3(hidden_begin());
    Registers r = with(do_mov_cr0, cr0() | PG);
    const Event event = enter(r);
    check("PDPTEs of ones are refused", event.vector == vector::GP && (cr0() & PG) == 0);
    set_cr4(own_cr4);
    set_cr3(0);
}

void the_mode_itself() {
    bool ud = true, answered = true;
    for (uint32_t ring = 0; ring < 4; ++ring) ud = ud && enter(in_ring(ring, do_V32ENTER)).vector == vector::UD;
    check("V32ENTER does not exist", ud);
    for (uint32_t n = 0; n < 4096; ++n) {
        Registers r = in_ring(below(4), do_V32CALL);
        r.eax = n < 2048 ? RINGMASTER_COUNT_EXITS : random();
        if (r.eax == RINGMASTER_SAY_ACCOUNT) continue;
        r.ebx = random();
        r.ecx = n % 2 != 0 ? random() : n;
        r.edx = random();
        r.esi = hidden_begin();
        r.edi = random();
        answered = answered && enter(r).vector == vector::done;
    }
    check("V32CALL with anything returns", answered);
}

} // namespace

void registers() {
    the_mode_itself();
    control_registers();
    model_specific_registers();
}

// Code there would be ones: FFH FFH is no instruction.
void visit_VMM() {
    bool refused = true;
    const auto visit = [&](uint32_t eip) {
        Registers r = in_ring(below(4), do_cpuid);
        r.eip = eip;
        const Event event = enter(r);
        refused = refused && event.vector == vector::UD && event.eip == eip;
    };
    for (uint32_t at = hidden_begin(); at < hidden_end(); at += page) visit(at + below(page - 16));
    for (uint32_t at = 0xF000'0000; at < 0xF040'0000; at += page) visit(at);
    check("no code is there", refused);
}

void flood() {
    const uint32_t own_cr3 = 0, own_cr0 = cr0();
    for (uint32_t n = 0; n < 10'000; ++n) {
        uint32_t a = n, b, c, d;
        asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
        set_cr3(own_cr3);
        set_cr0(own_cr0);
        asm volatile("invlpg (%0); smsw %%ax; wbinvd; invd" : : "r"(random()) : "eax", "memory");
    }
    check("the guest is still here after a flood of exits", true);
}

} // namespace hostile
