// SHA-256's compression of `turns` blocks. Source: FIPS 180-4, sections 4.1.2, 4.2.2, 5.3.3 and 6.2.2. The constants
// are what the standard says they are, the first 32 bits of the fractions of roots of primes, computed here as such.
#include "tools/bench/guest/kernels.hpp"

namespace bench {
namespace {

constexpr bool is_prime(uint32_t n) {
    for (uint32_t d = 2; d * d <= n; ++d) {
        if (n % d == 0) return false;
    }
    return true;
}

// A long double has 64 bits of mantissa, and GCC computes constants with even more: the root's 32 bits are exact.
constexpr uint32_t fraction_of_root(uint32_t n, int degree) {
    long double root = 2;
    for (int step = 0; step < 40; ++step) {
        long double power = 1;
        for (int i = 1; i < degree; ++i) power *= root;
        root -= (power * root - n) / (degree * power);
    }
    const auto whole = static_cast<uint64_t>(root * 4294967296.0L);
    return static_cast<uint32_t>(whole);
}

template <int N> struct Constants {
    uint32_t value[N];
    constexpr explicit Constants(int degree) : value{} {
        uint32_t prime = 2;
        for (uint32_t& v : value) {
            while (!is_prime(prime)) ++prime;
            v = fraction_of_root(prime++, degree);
        }
    }
};
constexpr Constants<8> start(2);
constexpr Constants<64> round_constants(3);
static_assert(start.value[0] == 0x6a09e667 && start.value[7] == 0x5be0cd19);
static_assert(round_constants.value[0] == 0x428a2f98 && round_constants.value[63] == 0xc67178f2);

uint32_t rotated(uint32_t x, int by) { return x >> by | x << (32 - by); }

void schedule(uint32_t (&w)[64]) {
    for (int i = 16; i < 64; ++i) {
        const uint32_t s0 = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ w[i - 15] >> 3;
        const uint32_t s1 = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

void compress(uint32_t (&hash)[8], const uint32_t (&w)[64]) {
    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], h = hash[7];
    for (int i = 0; i < 64; ++i) {
        const uint32_t s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
        const uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + round_constants.value[i] + w[i];
        const uint32_t s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
        const uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d;
    hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
}

} // namespace

uint32_t sha256(uint32_t turns) {
    static uint32_t w[64];
    uint32_t hash[8];
    for (int i = 0; i < 8; ++i) hash[i] = start.value[i];
    while (turns--) {
        for (uint32_t i = 0; i < 16; ++i) w[i] = turns + i * 0x01010101;
        schedule(w);
        compress(hash, w);
    }
    return hash[0] ^ hash[7];
}

} // namespace bench
