// Float bodies by hand-worked examples from the SDM's tables: special operands, rounding, FZ and DAZ, comparisons,
// integer indefinite, and the lending of the host's MXCSR.
#include "cpu/semantics/sse_compare.hpp"
#include "cpu/semantics/sse_convert.hpp"
#include "cpu/semantics/sse_exceptions.hpp"

#include <gtest/gtest.h>

namespace truering::op {
namespace {

using namespace mxcsr;

constexpr u32 rc_nearest = 0;
constexpr u32 rc_down = 1U << RC_shift;
constexpr u32 rc_up = 2U << RC_shift;
constexpr u32 rc_zero = 3U << RC_shift;

constexpr u32 float_one = 0x3F80'0000;
constexpr u32 float_max = 0x7F7F'FFFF;
constexpr u32 float_infinity = 0x7F80'0000;
constexpr u32 float_indefinite = 0xFFC0'0000;
constexpr u32 float_snan = 0x7F80'0001;
constexpr u32 float_denormal = 0x0000'0001;
constexpr u32 float_min_normal = 0x0080'0000;

// A processor's SSE state for one example.
struct Machine {
    SseState state;
    HostMxcsr host;

    explicit Machine(u32 controls = 0, u32 unmask = 0) {
        state.mxcsr = (reset_value | controls) & ~(unmask << mask_shift);
    }
    ~Machine() { host.leave(state); }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    template <class Body> u32 scalar(u32 d, u32 s) {
        Packed128 r = Packed128::low(d);
        status = run_float<Body>(host, state, r, r, Packed128::low(s));
        return r.get<u32>(0);
    }
    u32 raised() const { return host.guest_mxcsr(state) & mxcsr::flags; }

