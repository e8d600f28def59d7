// Code that does not stay: patched in place, made to be run once or twice, or sharing its page with data.
#include "tools/bench/guest/kernels.hpp"

namespace bench {
namespace {

constexpr uint32_t slot_bytes = 128;

void put32(uint8_t* at, uint32_t value) { *reinterpret_cast<volatile uint32_t*>(at) = value; }

void put_code(uint8_t* at, const uint8_t* code, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; ++i) static_cast<volatile uint8_t*>(at)[i] = code[i];
}

// A function of 17 instructions in two blocks: MOV EAX, seed; 7 ADDs; JNC over nothing; 7 XORs; RET.
void make_function(uint8_t* at, uint32_t seed) {
    *at++ = 0xb8;
    put32(at, seed);
    at += 4;
    for (uint8_t i = 0; i < 14; ++i) {
        if (i == 7) *at++ = 0x73, *at++ = 0;
        *at++ = 0x83;
        *at++ = i < 7 ? 0xc0 : 0xf0;
        *at++ = static_cast<uint8_t>(i + seed);
    }
    *at = 0xc3;
}

uint32_t run_function(uint8_t* at) { return reinterpret_cast<uint32_t (*)()>(at)(); }

uint32_t made_code(uint32_t turns, uint32_t slots, int calls) {
    auto* code = static_cast<uint8_t*>(big_memory());
    uint32_t sum = 0;
    while (turns--) {
        uint8_t* place = code + (turns & (slots - 1)) * slot_bytes;
        make_function(place, turns);
        for (int i = 0; i < calls; ++i) sum = sum * 3 + run_function(place);
    }
    return sum;
}

} // namespace

// Over 4 MiB, so that a page is left alone for long.
uint32_t code_once(uint32_t turns) { return made_code(turns, 32768, 1); }

// In two pages, again and again.
uint32_t code_twice(uint32_t turns) { return made_code(turns, 64, 2); }

// An immediate in a loop is patched, then the loop runs a thousand times.
uint32_t patched_code(uint32_t turns) {
    // mov $1000, %ecx; 1: add $imm, %eax; rol $5, %eax; dec %ecx; jnz 1b; ret
    static const uint8_t loop[] = {0xb9, 0xe8, 3, 0, 0, 0x05, 0, 0, 0, 0, 0xc1, 0xc0, 5, 0x49, 0x75, 0xf5, 0xc3};
    constexpr uint32_t immediate = 6;
    auto* code = static_cast<uint8_t*>(big_memory());
    put_code(code, loop, sizeof loop);
    uint32_t sum = 0;
    while (turns--) {
        put32(code + immediate, turns * 2654435761u);
        asm volatile("call *%1" : "+a"(sum) : "d"(code) : "ecx", "memory");
    }
    return sum;
}

// Stores to the page that the code runs from.
uint32_t data_beside_code(uint32_t turns) {
    // 1: add $1, 64(%edx); dec %ecx; jnz 1b; ret
    static const uint8_t loop[] = {0x83, 0x42, 0x40, 0x01, 0x49, 0x75, 0xf9, 0xc3};
    auto* code = static_cast<uint8_t*>(big_memory());
    put_code(code, loop, sizeof loop);
    put32(code + 64, 0);
    asm volatile("call *%1" : "+c"(turns) : "d"(code) : "memory");
    return *reinterpret_cast<volatile uint32_t*>(code + 64);
}

} // namespace bench
