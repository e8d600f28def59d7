// The same work on both sides: enter, look at the reason, add the instruction's length to the guest's EIP. Neither VMM
// does more than that; that V32 mode also switches the general registers, and SVM leaves them to the VMM, is not
// charged.
//
// Source: docs/v32.md 4 and 7; AMD64 Architecture Programmer's Manual volume 2, chapter 15 and appendix B.
#include "tools/bench/guest/virtual.hpp"

#include "base/control_area.h"
#include "tools/bench/guest/machine.hpp"

extern "C" {
void virtual_guest(); // virtual.S
void v32_loop(truering::v32::ControlArea* area, uint32_t turns);
void svm_loop(uint8_t* vmcb, uint32_t turns);
extern char stack_top[];
}

namespace bench {
namespace {

using namespace truering;

struct Cpuid {
    uint32_t eax, ebx, ecx, edx;
};

Cpuid cpuid(uint32_t leaf) {
    Cpuid c;
    asm volatile("cpuid" : "=a"(c.eax), "=b"(c.ebx), "=c"(c.ecx), "=d"(c.edx) : "a"(leaf), "c"(0));
    return c;
}

bool has_v32() { return (features() >> V32_CPUID_EDX_BIT & 1) != 0; }
bool has_svm() { return cpuid(0x80000000).eax >= 0x80000001 && (cpuid(0x80000001).ecx >> 2 & 1) != 0; }

void wrmsr(uint32_t msr, uint32_t low) { asm volatile("wrmsr" : : "c"(msr), "a"(low), "d"(0) : "memory"); }
uint32_t rdmsr(uint32_t msr) {
    uint32_t low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return low;
}

template <typename T> uint32_t address(T* pointer) { return reinterpret_cast<uint32_t>(pointer); }

struct Control {
    uint32_t cr0, cr3, cr4;
};
Control control_registers() {
    Control c;
    asm volatile("mov %%cr0, %0\n\tmov %%cr3, %1\n\tmov %%cr4, %2" : "=r"(c.cr0), "=r"(c.cr3), "=r"(c.cr4));
    return c;
}

struct [[gnu::packed]] Table {
    uint16_t limit;
    uint32_t base;
};

constexpr uint16_t code = 0xC9B, data = 0xC93, busy_tss = 0x8B;
constexpr uint32_t no_limit = 0xffffffff, eflags = 2;

alignas(4096) v32::ControlArea area;
alignas(4096) uint8_t vmcb[4096], host_save[4096], permissions[3 * 4096];

void set_up_v32() {
    v32::StateRecord& g = area.guest;
    const Control control = control_registers();
    Table gdt, idt;
    asm volatile("sgdt %0\n\tsidt %1" : "=m"(gdt), "=m"(idt));
    area.revision = v32::revision;
    area.controls = v32::IF_SHADOW;
    g.gpr[4] = address(stack_top);
    g.eip = reinterpret_cast<uint32_t>(virtual_guest);
    g.eflags = eflags;
    g.cr0 = control.cr0;
    g.cr3 = control.cr3;
    g.cr4 = control.cr4;
    for (v32::SegmentRecord& s : g.segment) s = {0x10, data, no_limit, 0};
    g.segment[1] = {0x08, code, no_limit, 0};
    g.segment[6] = {0, v32::attributes_unusable, 0, 0};
    g.segment[7] = {0x28, busy_tss, 103, 0};
    g.gdtr = {gdt.limit, gdt.base};
    g.idtr = {idt.limit, idt.base};
    wrmsr(V32_MSR_VCA, address(&area) | V32_VCA_ENABLE);
}

void put(uint32_t offset, uint32_t value) { *reinterpret_cast<volatile uint32_t*>(vmcb + offset) = value; }

void put_segment(uint32_t offset, uint16_t selector, uint32_t attributes, uint32_t limit, uint32_t base) {
    put(offset, selector | attributes << 16);
    put(offset + 4, limit);
    put(offset + 8, base);
}

void set_up_svm() {
    constexpr uint32_t msr_EFER = 0xc0000080, EFER_SVME = 1 << 12, msr_VM_HSAVE_PA = 0xc0010117;
    constexpr uint32_t intercept_CPUID = 1 << 18, intercept_VMRUN = 1;
    const Control control = control_registers();
    Table gdt, idt;
    asm volatile("sgdt %0\n\tsidt %1" : "=m"(gdt), "=m"(idt));
    wrmsr(msr_EFER, rdmsr(msr_EFER) | EFER_SVME);
    wrmsr(msr_VM_HSAVE_PA, address(host_save));
    put(0x00c, intercept_CPUID);
    put(0x010, intercept_VMRUN);
    put(0x040, address(permissions)); // of ports and MSRs: none is intercepted
    put(0x048, address(permissions));
    put(0x058, 1); // ASID
    constexpr uint32_t data_segments[] = {0x400, 0x420, 0x430, 0x440, 0x450};
    for (const uint32_t data_segment : data_segments) put_segment(data_segment, 0x10, data, no_limit, 0);
    put_segment(0x410, 0x08, code, no_limit, 0);
    put_segment(0x460, 0, 0, gdt.limit, gdt.base);
    put_segment(0x480, 0, 0, idt.limit, idt.base);
    put_segment(0x490, 0x28, busy_tss, 103, 0);
    put(0x4d0, rdmsr(msr_EFER));
    put(0x548, control.cr4);
    put(0x550, control.cr3);
    put(0x558, control.cr0);
    put(0x560, 0x400);      // DR7
    put(0x568, 0xffff0ff0); // DR6
    put(0x570, eflags);
    put(0x578, reinterpret_cast<uint32_t>(virtual_guest));
    put(0x5d8, address(stack_top));
}

} // namespace

bool can_virtualize() { return has_v32() || has_svm(); }

uint32_t vm_exit(uint32_t turns) {
    if (has_v32()) {
        set_up_v32();
        v32_loop(&area, turns);
    } else {
        set_up_svm();
        svm_loop(vmcb, turns);
    }
    return turns;
}

} // namespace bench
