// Calls, returns, and jumps whose target is found in a table.
#include "tools/bench/guest/kernels.hpp"

namespace bench {
namespace {

[[gnu::noinline]] uint32_t fibonacci(uint32_t n) {
    asm volatile("" : "+r"(n)); // keeps GCC from unrolling the recursion
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

template <uint32_t N> [[gnu::noinline]] uint32_t target(uint32_t x) {
    asm volatile("" : "+r"(x));
    return x * 1664525 + 1013904223 + N;
}

} // namespace

uint32_t calls(uint32_t turns) {
    uint32_t sum = 0;
    while (turns--) sum += fibonacci(10);
    return sum;
}

uint32_t indirect_calls(uint32_t turns) {
    static uint32_t (*const targets[16])(uint32_t) = {
        target<0>, target<1>, target<2>,  target<3>,  target<4>,  target<5>,  target<6>,  target<7>,
        target<8>, target<9>, target<10>, target<11>, target<12>, target<13>, target<14>, target<15>};
    uint32_t x = 1;
    while (turns--) {
        for (int i = 0; i < 100; ++i) x = targets[x >> 24 & 15](x);
    }
    return x;
}

// A switch in a loop, all of whose turns go through the same JMP: the target changes every time.
uint32_t indirect_jumps(uint32_t turns) {
    uint32_t x = 1, seed = 1;
    while (turns--) {
        for (int i = 0; i < 100; ++i) {
            seed = seed * 1664525 + 1013904223;
            switch (seed >> 24 & 7) {
            case 0: x ^= x >> 3; break;
            case 1: x += x << 5; break;
            case 2: x = ~x; break;
            case 3: x = x >> 7 | x << 25; break;
            case 4: x -= 1234567; break;
            case 5: x ^= 0x9e3779b9; break;
            case 6: x += x >> 9; break;
            default: x *= 9; break;
            }
        }
    }
    return x;
}

} // namespace bench
