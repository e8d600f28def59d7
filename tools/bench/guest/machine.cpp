#include "tools/bench/guest/machine.hpp"

#include "tools/bench/guest/kernels.hpp"

extern "C" {
void leave_ring_3();
void int_handler();
void sysenter_handler();
void page_fault_handler();
void dead_end();
void v32_exit();
extern char stack_top[], ring_3_stack_top[];
uint32_t lazy_page, lazy_entry, lazy_value; // for page_fault_loop
}

namespace bench {
namespace {

constexpr uint32_t mapped_tables = 24; // 4 MiB each
constexpr uint32_t big_begin = 16u << 20;
static_assert(big_begin + big_memory_bytes <= mapped_tables << 22);
constexpr uint32_t all = 7; // present, writable, user

uint64_t gdt[8], idt[256];
uint32_t tss[26];
alignas(4096) uint32_t directory[1024];
alignas(4096) uint32_t tables[mapped_tables * 1024];

template <typename T> uint32_t address(T* pointer) { return reinterpret_cast<uint32_t>(pointer); }

void outb(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
uint8_t inb(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void put(char c) {
    while (!(inb(0x3fd) & 0x20)) {
    }
    outb(0x3f8, static_cast<uint8_t>(c));
}

void set_gate(uint32_t vector, void (*handler)()) {
    const uint32_t offset = reinterpret_cast<uint32_t>(handler);
    idt[vector] = (offset & 0xffff) | 8u << 16 | uint64_t{0xee00} << 32 | uint64_t{offset >> 16} << 48;
}

void set_up_tables() {
    gdt[1] = 0x00cf9a000000ffff;
    gdt[2] = 0x00cf92000000ffff;
    gdt[3] = 0x00cffa000000ffff;
    gdt[4] = 0x00cff2000000ffff;
    const uint64_t base = address(tss);
    gdt[5] = (sizeof tss - 1) | (base & 0xffffff) << 16 | uint64_t{0x89} << 40 | (base >> 24) << 56;
    gdt[6] = 0x00009a010000ffff; // for real_mode.S: 16-bit code at 10000H, and data from 0
    gdt[7] = 0x000092000000ffff;
    tss[1] = address(stack_top) - 1024; // esp0: below it in_ring_3 has its frame
    tss[2] = 0x10;
    for (uint32_t i = 0; i < 256; ++i) set_gate(i, dead_end);
    set_gate(14, page_fault_handler);
    set_gate(20, v32_exit); // #VT
    set_gate(0x80, int_handler);
    set_gate(0x81, leave_ring_3);
    struct [[gnu::packed]] {
        uint16_t limit;
        uint32_t base;
    } const g{sizeof gdt - 1, address(gdt)}, i{sizeof idt - 1, address(idt)};
    asm volatile("lgdt %0\n\tlidt %1\n\tljmp $8, $1f\n1:\t"
                 "mov %2, %%ds\n\tmov %2, %%es\n\tmov %2, %%fs\n\tmov %2, %%gs\n\tmov %2, %%ss\n\tltr %w3"
                 :
                 : "m"(g), "m"(i), "r"(0x10), "r"(0x28)
                 : "memory");
}

void start_paging() {
    for (uint32_t i = 0; i < mapped_tables * 1024; ++i) tables[i] = i * 4096 | all;
    for (uint32_t i = 0; i < mapped_tables; ++i) directory[i] = address(tables + i * 1024) | all;
    lazy_page = 15u << 20;
    *reinterpret_cast<volatile uint32_t*>(lazy_page) = 1; // for page_fault_loop to add up
    lazy_entry = address(&tables[lazy_page >> 12]);
    lazy_value = lazy_page | all;
    tables[lazy_page >> 12] = 0;
    asm volatile("mov %0, %%cr3\n\tmov %%cr0, %%eax\n\tor $0x80000000, %%eax\n\tmov %%eax, %%cr0"
                 :
                 : "r"(directory)
                 : "eax", "memory");
}

void wrmsr(uint32_t msr, uint32_t value) { asm volatile("wrmsr" : : "c"(msr), "a"(value), "d"(0)); }

} // namespace

uint32_t features() {
    uint32_t a = 1, b, c, d;
    asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return d;
}

void set_up_machine() {
    outb(0x3fb, 0x80);
    outb(0x3f8, 1);
    outb(0x3f9, 0);
    outb(0x3fb, 3);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    set_up_tables();
    start_paging();
    const uint32_t has = features();
    if (has & 1u << 11) { // SYSENTER
        wrmsr(0x174, 8);
        wrmsr(0x175, address(stack_top) - 1024);
        wrmsr(0x176, reinterpret_cast<uint32_t>(sysenter_handler));
    }
    if (has & 1u << 25) { // SSE: CR4.OSFXSR
        asm volatile("mov %%cr4, %%eax\n\tor $0x200, %%eax\n\tmov %%eax, %%cr4" : : : "eax");
    }
}

void say(const char* text) {
    while (*text) put(*text++);
}

void say_hex(uint32_t value) {
    for (int shift = 28; shift >= 0; shift -= 4) put("0123456789ABCDEF"[value >> shift & 15]);
}

void switch_off() {
    while (!(inb(0x3fd) & 0x40)) {
    }
    for (const char* c = "Shutdown"; *c; ++c) outb(0x8900, static_cast<uint8_t>(*c)); // Bochs
    outb(0xf4, 0);
    for (;;) asm volatile("cli; hlt");
}

void* big_memory() { return reinterpret_cast<void*>(big_begin); }

void reload_cr3() { asm volatile("mov %%cr3, %%eax\n\tmov %%eax, %%cr3" : : : "eax", "memory"); }

} // namespace bench
