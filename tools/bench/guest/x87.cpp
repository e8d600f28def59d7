// The x87: arithmetic in double and in extended precision, and its functions.
#include "tools/bench/guest/kernels.hpp"
#include "tools/bench/guest/mandelbrot.hpp"

namespace bench {

uint32_t mandelbrot_x87(uint32_t turns) { return mandelbrot<double>(turns); }

uint32_t x87_extended(uint32_t turns) { return mandelbrot<long double>(turns); }

// Results of these differ between processors in the last place; the chain runs into a fixed point, so few bits of it
// are the same everywhere.
uint32_t x87_transcendental(uint32_t turns) {
    long double x = 0.5L;
    while (turns--) asm volatile("fsin\n\tfld1\n\tfpatan\n\tf2xm1\n\tfabs\n\tfld1\n\tfaddp\n\tfsqrt" : "+t"(x));
    return static_cast<uint32_t>(static_cast<int32_t>(x * 65536));
}

} // namespace bench
