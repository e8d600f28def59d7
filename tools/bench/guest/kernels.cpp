#include "tools/bench/guest/kernels.hpp"

#include "tools/bench/guest/machine.hpp"
#include "tools/bench/guest/virtual.hpp"

namespace bench {
namespace {

// --- Integer ---------------------------------------------------------------------------------------------------------

uint32_t alu(uint32_t turns) {
    uint32_t a = 1, b = 2, c = 3;
    while (turns--) {
        for (int i = 0; i < 100; ++i) {
            a += b ^ (c << 3);
            b = (b << 7 | b >> 25) - a;
            c = (c ^ a) + (b >> 5) * 9;
        }
    }
    return a ^ b ^ c;
}

uint32_t multiply_divide(uint32_t turns) {
    uint32_t a = 12345, sum = 0;
    while (turns--) {
        for (int i = 0; i < 100; ++i) {
            a = a * 1664525 + 1013904223;
            sum += a / ((a >> 24) + 3) + a % 1021;
        }
    }
    return sum;
}

// Flags that are read again: chains through carry, SETcc, rotation through carry.
uint32_t flags(uint32_t turns) {
    uint32_t low = 1, high = 2, extra = 3;
    while (turns--) {
        asm volatile("mov $100, %%ecx\n"
                     "1:\tadd $0x87654321, %0\n\t"
                     "adc $0x12345678, %1\n\t"
                     "sbb %1, %2\n\t"
                     "rcl $1, %2\n\t"
                     "setc %%al\n\t"
                     "movzx %%al, %%eax\n\t"
                     "cmp %0, %2\n\t"
                     "adc %%eax, %0\n\t"
                     "dec %%ecx\n\t"
                     "jnz 1b"
                     : "+r"(low), "+r"(high), "+r"(extra)
                     :
                     : "eax", "ecx", "cc");
    }
    return low ^ high ^ extra;
}

uint32_t crc32(uint32_t turns) {
    static uint32_t table[256];
    for (uint32_t i = 0; i < 256; ++i) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xedb88320 : 0);
        table[i] = value;
    }
    uint32_t crc = ~0u;
    while (turns--) {
        for (uint32_t i = 0; i < 256; ++i) crc = crc >> 8 ^ table[(crc ^ i) & 255];
    }
    return crc;
}

// --- Memory, through page tables of 4 KiB pages
// -----------------------------------------------------------------------

uint32_t chase(uint32_t turns, uint32_t words, uint32_t stride) {
    auto* memory = static_cast<uint32_t*>(big_memory());
    for (uint32_t i = 0; i < words; ++i) memory[i] = (i + stride) % words;
    uint32_t place = 0;
    while (turns--) {
        for (int i = 0; i < 100; ++i) place = memory[place];
    }
    return place;
}
uint32_t loads_16k(uint32_t turns) { return chase(turns, 4096, 1061); }
uint32_t loads_4m(uint32_t turns) { return chase(turns, 1 << 20, 262147); }

uint32_t copy(uint32_t turns) {
    auto* from = static_cast<volatile uint32_t*>(big_memory());
    auto* to = from + 0x5000;
    while (turns--) {
        for (uint32_t i = 0; i < 1024; ++i) to[i] = from[i] + turns;
    }
    return to[77];
}

uint32_t unaligned(uint32_t turns) {
    auto* memory = static_cast<char*>(big_memory());
    uint32_t sum = 0;
    while (turns--) {
        for (uint32_t i = 1; i < 4000; i += 37) {
            uint32_t value;
            asm volatile("addl $3, (%1)\n\tmovl (%1), %0" : "=r"(value) : "r"(memory + i) : "memory");
            sum += value;
        }
    }
    return sum;
}

// --- Branches and calls
// -----------------------------------------------------------------------------------------------

uint32_t sort(uint32_t turns) {
    static uint32_t values[128];
    static const uint32_t gaps[] = {57, 23, 10, 4, 1};
    uint32_t seed = 1, sum = 0;
    while (turns--) {
        for (uint32_t& value : values) value = seed = seed * 1103515245 + 12345;
        for (uint32_t gap : gaps) {
            for (uint32_t i = gap; i < 128; ++i) {
                const uint32_t value = values[i];
                uint32_t j = i;
                for (; j >= gap && values[j - gap] > value; j -= gap) values[j] = values[j - gap];
                values[j] = value;
            }
        }
        sum = sum * 31 + values[turns & 127];
    }
    return sum;
}

