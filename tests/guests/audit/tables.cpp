#include "tests/guests/audit/tables.hpp"

#include "tests/guests/audit/selectors.h"

extern "C" {
extern const truering::u32 stubs[VECTORS]; // harness.S
extern char ring_0_stack_top[];
void kernel_handler(); // probes.S
}

namespace audit {

namespace {

// SDM volume 3, figure 3-8: base and limit are scattered for the 80286's sake.
constexpr u64 descriptor(u32 base, u32 limit, u32 access, u32 flags) {
    return (limit & 0xFFFFu) | (u64{base & 0xFF'FFFFu} << 16) | (u64{access} << 40) | (u64{limit >> 16 & 15u} << 48) |
           (u64{flags} << 52) | (u64{base >> 24} << 56);
}
constexpr u64 flat(u32 access) { return descriptor(0, 0xF'FFFF, access, 0xC); }
constexpr u32 code_0 = 0x9B, data_0 = 0x93, code_3 = 0xFB, data_3 = 0xF3, ldt = 0x82, tss_available = 0x89;

struct Tss { // SDM volume 3, figure 7-2; the stack of ring 0 alone matters
    u32 back_link, esp0, ss0, rest[22];
    u16 debug_trap, io_map_base;
};
static_assert(sizeof(Tss) == 104);

struct [[gnu::packed]] TableRegister {
    u16 limit;
    u32 base;
};

struct Tables {
    u64 gdt[12];
    u64 idt[VECTORS];
    u64 ldt[1];
    Tss tss;
};
Tables kernel, monitor;

u32 address_of(const void* object) { return reinterpret_cast<u32>(object); }

constexpr u64 gate(u32 offset, u16 code) { // a 32-bit interrupt gate, open to all rings
    return (offset & 0xFFFFu) | u64{code} << 16 | u64{0xEE00} << 32 | u64{offset >> 16} << 48;
}

void fill(Tables& tables, u16 code, u16 data, u16 ldt_selector, u16 tss_selector) {
    tables.gdt[USER_CODE / 8] = flat(code_3);
    tables.gdt[USER_DATA / 8] = flat(data_3);
    tables.gdt[PRIVATE_DATA / 8] = descriptor(0, private_limit, data_0, 4);
    tables.gdt[code / 8] = flat(code_0);
    tables.gdt[data / 8] = flat(data_0);
    tables.gdt[ldt_selector / 8] = descriptor(address_of(tables.ldt), sizeof tables.ldt - 1, ldt, 0);
    tables.gdt[tss_selector / 8] = descriptor(address_of(&tables.tss), sizeof tables.tss - 1, tss_available, 0);
    tables.tss.esp0 = address_of(ring_0_stack_top);
    tables.tss.ss0 = data;
    tables.tss.io_map_base = sizeof tables.tss; // no port is open to ring 3
    for (u32 n = 0; n < VECTORS; ++n) tables.idt[n] = gate(stubs[n], code);
}

template <u16 code> void load(const Tables& tables, u16 data, u16 ldt_selector, u16 tss_selector) {
    const TableRegister gdtr{sizeof tables.gdt - 1, address_of(tables.gdt)};
    const TableRegister idtr{sizeof tables.idt - 1, address_of(tables.idt)};
    asm volatile("lgdt %0\n\t"
                 "ljmp %2, $1f\n"
                 "1:\tmov %3, %%ds\n\t"
                 "mov %3, %%es\n\t"
                 "mov %3, %%fs\n\t"
                 "mov %3, %%gs\n\t"
                 "mov %3, %%ss\n\t"
                 "lidt %1\n\t"
                 "lldt %w4\n\t"
                 "ltr %w5"
                 :
                 : "m"(gdtr), "m"(idtr), "i"(code), "r"(u32{data}), "r"(u32{ldt_selector}), "r"(u32{tss_selector})
                 : "memory");
}

} // namespace

extern "C" TableRegister kernel_gdt_register; // of a probe
TableRegister kernel_gdt_register;

u32 kernel_gdt_base() { return address_of(kernel.gdt); }
u32 kernel_idt_base() { return address_of(kernel.idt); }

void load_kernel_tables() {
    fill(kernel, KERNEL_CODE, KERNEL_DATA, KERNEL_LDT, KERNEL_TSS);
    kernel.idt[VECTOR_KERNEL] = gate(reinterpret_cast<u32>(kernel_handler), KERNEL_CODE);
    kernel_gdt_register = {sizeof kernel.gdt - 1, kernel_gdt_base()};
    load<KERNEL_CODE>(kernel, KERNEL_DATA, KERNEL_LDT, KERNEL_TSS);
    asm volatile("mov %0, %%cr0" : : "r"(kernel_CR0));
}

void load_monitor_tables() {
    fill(monitor, MONITOR_CODE, MONITOR_DATA, MONITOR_LDT, MONITOR_TSS);
    monitor.gdt[KERNEL_CODE / 8] = flat(code_3);
    monitor.gdt[KERNEL_DATA / 8] = flat(data_3);
    load<MONITOR_CODE>(monitor, MONITOR_DATA, MONITOR_LDT, MONITOR_TSS);
    asm volatile("mov %0, %%cr0" : : "r"(monitor_CR0));
}

} // namespace audit