    SimdStatus status = SimdStatus::done;
};

TEST(SseFloat, RoundingControl) {
    const u32 third_down = 0x3EAA'AAAA;
    EXPECT_EQ(Machine(rc_nearest).scalar<DIVSS>(float_one, 0x4040'0000), third_down + 1);
    EXPECT_EQ(Machine(rc_down).scalar<DIVSS>(float_one, 0x4040'0000), third_down);
    EXPECT_EQ(Machine(rc_up).scalar<DIVSS>(float_one, 0x4040'0000), third_down + 1);
    EXPECT_EQ(Machine(rc_zero).scalar<DIVSS>(float_one, 0x4040'0000), third_down);
    EXPECT_EQ(Machine(rc_zero).scalar<MULSS>(float_max, float_max), float_max) << "overflow rounds towards zero";
    EXPECT_EQ(Machine(rc_down).scalar<SUBSS>(float_one, float_one), 0x8000'0000) << "an exact zero is negative";
}

TEST(SseFloat, MaskedResponses) {
    Machine m;
    EXPECT_EQ(m.scalar<ADDSS>(float_snan, float_one), float_snan | 0x0040'0000);
    EXPECT_EQ(m.raised(), IE);
    EXPECT_EQ(m.scalar<DIVSS>(float_one, 0x8000'0000), float_infinity | 0x8000'0000);
    EXPECT_EQ(m.raised(), IE | ZE) << "flags are sticky";
    m.host.load(m.state, reset_value);
    EXPECT_EQ(m.scalar<SQRTSS>(0, float_one | 0x8000'0000), float_indefinite);
    EXPECT_EQ(m.raised(), IE);
    m.host.load(m.state, reset_value);
    EXPECT_EQ(m.scalar<MULSS>(float_max, float_max), float_infinity);
    EXPECT_EQ(m.raised(), OE | PE);
}

TEST(SseFloat, FlushToZeroAndDenormalsAreZero) {
    Machine denormal;
    EXPECT_EQ(denormal.scalar<ADDSS>(float_denormal, 0), float_denormal);
    EXPECT_EQ(denormal.raised(), DE) << "tiny but exact: no UE while masked";
    Machine daz(DAZ);
    EXPECT_EQ(daz.scalar<ADDSS>(float_denormal, 0), 0U);
    EXPECT_EQ(daz.raised(), 0U);
    Machine fz(FZ);
    EXPECT_EQ(fz.scalar<MULSS>(float_min_normal | 1, 0x3F00'0000), 0U);
    EXPECT_EQ(fz.raised(), UE | PE);
    Machine fz_unmasked(FZ, UE);
    EXPECT_EQ(fz_unmasked.scalar<MULSS>(float_min_normal | 1, 0x3F00'0000), float_min_normal | 1) << "d is unchanged";
    EXPECT_EQ(fz_unmasked.status, SimdStatus::exception);
}

TEST(SseFloat, UnmaskedUnderflowReportsExactTinyResults) {
    Machine m(0, UE);
    EXPECT_EQ(m.scalar<MULSS>(float_min_normal, 0x3F00'0000), float_min_normal);
    EXPECT_EQ(m.status, SimdStatus::exception);
    EXPECT_EQ(m.raised(), UE);
}

TEST(SseFloat, UnmaskedOverflowTellsPrecisionWithUnboundedExponent) {
    Machine exact(0, OE);
    exact.scalar<MULSS>(0x7F00'0000, 0x7F00'0000); // 2^127 squared is a power of two
    EXPECT_EQ(exact.status, SimdStatus::exception);
    EXPECT_EQ(exact.raised(), OE);
    Machine inexact(0, OE);
    inexact.scalar<MULSS>(float_max, float_max);
    EXPECT_EQ(inexact.raised(), OE | PE);
}

TEST(SseFloat, PreComputationExceptionHidesTheOthers) {
    Machine m(0, ZE);
    Packed128 r = Packed128::of<u32>({float_one, float_one, float_max, float_one});
    const Packed128 divisor = Packed128::of<u32>({0x4040'0000, 0, float_denormal, float_one});
    const Packed128 before = r;
    EXPECT_EQ(run_float<DIVPS>(m.host, m.state, r, r, divisor), SimdStatus::exception);
    EXPECT_EQ(r, before);
    EXPECT_EQ(m.raised(), ZE | DE) << "no PE of lane 0, no OE of lane 2";
}

TEST(SseFloat, MinAndMaxPreferTheSource) {
    Machine m;
    EXPECT_EQ(m.scalar<MINSS>(0x8000'0000, 0), 0U);
    EXPECT_EQ(m.scalar<MAXSS>(0, 0x8000'0000), 0x8000'0000);
    EXPECT_EQ(m.raised(), 0U);
    EXPECT_EQ(m.scalar<MAXSS>(float_snan, float_one), float_one);
    EXPECT_EQ(m.raised(), IE);
    EXPECT_EQ(m.scalar<MAXSS>(float_one, float_snan), float_snan) << "not quieted";
}

TEST(SseFloat, ComparePredicates) {
    Machine m;
    const Packed128 d = Packed128::of<u32>({float_one, float_one, 0x7FC0'0000, 0x4000'0000});
    const Packed128 s = Packed128::of<u32>({float_one, 0x4000'0000, float_one, float_one});
    // Lanes: equal, less, unordered, greater.
    const std::array<std::array<int, 4>, 8> truth{{{1, 0, 0, 0},
                                                   {0, 1, 0, 0},
                                                   {1, 1, 0, 0},
                                                   {0, 0, 1, 0},
                                                   {0, 1, 1, 1},
                                                   {1, 0, 1, 1},
                                                   {0, 0, 1, 1},
                                                   {1, 1, 0, 1}}};
    for (u32 predicate = 0; predicate < 8; ++predicate) {
        m.host.load(m.state, reset_value);
        Packed128 r;
        ASSERT_EQ(run_float<CMPPS>(m.host, m.state, r, d, s, static_cast<u8>(predicate | 0xF8)), SimdStatus::done);
        for (unsigned i = 0; i < 4; ++i)
            EXPECT_EQ(r.get<u32>(i), truth[predicate][i] ? ~0U : 0U) << predicate << ' ' << i;
        const bool signals_quiet = predicate == 1 || predicate == 2 || predicate == 5 || predicate == 6;
        EXPECT_EQ(m.raised(), signals_quiet ? IE : 0U) << predicate;
    }
}

TEST(SseFloat, CompareIntoFlags) {
    Machine m;
    const auto compare = [&m](u32 d, u32 s) {
        CompareFlags f;
        EXPECT_EQ(run_float<UCOMISS>(m.host, m.state, f, Packed128::low(d), Packed128::low(s)), SimdStatus::done);
        return f;
    };
    EXPECT_EQ(compare(0x4000'0000, float_one), (CompareFlags{false, false, false}));
    EXPECT_EQ(compare(float_one, 0x4000'0000), (CompareFlags{false, false, true}));
    EXPECT_EQ(compare(0, 0x8000'0000), (CompareFlags{true, false, false}));
    EXPECT_EQ(compare(float_one, 0x7FC0'0000), (CompareFlags{true, true, true}));
    EXPECT_EQ(m.raised(), 0U);
    CompareFlags f;
    EXPECT_EQ(run_float<COMISS>(m.host, m.state, f, Packed128::low(float_one), Packed128::low(0x7FC0'0000U)),
              SimdStatus::done);
    EXPECT_EQ(m.raised(), IE);
}

TEST(SseFloat, ConversionsToIntegers) {
    Machine m;
    u32 r = 0;
    const auto convert = [&]<class Body>(Body, double x) {
        m.host.load(m.state, (m.state.mxcsr & RC) | reset_value);
        EXPECT_EQ(run_float<Body>(m.host, m.state, r, Packed128::low(x)), SimdStatus::done);
        return r;
    };
    EXPECT_EQ(convert(CVTSD2SI{}, 2.5), 2U);
    EXPECT_EQ(m.raised(), PE);
    EXPECT_EQ(convert(CVTSD2SI{}, 3.5), 4U);
    EXPECT_EQ(convert(CVTTSD2SI{}, -3.9), static_cast<u32>(-3));
    EXPECT_EQ(convert(CVTSD2SI{}, 2147483647.0), 0x7FFF'FFFFU);
    EXPECT_EQ(m.raised(), 0U);
    EXPECT_EQ(convert(CVTSD2SI{}, 2147483647.5), 0x8000'0000U);
    EXPECT_EQ(m.raised(), IE) << "rounds out of range";
    EXPECT_EQ(convert(CVTTSD2SI{}, 2147483647.5), 0x7FFF'FFFFU);
    EXPECT_EQ(m.raised(), PE);
    m.host.load(m.state, reset_value | rc_up);
    EXPECT_EQ(convert(CVTSD2SI{}, 2.1), 3U);
}

TEST(SseFloat, ConversionsKeepOrClearTheOtherLanes) {
    Machine m;
    const Packed128 old = Packed128::of<u64>({0x1111'2222'3333'4444, 0x5555'6666'7777'8888});
    Packed128 r = old;
    ASSERT_EQ(run_float<CVTSD2SS>(m.host, m.state, r, old, Packed128::low(1.0)), SimdStatus::done);
    EXPECT_EQ(r, Packed128::of<u32>({float_one, 0x1111'2222, 0x7777'8888, 0x5555'6666}));
    ASSERT_EQ(run_float<CVTPI2PS>(m.host, m.state, r, old, Packed64::of<u32>({1, 0xFFFF'FFFF})), SimdStatus::done);
    EXPECT_EQ(r, Packed128::of<u32>({float_one, 0xBF80'0000, 0x7777'8888, 0x5555'6666}));
    ASSERT_EQ(run_float<CVTPD2PS>(m.host, m.state, r, Packed128::of<double>({1.0, 2.0})), SimdStatus::done);
    EXPECT_EQ(r, Packed128::of<u32>({float_one, 0x4000'0000, 0, 0}));
}

TEST(SseFloat, ApproximationsRaiseNothing) {
    Machine m(0, mxcsr::flags);
    EXPECT_EQ(m.scalar<RCPSS>(0, 0), float_infinity);
    EXPECT_EQ(m.scalar<RSQRTSS>(0, 0xBF80'0000), float_indefinite);
    EXPECT_EQ(m.scalar<RCPSS>(0, float_denormal), float_infinity) << "a denormal counts as zero";
    EXPECT_EQ(m.status, SimdStatus::done);
    EXPECT_EQ(m.raised(), 0U);
}

TEST(HostMxcsr, LendsAndReturnsTheHostsRegister) {
    const u32 hosts = read_host_mxcsr();
    SseState state;
    state.mxcsr = (reset_value | rc_zero | FZ | ZE) & ~UM;
    HostMxcsr host;
    host.enter(state);
    EXPECT_EQ(read_host_mxcsr(), masks | rc_zero | ZE) << "no FZ while underflow is unmasked";
    write_host_mxcsr(read_host_mxcsr() | PE);
    EXPECT_EQ(host.guest_mxcsr(state), ((reset_value | rc_zero | FZ | ZE | PE) & ~UM));
    host.leave(state);
    EXPECT_EQ(state.mxcsr, ((reset_value | rc_zero | FZ | ZE | PE) & ~UM));
    EXPECT_EQ(read_host_mxcsr(), hosts);
    host.load(state, reset_value);
    EXPECT_EQ(host.guest_mxcsr(state), reset_value);
    EXPECT_EQ(read_host_mxcsr(), hosts);
}

} // namespace
} // namespace truering::op
