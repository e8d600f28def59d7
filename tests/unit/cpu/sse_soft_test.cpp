// The integer SSE unit against the host's: results and flags of every float body, under random MXCSR, masked exceptions
// and unmasked.
#if defined(__x86_64__)

#include "cpu/semantics/sse_compare.hpp"
#include "cpu/semantics/sse_convert.hpp"
#include "cpu/semantics/sse_exceptions.hpp"
#include "cpu/semantics/sse_soft_bodies.hpp"
#include "tests/unit/cpu/sse_operands.hpp"

#include <cmath>
#include <gtest/gtest.h>

namespace truering::op {
namespace {

using truering::test::SseOperands;

struct Answer {
    bool exception;
    u32 mxcsr;

    friend bool operator==(const Answer&, const Answer&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Answer& a) {
        return out << (a.exception ? "#XM " : "done ") << std::hex << a.mxcsr << std::dec;
    }
};

template <class Body, class Result, class... Operands>
Answer run(u32 guest_mxcsr, Result& result, const Operands&... operands) {
    SseState state;
    state.mxcsr = guest_mxcsr;
    HostMxcsr host;
    const SimdStatus status = run_float<Body>(host, state, result, operands...);
    host.leave(state);
    return {status == SimdStatus::exception, state.mxcsr};
}

u32 random_mxcsr(SseOperands& operands) {
    const u32 masks = operands.below(2) == 0 ? mxcsr::masks : static_cast<u32>(operands.next()) & mxcsr::masks;
    return masks | (static_cast<u32>(operands.next()) & (mxcsr::RC | mxcsr::FZ | mxcsr::DAZ));
}

template <class Host, class Soft, class Result, class Make> void compare(const char* name, Make make_operands) {
    SseOperands operands(31);
    for (int n = 0; n < 10000; ++n) {
        const u32 control = random_mxcsr(operands);
        std::apply(
            [&](const auto&... o) {
                Result expected{};
                Result result{};
                const Answer host = run<Host>(control, expected, o...);
                ASSERT_EQ(run<Soft>(control, result, o...), host) << name << std::hex << ' ' << control;
                ASSERT_EQ(result, expected) << name << std::hex << ' ' << control;
            },
            make_operands(operands));
        if (testing::Test::HasFatalFailure()) return;
    }
}

std::tuple<Packed128, Packed128> two_floats(SseOperands& o) {
    const Packed128 a = o.floats();
    return {a, o.floats()};
}
std::tuple<Packed128, Packed128> two_doubles(SseOperands& o) {
    const Packed128 a = o.doubles();
    return {a, o.doubles()};
}
std::tuple<Packed128, Packed128> float_and_double(SseOperands& o) {
    const Packed128 a = o.floats();
    return {a, o.doubles()};
}
std::tuple<Packed128> one_float(SseOperands& o) { return {o.floats()}; }
std::tuple<Packed128> one_double(SseOperands& o) { return {o.doubles()}; }
std::tuple<Packed128> integers(SseOperands& o) { return {o.integers<Packed128>()}; }
std::tuple<Packed128, u32> float_and_register(SseOperands& o) {
    const Packed128 a = o.floats();
    return {a, o.integers<Packed64>().get<u32>(0)};
}
std::tuple<Packed128, Packed64> float_and_mmx(SseOperands& o) {
    const Packed128 a = o.floats();
    return {a, o.integers<Packed64>()};
}
std::tuple<Packed64> one_mmx(SseOperands& o) { return {o.integers<Packed64>()}; }
std::tuple<Packed128, Packed128, u8> floats_and_predicate(SseOperands& o) {
    const auto [a, b] = two_floats(o);
    return {a, b, static_cast<u8>(o.next())};
}
std::tuple<Packed128, Packed128, u8> doubles_and_predicate(SseOperands& o) {
    const auto [a, b] = two_doubles(o);
    return {a, b, static_cast<u8>(o.next())};
}

TEST(SseSoft, Arithmetic) {
    compare<ADDPS, soft::ADDPS, Packed128>("ADDPS", two_floats);
    compare<ADDSS, soft::ADDSS, Packed128>("ADDSS", two_floats);
    compare<ADDPD, soft::ADDPD, Packed128>("ADDPD", two_doubles);
    compare<ADDSD, soft::ADDSD, Packed128>("ADDSD", two_doubles);
    compare<SUBPS, soft::SUBPS, Packed128>("SUBPS", two_floats);
    compare<SUBSS, soft::SUBSS, Packed128>("SUBSS", two_floats);
    compare<SUBPD, soft::SUBPD, Packed128>("SUBPD", two_doubles);
    compare<SUBSD, soft::SUBSD, Packed128>("SUBSD", two_doubles);
    compare<MULPS, soft::MULPS, Packed128>("MULPS", two_floats);
    compare<MULSS, soft::MULSS, Packed128>("MULSS", two_floats);
    compare<MULPD, soft::MULPD, Packed128>("MULPD", two_doubles);
    compare<MULSD, soft::MULSD, Packed128>("MULSD", two_doubles);
    compare<DIVPS, soft::DIVPS, Packed128>("DIVPS", two_floats);
    compare<DIVSS, soft::DIVSS, Packed128>("DIVSS", two_floats);
    compare<DIVPD, soft::DIVPD, Packed128>("DIVPD", two_doubles);
    compare<DIVSD, soft::DIVSD, Packed128>("DIVSD", two_doubles);
    compare<SQRTPS, soft::SQRTPS, Packed128>("SQRTPS", two_floats);
    compare<SQRTSS, soft::SQRTSS, Packed128>("SQRTSS", two_floats);
    compare<SQRTPD, soft::SQRTPD, Packed128>("SQRTPD", two_doubles);
    compare<SQRTSD, soft::SQRTSD, Packed128>("SQRTSD", two_doubles);
    compare<MINPS, soft::MINPS, Packed128>("MINPS", two_floats);
    compare<MINSS, soft::MINSS, Packed128>("MINSS", two_floats);
    compare<MINPD, soft::MINPD, Packed128>("MINPD", two_doubles);
    compare<MINSD, soft::MINSD, Packed128>("MINSD", two_doubles);
    compare<MAXPS, soft::MAXPS, Packed128>("MAXPS", two_floats);
    compare<MAXSS, soft::MAXSS, Packed128>("MAXSS", two_floats);
    compare<MAXPD, soft::MAXPD, Packed128>("MAXPD", two_doubles);
    compare<MAXSD, soft::MAXSD, Packed128>("MAXSD", two_doubles);
}

TEST(SseSoft, Comparisons) {
    compare<CMPPS, soft::CMPPS, Packed128>("CMPPS", floats_and_predicate);
    compare<CMPSS, soft::CMPSS, Packed128>("CMPSS", floats_and_predicate);
    compare<CMPPD, soft::CMPPD, Packed128>("CMPPD", doubles_and_predicate);
    compare<CMPSD, soft::CMPSD, Packed128>("CMPSD", doubles_and_predicate);
    compare<COMISS, soft::COMISS, CompareFlags>("COMISS", two_floats);
    compare<UCOMISS, soft::UCOMISS, CompareFlags>("UCOMISS", two_floats);
    compare<COMISD, soft::COMISD, CompareFlags>("COMISD", two_doubles);
    compare<UCOMISD, soft::UCOMISD, CompareFlags>("UCOMISD", two_doubles);
}

TEST(SseSoft, Conversions) {
    compare<CVTDQ2PS, soft::CVTDQ2PS, Packed128>("CVTDQ2PS", integers);
    compare<CVTDQ2PD, soft::CVTDQ2PD, Packed128>("CVTDQ2PD", integers);
    compare<CVTPS2DQ, soft::CVTPS2DQ, Packed128>("CVTPS2DQ", one_float);
    compare<CVTTPS2DQ, soft::CVTTPS2DQ, Packed128>("CVTTPS2DQ", one_float);
    compare<CVTPD2DQ, soft::CVTPD2DQ, Packed128>("CVTPD2DQ", one_double);
    compare<CVTTPD2DQ, soft::CVTTPD2DQ, Packed128>("CVTTPD2DQ", one_double);
    compare<CVTPS2PI, soft::CVTPS2PI, Packed64>("CVTPS2PI", one_float);
    compare<CVTTPS2PI, soft::CVTTPS2PI, Packed64>("CVTTPS2PI", one_float);
    compare<CVTPD2PI, soft::CVTPD2PI, Packed64>("CVTPD2PI", one_double);
    compare<CVTTPD2PI, soft::CVTTPD2PI, Packed64>("CVTTPD2PI", one_double);
    compare<CVTSS2SI, soft::CVTSS2SI, u32>("CVTSS2SI", one_float);
    compare<CVTTSS2SI, soft::CVTTSS2SI, u32>("CVTTSS2SI", one_float);
    compare<CVTSD2SI, soft::CVTSD2SI, u32>("CVTSD2SI", one_double);
    compare<CVTTSD2SI, soft::CVTTSD2SI, u32>("CVTTSD2SI", one_double);
    compare<CVTSI2SS, soft::CVTSI2SS, Packed128>("CVTSI2SS", float_and_register);
    compare<CVTSI2SD, soft::CVTSI2SD, Packed128>("CVTSI2SD", float_and_register);
    compare<CVTPI2PS, soft::CVTPI2PS, Packed128>("CVTPI2PS", float_and_mmx);
    compare<CVTPI2PD, soft::CVTPI2PD, Packed128>("CVTPI2PD", one_mmx);
    compare<CVTPS2PD, soft::CVTPS2PD, Packed128>("CVTPS2PD", one_float);
    compare<CVTPD2PS, soft::CVTPD2PS, Packed128>("CVTPD2PS", one_double);
    compare<CVTSS2SD, soft::CVTSS2SD, Packed128>("CVTSS2SD", two_floats);
    compare<CVTSD2SS, soft::CVTSD2SS, Packed128>("CVTSD2SS", float_and_double);
}

// The instructions promise an error of at most 1.5 * 2^-12.
template <class Body> void check_approximation(double (*exact)(double)) {
    SseOperands operands(32);
    for (int n = 0; n < 10000; ++n) {
        const float x = std::ldexp(1.0F + static_cast<float>(operands.below(1U << 23)) * 0x1p-23F,
                                   static_cast<int>(operands.below(200)) - 100);
        const double result =
            std::bit_cast<float>(Body::run({}, Packed128::low(std::bit_cast<u32>(x))).template get<u32>(0));
        ASSERT_NEAR(result / exact(x), 1.0, 1.5 / 4096) << x;
    }
}

TEST(SseSoft, Approximations) {
    check_approximation<soft::RCPSS>([](double x) { return 1 / x; });
    check_approximation<soft::RSQRTSS>([](double x) { return 1 / std::sqrt(x); });
    // Zeros, infinities, denormals and NaNs have exact answers, and so have negative numbers for the root.
    for (const u32 x : {0U, 0x8000'0000U, 0x7F80'0000U, 0xFF80'0000U, 1U, 0x8000'0001U, 0x7F80'0001U, 0xFFC1'2345U}) {
        const Packed128 s = Packed128::low(x);
        EXPECT_EQ(soft::RSQRTSS::run({}, s), RSQRTSS::run({}, s)) << std::hex << x;
        EXPECT_EQ(soft::RCPSS::run({}, s), RCPSS::run({}, s)) << std::hex << x;
    }
    EXPECT_EQ(soft::RSQRTSS::run({}, Packed128::low(0xBF80'0000U)), Packed128::low(0xFFC0'0000U));
}

} // namespace
} // namespace truering::op

#endif