[[gnu::noinline]] uint32_t fibonacci(uint32_t n) {
    asm volatile("" : "+r"(n)); // keeps GCC from unrolling the recursion
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
uint32_t calls(uint32_t turns) {
    uint32_t sum = 0;
    while (turns--) sum += fibonacci(10);
    return sum;
}

template <uint32_t N> [[gnu::noinline]] uint32_t target(uint32_t x) {
    asm volatile("" : "+r"(x));
    return x * (2 * N + 1) + N;
}
uint32_t indirect(uint32_t turns) {
    static uint32_t (*const targets[16])(uint32_t) = {
        target<0>, target<1>, target<2>,  target<3>,  target<4>,  target<5>,  target<6>,  target<7>,
        target<8>, target<9>, target<10>, target<11>, target<12>, target<13>, target<14>, target<15>};
    uint32_t x = 1;
    while (turns--) {
        for (int i = 0; i < 100; ++i) x = targets[x >> 11 & 15](x);
    }
    return x;
}

// --- Strings
// ----------------------------------------------------------------------------------------------------------

uint32_t rep_movs(uint32_t turns) {
    auto* memory = static_cast<uint32_t*>(big_memory());
    memory[5] = 5;
    while (turns--) {
        void *from = memory, *to = memory + 0x4400;
        uint32_t count = 0x4000;
        asm volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
    }
    return memory[0x4405];
}

uint32_t rep_stos(uint32_t turns) {
    auto* memory = static_cast<uint32_t*>(big_memory());
    while (turns--) {
        void* to = memory;
        uint32_t count = 0x4000;
        asm volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(turns) : "memory");
    }
    return memory[5];
}

uint32_t repne_scas(uint32_t turns) {
    auto* memory = static_cast<char*>(big_memory());
    for (int i = 0; i < 4096; ++i) memory[i] = 1;
    memory[4000] = 2;
    uint32_t sum = 0;
    while (turns--) {
        void* at = memory;
        uint32_t count = 4096;
        asm volatile("repne scasb" : "+D"(at), "+c"(count) : "a"(2) : "memory");
        sum += count;
    }
    return sum;
}

// --- Floating point
// ---------------------------------------------------------------------------------------------------

uint32_t x87(uint32_t turns) {
    uint32_t sum = 0;
    while (turns--) {
        const long double cx = -0.1L, cy = 0.65L + (turns & 7) / 1024.0L;
        long double x = 0, y = 0;
        for (int i = 0; i < 60; ++i) {
            const long double xx = x * x, yy = y * y;
            if (xx + yy > 4) break;
            y = 2 * x * y + cy;
            x = xx - yy + cx;
            ++sum;
        }
    }
    return sum;
}

uint32_t x87_transcendental(uint32_t turns) {
    long double x = 0.5L;
    while (turns--) asm volatile("fsin\n\tfld1\n\tfpatan\n\tf2xm1\n\tfabs\n\tfld1\n\tfaddp\n\tfsqrt" : "+t"(x));
    return x > 0;
}

uint32_t sse_single(uint32_t turns) {
    alignas(16) static float values[8] = {1.1f, 0.9f, 1.01f, 0.99f, 0.5f, 0.25f, 0.125f, 1};
    uint32_t result;
    asm volatile("movaps (%2), %%xmm0\n\tmovaps 16(%2), %%xmm1\n\tmovaps %%xmm1, %%xmm2\n"
                 "1:\tmulps %%xmm0, %%xmm1\n\taddps %%xmm2, %%xmm1\n\tsqrtps %%xmm1, %%xmm1\n\t"
                 "minps %%xmm0, %%xmm1\n\tshufps $0x39, %%xmm1, %%xmm1\n\tsubps %%xmm2, %%xmm1\n\t"
                 "maxps %%xmm2, %%xmm1\n\tmulss %%xmm0, %%xmm1\n\tdec %1\n\tjnz 1b\n\tmovss %%xmm1, (%3)"
                 : "=m"(result), "+r"(turns)
                 : "r"(values), "r"(&result)
                 : "memory");
    return result;
}

uint32_t sse2_double(uint32_t turns) {
    alignas(16) static double values[4] = {1.1, 0.9, 0.5, 0.25};
    uint32_t result[2];
    asm volatile("movapd (%1), %%xmm0\n\tmovapd 16(%1), %%xmm1\n\tmovapd %%xmm1, %%xmm2\n"
                 "1:\tmulpd %%xmm0, %%xmm1\n\taddpd %%xmm2, %%xmm1\n\tsqrtpd %%xmm1, %%xmm1\n\t"
                 "minpd %%xmm0, %%xmm1\n\tmulsd %%xmm0, %%xmm1\n\tsubpd %%xmm2, %%xmm1\n\tmaxpd %%xmm2, %%xmm1\n\t"
                 "dec %0\n\tjnz 1b\n\tmovlpd %%xmm1, (%2)"
                 : "+r"(turns)
                 : "r"(values), "r"(result)
                 : "memory");
    return result[0] ^ result[1];
}

