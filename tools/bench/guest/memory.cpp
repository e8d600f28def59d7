// Loads, stores and strings, through page tables of 4 KiB pages; and chases of pointers, where each load waits for the
// one before it.
#include "tools/bench/guest/kernels.hpp"

namespace bench {
namespace {

constexpr uint32_t words_a_page = 1024;

// One cycle through all lines of `bytes`, in an order that no prefetcher guesses: a linear congruential generator with
// a period of all its numbers (Hull and Dobell: odd increment, factor 1 modulo 4).
constexpr uint32_t line_bytes = 64;
uint32_t chase(uint32_t turns, uint32_t bytes) {
    auto* memory = static_cast<char*>(big_memory());
    const uint32_t lines = bytes / line_bytes;
    for (uint32_t i = 0; i < lines; ++i) {
        const uint32_t next = (i * 0x19660d + 0x3c6ef35f) & (lines - 1);
        *reinterpret_cast<char**>(memory + i * line_bytes) = memory + next * line_bytes;
    }
    char* place = memory;
    while (turns--) {
        for (int i = 0; i < 100; ++i) place = *reinterpret_cast<char**>(place);
    }
    return static_cast<uint32_t>(place - memory) / line_bytes;
}

void fill(uint32_t words) {
    auto* memory = static_cast<uint32_t*>(big_memory());
    for (uint32_t i = 0; i < words; ++i) memory[i] = i * 2654435761u;
}

uint32_t copy_words(uint32_t turns, uint32_t distance) {
    fill(words_a_page);
    auto* from = static_cast<volatile uint32_t*>(big_memory());
    auto* to = from + distance;
    while (turns--) {
        for (uint32_t i = 0; i < words_a_page; ++i) to[i] = from[i] + turns;
        from[77] = to[99];
    }
    return to[77];
}

} // namespace

uint32_t chase_16k(uint32_t turns) { return chase(turns, 16u << 10); }
uint32_t chase_4m(uint32_t turns) { return chase(turns, 4u << 20); }
uint32_t chase_64m(uint32_t turns) { return chase(turns, 64u << 20); }
static_assert(big_memory_bytes >= 64u << 20);

uint32_t copy(uint32_t turns) { return copy_words(turns, 20 * words_a_page); }

// Source and destination are 4 MiB apart: entries of the same place in a table that is indexed by few bits.
uint32_t copy_aliased(uint32_t turns) { return copy_words(turns, 1024 * words_a_page); }

uint32_t copy_bytes(uint32_t turns) {
    fill(words_a_page);
    auto* from = static_cast<volatile uint8_t*>(big_memory());
    auto* to = from + 0x5003;
    while (turns--) {
        for (uint32_t i = 0; i < 2048; ++i) to[i] = static_cast<uint8_t>(from[i] + turns);
        from[77] = to[99];
    }
    return to[77];
}

uint32_t unaligned(uint32_t turns) {
    fill(words_a_page);
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

constexpr uint32_t string_words = 0x4000;

uint32_t rep_movs(uint32_t turns) {
    fill(string_words);
    auto* memory = static_cast<uint32_t*>(big_memory());
    while (turns--) {
        void *from = memory, *to = memory + 0x4400;
        uint32_t count = string_words;
        asm volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
        memory[turns & 0xfff] += memory[0x4405];
    }
    return memory[0x4405];
}

// As memcpy and memmove of short strings do it: neither end is aligned.
uint32_t rep_movs_bytes(uint32_t turns) {
    fill(words_a_page);
    auto* memory = static_cast<char*>(big_memory());
    uint32_t sum = 0;
    while (turns--) {
        void *from = memory + 3 + (turns & 15), *to = memory + 0x8001;
        uint32_t count = 100 + (turns & 31);
        asm volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
        sum = sum * 3 + static_cast<uint8_t>(memory[0x8001 + 50]);
    }
    return sum;
}

uint32_t rep_stos(uint32_t turns) {
    auto* memory = static_cast<uint32_t*>(big_memory());
    uint32_t sum = 0;
    while (turns--) {
        void* to = memory;
        uint32_t count = string_words;
        asm volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(turns) : "memory");
        sum += memory[turns & 0x3fff];
    }
    return sum;
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

uint32_t repe_cmps(uint32_t turns) {
    auto* memory = static_cast<uint32_t*>(big_memory());
    for (uint32_t i = 0; i < 0x1000; ++i) memory[i] = i & 0x3ff;
    memory[0x800 + 900] = 0; // the two strings, 8 KiB apart, are equal so far
    uint32_t sum = 0;
    while (turns--) {
        void *one = memory, *other = memory + 0x800;
        uint32_t count = 1024;
        asm volatile("repe cmpsl" : "+S"(one), "+D"(other), "+c"(count) : : "memory");
        sum += count;
    }
    return sum;
}

} // namespace bench
