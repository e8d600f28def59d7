// Random numbers for random programs: the same from the same seed on every host.
//
// Values are drawn as programs meet them: small numbers, powers of two and their neighbours, the borders of signed and
// unsigned ranges more often than chance would have it.
#pragma once

#include "base/types.hpp"

#include <bit>
#include <span>
#include <vector>

namespace truering::random_test {

class Random {
  public:
    // Neighbouring seeds must not give the same stream shifted: the seed is mixed before it becomes the state.
    explicit Random(u64 seed) : state_(seed) { state_ = next() ^ seed << 32; }

    u64 next() {
        u64 z = state_ += 0x9E37'79B9'7F4A'7C15;
        z = (z ^ z >> 30) * 0xBF58'476D'1CE4'E5B9;
        z = (z ^ z >> 27) * 0x94D0'49BB'1331'11EB;
        return z ^ z >> 31;
    }
    u32 below(u32 limit) { return static_cast<u32>((next() >> 32) * limit >> 32); }
    u32 between(u32 first, u32 last) { return first + below(last - first + 1); }
    bool one_in(u32 n) { return below(n) == 0; }
    bool percent(u32 n) { return below(100) < n; }

    template <class T, std::size_t n> const T& pick(const T (&from)[n]) { return from[below(static_cast<u32>(n))]; }
    template <class T> const T& pick(const std::vector<T>& from) { return from[below(static_cast<u32>(from.size()))]; }

    u32 value() {
        switch (below(8)) {
        case 0: return below(16);
        case 1: return 0 - below(16);
        case 2: return (1u << below(32)) - below(3);
        case 3: return 0x7FFF'FFFF + below(3);
        case 4: return static_cast<u32>(next()) & 0xFFFF;
        case 5: return static_cast<u8>(next()) * 0x0101'0101u;
        default: return static_cast<u32>(next());
        }
    }

  private:
    u64 state_;
};

} // namespace truering::random_test
