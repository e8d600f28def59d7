// The integer x87 against the host's x87 unit: the same value, flags and direction of rounding for whatever is exact or
// rounded once; within one unit in the last place for the transcendental functions.
#include "cpu/semantics/x87_soft.hpp"
#include "tests/unit/cpu/x87_random.hpp"

#include <gtest/gtest.h>

#if defined(__x86_64__)

namespace truering::x87 {
namespace {

using test::RandomFpu;

constexpr int rounds = 4000;
constexpr u16 rounding_status = fpu_status::exceptions | fpu_status::C1;

testing::AssertionResult same(const Result& soft, const Result& host) {
    if (soft.value == host.value && ((soft.status ^ host.status) & rounding_status) == 0)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << std::hex << soft.value.sign_exponent << ':' << soft.value.significand
                                       << " status " << soft.status << ", host " << host.value.sign_exponent << ':'
                                       << host.value.significand << " status " << host.status;
}

template <class T> bool same(const Stored<T>& soft, const Stored<T>& host) {
    return soft.stored == host.stored && (!soft.stored || soft.value == host.value) &&
           ((soft.status ^ host.status) & rounding_status) == 0;
}

bool within_one_ulp(const Float80& a, const Float80& b) {
    if (a == b) return true;
    if (a.sign() != b.sign()) return false;
    const auto place = [](const Float80& x) {
        return static_cast<__int128>(x.exponent()) << 63 | static_cast<i64>(x.significand & ~(u64{1} << 63));
    };
    const __int128 distance = place(a) - place(b);
    return distance <= 1 && distance >= -1;
}

class X87Soft : public testing::Test {
  protected:
    // Two values, often near each other in magnitude.
    void draw() {
        environment = {random.control_word(), 0};
        a = random.value();
        b = random.value();
        if (random.below(3) == 0) {
            const u64 exponent = (a.exponent() + random.below(130) + 0x8000 - 65) & 0x7FFF;
            b.sign_exponent = static_cast<u16>((b.sign_exponent & 0x8000) | exponent);
        }
    }
    RandomFpu random{20240607};
    Environment environment;
    Float80 a, b;
};

TEST_F(X87Soft, Arithmetic) {
    for (int i = 0; i < rounds; ++i) {
        draw();
        const Float32 single = store_float32({0x037F, 0}, b).value;
        const Float64 wide = random.below(2) == 0 ? store_float64({0x037F, 0}, b).value : Float64{random.number()};
        const i16 word = static_cast<i16>(random.number());
        const i32 whole = static_cast<i32>(random.number() >> random.below(64));
        for (const unsigned n : {0u, 1u, 4u, 5u, 6u, 7u}) {
            const Arithmetic op = static_cast<Arithmetic>(n);
            ASSERT_TRUE(same(soft::arithmetic(op, environment, a, b), arithmetic(op, environment, a, b))) << n;
            ASSERT_TRUE(same(soft::arithmetic(op, environment, a, single), arithmetic(op, environment, a, single)));
            ASSERT_TRUE(same(soft::arithmetic(op, environment, a, wide), arithmetic(op, environment, a, wide)));
            ASSERT_TRUE(same(soft::arithmetic(op, environment, a, word), arithmetic(op, environment, a, word)));
            ASSERT_TRUE(same(soft::arithmetic(op, environment, a, whole), arithmetic(op, environment, a, whole)));
        }
    }
}

TEST_F(X87Soft, Comparison) {
    for (int i = 0; i < rounds; ++i) {
        draw();
        const Float64 wide{random.number()};
        const i32 whole = static_cast<i32>(random.number());
        for (const Comparison kind : {Comparison::Ordered, Comparison::Unordered}) {
            ASSERT_EQ(soft::compare(kind, environment, a, b), compare(kind, environment, a, b));
            ASSERT_EQ(soft::compare(kind, environment, a, a), compare(kind, environment, a, a));
        }
        ASSERT_EQ(soft::compare(environment, a, wide), compare(environment, a, wide));
        ASSERT_EQ(soft::compare(environment, a, whole), compare(environment, a, whole));
    }
}

TEST_F(X87Soft, Conversions) {
    for (int i = 0; i < rounds; ++i) {
        draw();
        const Float32 single{static_cast<u32>(random.number())};
        const Float64 wide{random.number()};
        ASSERT_TRUE(same(soft::load(environment, single), load(environment, single)));
        ASSERT_TRUE(same(soft::load(environment, wide), load(environment, wide)));
        ASSERT_TRUE(same(soft::store_float32(environment, a), store_float32(environment, a)));
        ASSERT_TRUE(same(soft::store_float64(environment, a), store_float64(environment, a)));
        ASSERT_TRUE(same(soft::store_i16(environment, a), store_i16(environment, a)));
        ASSERT_TRUE(same(soft::store_i32(environment, a), store_i32(environment, a)));
        ASSERT_TRUE(same(soft::store_i64(environment, a), store_i64(environment, a)));
        ASSERT_TRUE(same(soft::store_bcd(environment, a), store_bcd(environment, a)));
    }
}

bool is_remainder(Function f) { return f == Function::FPREM || f == Function::FPREM1; }

// Processors are free in the size of a partial step; the end of all steps is the same.
template <class Evaluate> Evaluation completed(Evaluate step, const Float80& st0) {
    Evaluation e = step(st0);
    for (int n = 0; n < 1200 && (e.status & fpu_status::C2) != 0; ++n) e = step(e.st0);
    return e;
}

TEST_F(X87Soft, ExactFunctions) {
    for (int i = 0; i < rounds; ++i) {
        draw();
        for (const Function f : {Function::FSQRT, Function::FRNDINT, Function::FSCALE, Function::FPREM,
                                 Function::FPREM1, Function::FXTRACT}) {
            Evaluation s = soft::evaluate(f, environment, a, b);
            Evaluation h = evaluate(f, environment, a, b);
            if (is_remainder(f) && (h.status & fpu_status::C2) != 0) {
                s = completed([&](const Float80& x) { return soft::evaluate(f, environment, x, b); }, s.st0);
                h = completed([&](const Float80& x) { return evaluate(f, environment, x, b); }, h.st0);
            }
            const bool quotient = is_remainder(f) && classify(h.st0) != FloatClass::NaN &&
                                  unmasked(h.status, environment.control_word) == 0;
            const u16 defined = quotient ? fpu_status::exceptions | fpu_status::conditions : fpu_status::exceptions;
            ASSERT_EQ(s.st0, h.st0) << static_cast<int>(f);
            ASSERT_EQ(s.st1, h.st1);
            ASSERT_EQ(s.depth, h.depth);
            ASSERT_EQ(s.status & defined, h.status & defined);
        }
    }
}

// Outside these ranges the SDM calls the results undefined.
bool is_defined(Function f, const Float80& x) {
    if (classify(x) != FloatClass::Normal) return true;
    if (f == Function::F2XM1) return x.exponent() < float80_bias;
    if (f == Function::FYL2XP1) return x.exponent() < float80_bias - 2;
    return true;
}

TEST_F(X87Soft, TranscendentalFunctions) {
    constexpr u16 defined = fpu_status::exceptions;
    for (int i = 0; i < rounds; ++i) {
        draw();
        for (const Function f : {Function::F2XM1, Function::FYL2X, Function::FYL2XP1, Function::FPATAN, Function::FSIN,
                                 Function::FCOS, Function::FSINCOS, Function::FPTAN}) {
            if (!is_defined(f, a)) continue;
            const Evaluation s = soft::evaluate(f, environment, a, b);
            const Evaluation h = evaluate(f, environment, a, b);
            ASSERT_TRUE(within_one_ulp(s.st0, h.st0)) << static_cast<int>(f);
            ASSERT_EQ(s.depth, h.depth);
            if (s.depth >= 0) {
                ASSERT_TRUE(within_one_ulp(s.st1, h.st1));
            }
            ASSERT_EQ(s.status & defined, h.status & defined);
        }
    }
}

} // namespace
} // namespace truering::x87

#endif