uint32_t sse2_integer(uint32_t turns) {
    alignas(16) static uint32_t values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint32_t result;
    asm volatile("movdqa (%1), %%xmm0\n\tmovdqa 16(%1), %%xmm1\n"
                 "1:\tpaddd %%xmm0, %%xmm1\n\tpxor %%xmm1, %%xmm0\n\tpslld $3, %%xmm0\n\tpaddw %%xmm1, %%xmm0\n\t"
                 "pshufd $0x93, %%xmm1, %%xmm1\n\tpmuludq %%xmm0, %%xmm1\n\tpunpckldq %%xmm0, %%xmm1\n\t"
                 "dec %0\n\tjnz 1b\n\tmovd %%xmm1, (%2)"
                 : "+r"(turns)
                 : "r"(values), "r"(&result)
                 : "memory");
    return result;
}

// --- The system
// -------------------------------------------------------------------------------------------------------

uint32_t int_iret(uint32_t turns) { return in_ring_3(int_loop, turns); }
uint32_t sysenter(uint32_t turns) { return in_ring_3(sysenter_loop, turns); }
uint32_t page_fault(uint32_t turns) { return page_fault_loop(turns); }

uint32_t cr3(uint32_t turns) {
    auto* memory = static_cast<volatile uint32_t*>(big_memory());
    uint32_t sum = 0;
    while (turns--) {
        reload_cr3();
        for (uint32_t page = 0; page < 16; ++page) sum += memory[page * 1024];
    }
    return sum;
}

uint32_t port_io(uint32_t turns) {
    while (turns--) asm volatile("out %%al, $0x80" : : "a"(0));
    return 0;
}

uint32_t segment_loads(uint32_t turns) {
    while (turns--) {
        asm volatile("mov %0, %%es\n\tmov %0, %%fs\n\tmov %0, %%gs\n\tpushl $8\n\tpushl $1f\n\tlret\n1:"
                     :
                     : "r"(0x10)
                     : "memory");
    }
    return 0;
}

// Code that is made, run twice, and replaced: MOV EAX, turn; then ADDs; RET.
uint32_t new_code(uint32_t turns) {
    auto* code = static_cast<uint8_t*>(big_memory());
    uint32_t sum = 0;
    while (turns--) {
        uint8_t* at = code + (turns & 63) * 128;
        *at++ = 0xb8;
        *reinterpret_cast<uint32_t*>(at) = turns;
        at += 4;
        for (int i = 0; i < 14; ++i) {
            *at++ = 0x83; // ADD EAX, imm8
            *at++ = 0xc0;
            *at++ = static_cast<uint8_t>(i);
        }
        *at = 0xc3;
        const auto function = reinterpret_cast<uint32_t (*)()>(code + (turns & 63) * 128);
        sum += function() + function();
    }
    return sum;
}

// Stores to the page that the code runs from.
uint32_t data_beside_code(uint32_t turns) {
    // 1: add $1, 64(%edx); dec %ecx; jnz 1b; ret
    static const uint8_t loop[] = {0x83, 0x42, 0x40, 0x01, 0x49, 0x75, 0xf9, 0xc3};
    auto* code = static_cast<uint8_t*>(big_memory());
    for (uint32_t i = 0; i < sizeof loop; ++i) code[i] = loop[i];
    *reinterpret_cast<uint32_t*>(code + 64) = 0;
    asm volatile("call *%%edx" : "+c"(turns) : "d"(code) : "memory");
    return *reinterpret_cast<uint32_t*>(code + 64);
}

} // namespace

const Kernel kernels[] = {
    {"alu", alu, 0},
    {"multiply-divide", multiply_divide, 0},
    {"flags", flags, 0},
    {"crc32", crc32, 0},
    {"loads-16k", loads_16k, 0},
    {"loads-4m", loads_4m, 0},
    {"copy", copy, 0},
    {"unaligned", unaligned, 0},
    {"sort", sort, 0},
    {"calls", calls, 0},
    {"indirect", indirect, 0},
    {"rep-movs", rep_movs, 0},
    {"rep-stos", rep_stos, 0},
    {"repne-scas", repne_scas, 0},
    {"x87", x87, 0},
    {"x87-transcendental", x87_transcendental, 0},
    {"sse-single", sse_single, needs_SSE},
    {"sse2-double", sse2_double, needs_SSE2},
    {"sse2-integer", sse2_integer, needs_SSE2},
    {"int-iret", int_iret, 0},
    {"sysenter", sysenter, needs_SEP},
    {"page-fault", page_fault, 0},
    {"cr3", cr3, 0},
    {"port-io", port_io, 0},
    {"segment-loads", segment_loads, 0},
    {"new-code", new_code, 0},
    {"data-beside-code", data_beside_code, 0},
    {"vm-exit", vm_exit, 0, can_virtualize},
};
const uint32_t kernel_count = sizeof kernels / sizeof *kernels;

} // namespace bench
