// Random FPU states for the differential test: special values, control words, stacks with holes.
#pragma once

#include "cpu/fpu_state.hpp"

#include <random>

namespace truering::test {

class RandomFpu {
  public:
    explicit RandomFpu(u64 seed) : generator_(seed) {}

    u64 number() { return generator_(); }
    u64 below(u64 limit) { return generator_() % limit; }

    // Of every class, and of magnitudes near each other so that results are near limits, ties and cancellation.
    Float80 value() {
        constexpr u64 J = 0x8000'0000'0000'0000;
        const u16 sign = (number() & 1) != 0 ? 0x8000 : 0;
        const auto with = [sign](u64 significand, u64 exponent) {
            return Float80{significand, static_cast<u16>(sign | (exponent & 0x7FFF))};
        };
        switch (below(20)) {
        case 0: return with(0, 0);
        case 1: return with(J, 0x7FFF);
        case 2: return with(J | number(), 0x7FFF);              // NaN of either kind
        case 3: return with(J | (J >> 1) | number(), 0x7FFF);   // quiet
        case 4: return with(number() >> 1, 0);                  // denormal
        case 5: return with(number() >> below(64), 0);          // denormal, pseudo-denormal, zero
        case 6: return with(number() >> 1, below(0x8000));      // unsupported
        case 7: return with(J | number(), below(4));            // near underflow
        case 8: return with(J | number(), 0x7FFE - below(4));   // near overflow
        case 9: return with(J, 0x3FFF + below(70));             // powers of two
        case 10: return with(J | number(), 0x3FFF + below(70)); // around the integers
        case 11: return with(J | number() << below(64), 0x3FFE);
        case 12: return with(J | number() << below(64), 0x3FFF - below(1100)); // around double's range
        case 13: return with(J | number() << 11, 0x3FFF - 1022 - below(60));
        case 14: return with(J | number() << 40, 0x3FFF - 126 - below(30));
        case 15: return with(J | number(), 0x3FFF - below(80)); // small angles
        case 16: return with(J | number(), number());
        default: return with(J | number() << below(64), 0x3FFF + below(16));
        }
    }

    u16 control_word() {
        constexpr u16 precisions[] = {0x000, 0x200, 0x300, 0x300};
        const unsigned masks = below(3) == 0 ? static_cast<unsigned>(number() & 0x3F) : (below(4) == 0 ? 0u : 0x3Fu);
        return static_cast<u16>(0x40 | masks | precisions[below(4)] | below(4) << 10);
    }

    // No exception is pending.
    FpuState state() {
        FpuState fpu;
        fpu.set_control_word(control_word());
        const unsigned sticky = below(2) == 0 ? 0u : static_cast<unsigned>(number());
        const unsigned flags = sticky & fpu.control_word & fpu_status::exceptions;
        const unsigned conditions = static_cast<unsigned>(number()) & fpu_status::conditions;
        fpu.set_full_status_word(static_cast<u16>(flags | conditions | (sticky & fpu_status::SF) | below(8) << 11));
        for (Float80& x : fpu.physical) x = value();
        const u64 holes = number() & number();
        fpu.empty = static_cast<u8>(below(3) == 0 ? holes : 0xFFu << below(9));
        return fpu;
    }

  private:
    std::mt19937_64 generator_;
};

} // namespace truering::test
