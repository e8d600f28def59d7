// Plain integer work: registers, flags, bytes, a table in the cache.
#include "tools/bench/guest/kernels.hpp"

namespace bench {

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

// Text in and out by single bytes, and arithmetic in the halves AL, AH of a register.
uint32_t bytes(uint32_t turns) {
    static uint8_t text[1024];
    for (uint32_t i = 0; i < sizeof text; ++i) text[i] = static_cast<uint8_t>(i * 37 + 11);
    uint32_t mixed = 0x1234;
    while (turns--) {
        for (uint8_t& byte : text) {
            const bool is_lower = byte >= 'a' && byte <= 'z';
            const auto upper = static_cast<uint8_t>(is_lower ? byte - 32 : byte + 3);
            asm("addb %b1, %b0\n\t"
                "rolb $3, %h0\n\t"
                "xorb %b0, %h0\n\t"
                "subb %h0, %b0"
                : "+Q"(mixed)
                : "q"(upper));
            byte = static_cast<uint8_t>(upper ^ mixed >> 8);
        }
    }
    return mixed + text[77];
}

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

} // namespace bench
