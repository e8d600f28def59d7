// Operands for the MMX and SSE tests: a fixed random sequence, mixed with values at which instructions change their
// mind.
#pragma once

#include "cpu/sse_state.hpp"

#include <cstdint>
#include <random>

namespace truering::test {

class SseOperands {
  public:
    explicit SseOperands(unsigned seed) : random_(seed) {}

    u64 next() { return random_(); }
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

    // Lanes of a random width, each random or next to a limit of that width.
    template <class P> P integers() {
        switch (below(4)) {
        case 0: return fill<P, u8>([this] { return static_cast<u8>(integer(8)); });
        case 1: return fill<P, u16>([this] { return static_cast<u16>(integer(16)); });
        case 2: return fill<P, u32>([this] { return static_cast<u32>(integer(32)); });
        default: return fill<P, u64>([this] { return integer(64); });
        }
    }

    Packed128 floats() {
        return fill<Packed128, u32>([this] { return static_cast<u32>(real(8, 23)); });
    }
    Packed128 doubles() {
        return fill<Packed128, u64>([this] { return real(11, 52); });
    }

  private:
    template <class P, class Lane, class F> static P fill(F lane) {
        typename P::template Lanes<Lane> r{};
        for (auto& x : r) x = lane();
        return P::template of<Lane>(r);
    }

    u64 integer(unsigned width) {
        const u64 all = ~u64{0} >> (64 - width);
        const u64 near = below(3);
        switch (below(6)) {
        case 0: return near;
        case 1: return all - near;
        case 2: return (all >> 1) - near;
        case 3: return ((all >> 1) + 1 + near) & all;
        default: return next() & all;
        }
    }

    // A float of the given field widths: any class, and exponents near each other, near the middle, near the ends.
    u64 real(unsigned exponent_bits, unsigned fraction_bits) {
        const u64 exponents = (u64{1} << exponent_bits) - 1;
        const u64 middle = exponents / 2;
        const u64 fraction_mask = (u64{1} << fraction_bits) - 1;
        u64 exponent = 0;
        switch (below(8)) {
        case 0: exponent = 0; break;
        case 1: exponent = exponents; break;
        case 2: exponent = 1 + below(3); break;
        case 3: exponent = exponents - 1 - below(3); break;
        case 4: exponent = middle + 29 + below(8); break; // near 2^31
        case 5: exponent = next() % (exponents + 1); break;
        case 6: exponent = middle / 2 + below(60); break; // products near the smallest
        default: exponent = middle - 4 + below(9); break;
        }
        u64 fraction = next() & fraction_mask;
        switch (below(6)) {
        case 0: fraction = 0; break;
        case 1: fraction = fraction_mask - below(2); break;
        case 2: fraction = 1 + below(2); break;
        case 3: fraction = u64{1} << below(fraction_bits); break;
        default: break;
        }
        return (next() & 1) << (exponent_bits + fraction_bits) | exponent << fraction_bits | fraction;
    }

    std::mt19937_64 random_;
};

} // namespace truering::test
