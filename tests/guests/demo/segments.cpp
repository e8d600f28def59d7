#include "segments.hpp"

#include "narrate.hpp"

namespace demo {
namespace {

// SDM volume 3, figure 7-2. Only ss0, esp0 and the I/O map's base matter to a kernel that switches tasks by itself.
struct Tss {
    uint32_t back_link;
    uint32_t esp0, ss0, esp1, ss1, esp2, ss2;
    uint32_t cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t debug_trap, io_map_base;
};
static_assert(sizeof(Tss) == 104);

Tss tss;
uint64_t gdt[6];

// SDM volume 3, figure 3-8: base and limit are scattered for the 80286's sake.
constexpr uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t access, uint32_t flags) {
    return (limit & 0xffffu) | (uint64_t{base & 0xffffffu} << 16) | (uint64_t{access} << 40) |
           (uint64_t{limit >> 16 & 15u} << 48) | (uint64_t{flags} << 52) | (uint64_t{base >> 24} << 56);
}

constexpr uint32_t flat = 0xfffff;
constexpr uint32_t pages_32bit = 0xc; // G: the limit counts pages; D: 32-bit

struct [[gnu::packed]] Pointer {
    uint16_t limit;
    uint32_t base;
};

} // namespace

void load_segments() {
    gdt[0] = 0;
    gdt[1] = descriptor(0, flat, 0x9a, pages_32bit);                                // present, DPL 0, code, readable
    gdt[2] = descriptor(0, flat, 0x92, pages_32bit);                                // present, DPL 0, data, writable
    gdt[3] = descriptor(0, flat, 0xfa, pages_32bit);                                // present, DPL 3, code, readable
    gdt[4] = descriptor(0, flat, 0xf2, pages_32bit);                                // present, DPL 3, data, writable
    gdt[5] = descriptor(reinterpret_cast<uint32_t>(&tss), sizeof tss - 1, 0x89, 0); // 32-bit TSS, available
    tss.ss0 = kernel_data;
    tss.io_map_base = sizeof tss; // beyond the limit: no port is open to ring 3

    const Pointer pointer{sizeof gdt - 1, reinterpret_cast<uint32_t>(gdt)};
    // A segment register goes on using the descriptor that it has cached: each must be loaded anew, CS by a far jump.
    asm volatile("lgdt %0\n\t"
                 "ljmp %1, $1f\n"
                 "1:\tmov %2, %%ds\n\t"
                 "mov %2, %%es\n\t"
                 "mov %2, %%fs\n\t"
                 "mov %2, %%gs\n\t"
                 "mov %2, %%ss\n\t"
                 "ltr %w3"
                 :
                 : "m"(pointer), "i"(kernel_code), "r"(uint32_t{kernel_data}), "r"(uint32_t{tss_selector})
                 : "memory");
    uint16_t tr;
    asm("str %0" : "=r"(tr));
    say("Segments: the GDT has ", 6u, " descriptors; CS=", hex16(kernel_code), " for ring 0, CS=", hex16(user_code),
        " for ring 3, TR=", hex16(tr), ".");
}

void set_kernel_stack(uint32_t esp0) { tss.esp0 = esp0; }

} // namespace demo
