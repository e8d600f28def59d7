// x87 operations on values, against the SDM's tables and, where the compiler's long double is the same format, against
// it.
#include "cpu/semantics/x87_operations.hpp"

#include <array>
#include <cfenv>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

namespace truering::x87 {
namespace {

using namespace fpu_status;

constexpr u64 J = 0x8000'0000'0000'0000;
constexpr Environment masked{0x037F, 0};
constexpr Environment unmasked_all{0x0340, 0};

constexpr Float80 zero{};
constexpr Float80 one{J, 0x3FFF};
constexpr Float80 two{J, 0x4000};
constexpr Float80 three{J | (J >> 1), 0x4000};
constexpr Float80 infinity{J, 0x7FFF};
constexpr Float80 largest{~u64{0}, 0x7FFE};
constexpr Float80 smallest_normal{J, 0x0001};
constexpr Float80 denormal{1, 0};
constexpr Float80 quiet{J | (J >> 1) | 5, 0x7FFF};
constexpr Float80 signaling{J | 9, 0xFFFF};
constexpr Float80 unnormal{1, 0x3FFF};

u16 flags(u16 status) { return status & exceptions; }

TEST(X87Operations, InvalidOperandsGiveTheIndefinite) {
    const struct {
        Arithmetic operation;
        Float80 destination, source;
    } cases[] = {
        {Arithmetic::FSUB, infinity, infinity}, {Arithmetic::FMUL, zero, infinity},
        {Arithmetic::FDIV, zero, zero},         {Arithmetic::FDIV, infinity, infinity},
        {Arithmetic::FADD, unnormal, one},      {Arithmetic::FMUL, one, {1, 0x7FFF}},
        {Arithmetic::FADD, one, {0, 0x7FFF}},   {Arithmetic::FADD, one, {0, 0x1234}},
    };
    for (const auto& c : cases) {
        const Result result = arithmetic(c.operation, masked, c.destination, c.source);
        EXPECT_EQ(result.value, float80_indefinite);
        EXPECT_EQ(flags(result.status), IE);
        const Result trapped = arithmetic(c.operation, unmasked_all, c.destination, c.source);
        EXPECT_EQ(trapped.value, c.destination);
        EXPECT_EQ(flags(trapped.status), IE);
    }
}

TEST(X87Operations, NanPropagationTakesTheLargerSignificand) {
    const Float80 big{J | (J >> 1) | 77, 0xFFFF};
    for (const auto& [a, b] : {std::pair{quiet, big}, std::pair{big, quiet}}) {
        const Result result = arithmetic(Arithmetic::FADD, masked, a, b);
        EXPECT_EQ(result.value, big);
        EXPECT_EQ(flags(result.status), 0);
    }
    EXPECT_EQ(arithmetic(Arithmetic::FMUL, masked, signaling, one).value, (Float80{J | (J >> 1) | 9, 0xFFFF}));
    // A signalling and a quiet one: the quiet one, and invalid.
    const Result mixed = arithmetic(Arithmetic::FMUL, masked, signaling, quiet);
    EXPECT_EQ(mixed.value, quiet);
    EXPECT_EQ(flags(mixed.status), IE);
}

TEST(X87Operations, DivisionByZero) {
    const Result result = arithmetic(Arithmetic::FDIV, masked, negated(one), zero);
    EXPECT_EQ(result.value, negated(infinity));
    EXPECT_EQ(flags(result.status), ZE);
    const Result trapped = arithmetic(Arithmetic::FDIVR, unmasked_all, zero, one);
    EXPECT_EQ(trapped.value, zero);
    EXPECT_EQ(flags(trapped.status), ZE);
}

TEST(X87Operations, OverflowAndUnderflowScaleWhenUnmasked) {
    constexpr unsigned wrap = 24576;
    const Result over = arithmetic(Arithmetic::FMUL, unmasked_all, largest, two);
    EXPECT_EQ(over.value, (Float80{~u64{0}, static_cast<u16>(0x7FFF - wrap)}));
    EXPECT_EQ(flags(over.status), OE);
    const Result under = arithmetic(Arithmetic::FDIV, unmasked_all, smallest_normal, two);
    EXPECT_EQ(under.value, (Float80{J, static_cast<u16>(wrap)}));
    EXPECT_EQ(flags(under.status), UE);
    const Result masked_over = arithmetic(Arithmetic::FMUL, masked, largest, two);
    EXPECT_EQ(masked_over.value, infinity);
    EXPECT_EQ(flags(masked_over.status), OE | PE);
    const Result chopped = arithmetic(Arithmetic::FMUL, {0x0F7F, 0}, largest, two);
    EXPECT_EQ(chopped.value, largest);
    // Masked underflow that is exact is not signalled.
    const Result exact = arithmetic(Arithmetic::FDIV, masked, smallest_normal, two);
    EXPECT_EQ(exact.value, (Float80{J >> 1, 0}));
    EXPECT_EQ(flags(exact.status), 0);
}

TEST(X87Operations, DenormalOperands) {
    EXPECT_EQ(flags(arithmetic(Arithmetic::FADD, masked, denormal, one).status), DE | PE);
    const Result trapped = arithmetic(Arithmetic::FADD, unmasked_all, denormal, one);
    EXPECT_EQ(trapped.value, denormal);
    EXPECT_EQ(flags(trapped.status), DE);
    // Two pseudo-denormals of 2^-16382 make 2^-16381.
    const Result sum = arithmetic(Arithmetic::FADD, masked, Float80{J, 0}, Float80{J, 0});
    EXPECT_EQ(sum.value, (Float80{J, 2}));
    EXPECT_EQ(flags(sum.status), DE);
}

TEST(X87Operations, PrecisionRoundingAndC1) {
    const auto third = [](u16 control) { return arithmetic(Arithmetic::FDIV, {control, 0}, one, three); };
    EXPECT_EQ(third(0x037F).value.significand, 0xAAAA'AAAA'AAAA'AAABu); // 64 bits, nearest
    EXPECT_EQ(third(0x037F).status & (PE | C1), PE | C1);
    EXPECT_EQ(third(0x077F).value.significand, 0xAAAA'AAAA'AAAA'AAAAu); // down
    EXPECT_EQ(third(0x077F).status & (PE | C1), PE);
    EXPECT_EQ(third(0x027F).value.significand, 0xAAAA'AAAA'AAAA'A800u); // 53 bits
    EXPECT_EQ(third(0x0A7F).value.significand, 0xAAAA'AAAA'AAAA'B000u); // 53 bits, up
    EXPECT_EQ(third(0x007F).value.significand, 0xAAAA'AB00'0000'0000u); // 24 bits
    EXPECT_EQ(third(0x0C7F).value.significand, 0xAAAA'AA00'0000'0000u); // 24 bits, towards zero
}

TEST(X87Operations, AStickyFlagChangesNoResult) {
    for (const u16 sticky : {u16{0}, PE, u16{PE | OE | IE}, exceptions}) {
        const Result result = arithmetic(Arithmetic::FDIV, {0x037F, sticky}, one, three);
        EXPECT_EQ(result.value.significand, 0xAAAA'AAAA'AAAA'AAABu);
        EXPECT_EQ(result.status & ~sticky & exceptions, PE & ~sticky);
        // Set before, but unmasked now: it must neither be taken for new nor disturb.
        const Result exact = arithmetic(Arithmetic::FADD, {0x0340, sticky}, one, one);
        EXPECT_EQ(exact.value, two);
        EXPECT_EQ(flags(exact.status), 0);
    }
}

TEST(X87Operations, TheHostsControlIsLeftAlone) {
    std::fesetround(FE_UPWARD);
    volatile long double a = 1;
    volatile long double b = 3;
    const long double before = a / b;
    (void)arithmetic(Arithmetic::FDIV, {0x0040, 0}, one, zero);
    (void)evaluate(Function::FPTAN, {0x0040, 0}, denormal, one);
    (void)store_float32({0x0040, 0}, largest);
    const long double after = a / b;
    std::fesetround(FE_TONEAREST);
    EXPECT_EQ(before, after);
}

TEST(X87Operations, Comparisons) {
    EXPECT_EQ(compare(Comparison::Ordered, masked, one, two), C0);
    EXPECT_EQ(compare(Comparison::Ordered, masked, two, one), 0);
    EXPECT_EQ(compare(Comparison::Ordered, masked, zero, negated(zero)), C3);
    EXPECT_EQ(compare(Comparison::Ordered, masked, quiet, one), C3 | C2 | C0 | IE);
    EXPECT_EQ(compare(Comparison::Unordered, masked, quiet, one), C3 | C2 | C0);
    EXPECT_EQ(compare(Comparison::Unordered, masked, signaling, one), C3 | C2 | C0 | IE);
    EXPECT_EQ(compare(Comparison::Unordered, masked, unnormal, one), C3 | C2 | C0 | IE);
    EXPECT_EQ(compare(masked, one, i16{-1}), 0);
    EXPECT_EQ(compare(masked, one, i32{1}), C3);
    EXPECT_EQ(compare(masked, one, Float32{0x4000'0000}), C0);
    EXPECT_EQ(compare(masked, zero, Float64{1}), C0 | DE);
}

TEST(X87Operations, RemaindersReportTheQuotient) {
    const auto run = [](Function f, i64 a, i64 b) { return evaluate(f, masked, float80_from(a), float80_from(b)); };
    const auto quotient = [](u16 status) {
        return ((status & C0) != 0 ? 4u : 0u) | ((status & C3) != 0 ? 2u : 0u) | ((status & C1) != 0 ? 1u : 0u);
    };
    for (i64 a = -40; a <= 40; ++a) {
        const Evaluation e = run(Function::FPREM, a, 3);
        EXPECT_EQ(absolute(e.st0), absolute(float80_from(a % 3))) << a;
        EXPECT_EQ(e.status & C2, 0);
        EXPECT_EQ(quotient(e.status), static_cast<unsigned>(a < 0 ? -a / 3 : a / 3) & 7u) << a;
    }
    // The nearest quotient, ties to even: 5 = 2*2 + 1, 7 = 2*4 - 1.
    EXPECT_EQ(run(Function::FPREM1, 7, 2).st0, negated(one));
    EXPECT_EQ(quotient(run(Function::FPREM1, 7, 2).status), 4u);
    EXPECT_EQ(run(Function::FPREM1, 5, 2).st0, one);
}

TEST(X87Operations, PartialRemainderEndsWithC2Clear) {
    Float80 value{J | 12345, 0x7FFE};
    int steps = 0;
    u16 status = C2;
    while ((status & C2) != 0 && steps < 1000) {
        const Evaluation e = evaluate(Function::FPREM, masked, value, three);
        value = e.st0;
        status = e.status;
        ++steps;
    }
    EXPECT_GT(steps, 200); // at most 63 exponents a step
    EXPECT_LT(steps, 600);
    // 2^16320 * (2^63 + 12345) mod 3, by 2 = -1 mod 3.
    EXPECT_EQ(value, float80_from(static_cast<i64>((J + 12345) % 3)));
}

TEST(X87Operations, FunctionsMoveTheStack) {
    const Evaluation extract = evaluate(Function::FXTRACT, masked, float80_from(i64{-12}), one);
    EXPECT_EQ(extract.depth, 1);
    EXPECT_EQ(extract.st0, (Float80{J | (J >> 1), 0xBFFF})); // -1.5
    EXPECT_EQ(extract.st1, three);
    const Evaluation of_zero = evaluate(Function::FXTRACT, masked, negated(zero), one);
    EXPECT_EQ(of_zero.st0, negated(zero));
    EXPECT_EQ(of_zero.st1, negated(infinity));
    EXPECT_EQ(flags(of_zero.status), ZE);
    EXPECT_EQ(evaluate(Function::FXTRACT, unmasked_all, zero, one).depth, 0);

    const Evaluation log = evaluate(Function::FYL2X, masked, float80_from(i64{1024}), three);
    EXPECT_EQ(log.depth, -1);
    EXPECT_EQ(log.st0, float80_from(i64{30}));
    EXPECT_EQ(evaluate(Function::FYL2X, unmasked_all, zero, one).depth, 0);

    const Evaluation far = evaluate(Function::FPTAN, masked, Float80{J, 0x403E}, one);
    EXPECT_EQ(far.depth, 0);
    EXPECT_EQ(far.status & C2, C2);
    EXPECT_EQ(far.st0, (Float80{J, 0x403E}));
    EXPECT_EQ(evaluate(Function::FPTAN, masked, one, one).st0, one);

    EXPECT_EQ(evaluate(Function::FSCALE, masked, three, float80_from(i64{-1})).st0,
              (Float80{three.significand, 0x3FFF}));
    EXPECT_EQ(evaluate(Function::FSQRT, masked, float80_from(i64{144}), one).st0, float80_from(i64{12}));
    EXPECT_EQ(evaluate(Function::FSQRT, masked, negated(one), one).st0, float80_indefinite);
    EXPECT_EQ(evaluate(Function::FSQRT, masked, negated(zero), one).st0, negated(zero));
    EXPECT_EQ(evaluate(Function::F2XM1, masked, negated(one), one).st0, (Float80{J, 0xBFFE}));
}

TEST(X87Operations, RoundingToIntegerByRc) {
    const Float80 value{0xA000'0000'0000'0000, 0x4000}; // 2.5
    const auto rounded = [&value](u16 control) { return evaluate(Function::FRNDINT, {control, 0}, value, one).st0; };
    EXPECT_EQ(rounded(0x037F), two);
    EXPECT_EQ(rounded(0x077F), two);
    EXPECT_EQ(rounded(0x0B7F), three);
    EXPECT_EQ(rounded(0x0F7F), two);
}

TEST(X87Operations, LoadsRaiseOnlyForShortFormats) {
    EXPECT_EQ(load(masked, Float32{0x3F80'0000}).value, one);
    EXPECT_EQ(load(masked, Float64{0xC000'0000'0000'0000}).value, negated(two));
    EXPECT_EQ(flags(load(masked, Float32{1}).status), DE);
    EXPECT_EQ(flags(load(unmasked_all, Float64{1}).status), DE);
    EXPECT_EQ(load(unmasked_all, Float64{1}).value, (Float80{J, 0x3FFF - 1074}));
    const Result nan = load(masked, Float32{0xFF80'0001});
    EXPECT_EQ(nan.value, (Float80{0xC000'0100'0000'0000, 0xFFFF}));
    EXPECT_EQ(flags(nan.status), IE);
}

TEST(X87Operations, StoresConvertAndSignal) {
    EXPECT_EQ(store_float32(masked, one).value.bits, 0x3F80'0000u);
    EXPECT_EQ(store_float32(masked, largest).value.bits, 0x7F80'0000u);
    EXPECT_EQ(flags(store_float32(masked, largest).status), OE | PE);
    EXPECT_FALSE(store_float32(unmasked_all, largest).stored);
    EXPECT_FALSE(store_float64(unmasked_all, smallest_normal).stored);
    EXPECT_FALSE(store_float64(unmasked_all, signaling).stored);
    EXPECT_TRUE(store_float64(masked, signaling).stored);
    const Result third = arithmetic(Arithmetic::FDIV, masked, one, three);
    EXPECT_TRUE(store_float64(unmasked_all, third.value).stored); // a precision exception comes after the store
    EXPECT_EQ(store_float64(masked, third.value).value.bits, 0x3FD5'5555'5555'5555u);
    EXPECT_EQ(store_float64({0x0B7F, 0}, third.value).value.bits, 0x3FD5'5555'5555'5556u);

    EXPECT_EQ(store_i16(masked, float80_from(i64{-32768})).value, -32768);
    EXPECT_EQ(flags(store_i16(masked, float80_from(i64{-32768})).status), 0);
    EXPECT_EQ(flags(store_i16(masked, float80_from(i64{32768})).status), IE);
    EXPECT_EQ(store_i16(masked, float80_from(i64{32768})).value, INT16_MIN);
    EXPECT_EQ(store_i32(masked, quiet).value, INT32_MIN);
    EXPECT_FALSE(store_i32(unmasked_all, quiet).stored);
    EXPECT_EQ(store_i64(masked, float80_from(INT64_MIN)).value, INT64_MIN);
    EXPECT_EQ(flags(store_i64(masked, float80_from(INT64_MIN)).status), 0);
    EXPECT_EQ(store_i32(masked, Float80{0xA000'0000'0000'0000, 0xC000}).value, -2); // -2.5
    EXPECT_EQ(store_i32({0x077F, 0}, Float80{0xA000'0000'0000'0000, 0xC000}).value, -3);
}

TEST(X87Operations, PackedBcdStores) {
    EXPECT_EQ(store_bcd(masked, float80_from(i64{-1234})).value, (PackedBcd{0x1234, 0x8000}));
    const i64 most = 999'999'999'999'999'999;
    EXPECT_EQ(store_bcd(masked, float80_from(most)).value, (PackedBcd{0x9999'9999'9999'9999, 0x0099}));
    EXPECT_EQ(flags(store_bcd(masked, float80_from(most)).status), 0);
    EXPECT_EQ(store_bcd(masked, float80_from(most + 1)).value, bcd_indefinite);
    EXPECT_EQ(flags(store_bcd(masked, float80_from(most + 1)).status), IE);
    EXPECT_FALSE(store_bcd(unmasked_all, infinity).stored);
    EXPECT_EQ(store_bcd(masked, negated(zero)).value, (PackedBcd{0, 0x8000}));
}

#if defined(__x86_64__)
long double to_host(const Float80& value) {
    long double result = 0;
    std::memcpy(&result, &value, 10);
    return result;
}
Float80 from_host(long double value) {
    Float80 result;
    std::memcpy(&result.significand, &value, 8);
    std::memcpy(&result.sign_exponent, reinterpret_cast<const char*>(&value) + 8, 2);
    return result;
}

// The compiler's own arithmetic rounds as the default control word says.
TEST(X87Operations, AgreesWithLongDouble) {
    std::array<Float80, 64> pool{zero, one, two, three, negated(one), infinity, largest, smallest_normal, denormal};
    u64 seed = 88172645463325252;
    for (size_t i = 9; i < pool.size(); ++i) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        const u64 exponent = i % 4 == 0 ? seed >> 50 : 0x3FF0 + (seed & 31);
        pool[i] = {seed | J, static_cast<u16>((exponent & 0x7FFE) | (seed & 1) << 15 | 1)};
    }
    for (const Float80& a : pool) {
        for (const Float80& b : pool) {
            const long double x = to_host(a);
            const long double y = to_host(b);
            EXPECT_EQ(arithmetic(Arithmetic::FADD, masked, a, b).value, from_host(x + y));
            EXPECT_EQ(arithmetic(Arithmetic::FMUL, masked, a, b).value, from_host(x * y));
            EXPECT_EQ(arithmetic(Arithmetic::FSUBR, masked, a, b).value, from_host(y - x));
            EXPECT_EQ(arithmetic(Arithmetic::FDIV, masked, a, b).value, from_host(x / y));
        }
    }
}
#endif

} // namespace
} // namespace truering::x87
