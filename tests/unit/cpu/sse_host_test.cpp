// Float bodies against the processor itself: results against the compiler's intrinsics; the rules for unmasked
// exceptions (sse_exceptions.hpp) against instructions that really trap, whose flags the SIGFPE handler reads.
#if defined(__x86_64__)

#include "cpu/semantics/sse_compare.hpp"
#include "cpu/semantics/sse_convert.hpp"
#include "cpu/semantics/sse_exceptions.hpp"
#include "tests/unit/cpu/sse_operands.hpp"

#include <csignal>
#include <emmintrin.h>
#include <gtest/gtest.h>
#include <ucontext.h>

namespace truering::op {
namespace {

using truering::test::SseOperands;

// ---- The processor with exceptions unmasked

volatile sig_atomic_t trapped = 0;
volatile u32 trap_mxcsr = 0;

// Notes the flags of the faulting instruction, then masks everything so that it completes when restarted.
void on_sigfpe(int, siginfo_t*, void* context) {
    auto* fp = static_cast<ucontext_t*>(context)->uc_mcontext.fpregs;
    trapped = 1;
    trap_mxcsr = fp->mxcsr;
    fp->mxcsr |= mxcsr::masks;
}

class SigfpeScope {
  public:
    SigfpeScope() {
        struct sigaction action {};
        action.sa_sigaction = on_sigfpe;
        action.sa_flags = SA_SIGINFO;
        sigaction(SIGFPE, &action, &before_);
    }
    ~SigfpeScope() { sigaction(SIGFPE, &before_, nullptr); }
    SigfpeScope(const SigfpeScope&) = delete;
    SigfpeScope& operator=(const SigfpeScope&) = delete;

  private:
    struct sigaction before_ {};
};

struct Run {
    bool exception;
    u32 mxcsr;

    friend bool operator==(const Run&, const Run&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Run& r) {
        return out << (r.exception ? "#XM " : "done ") << std::hex << r.mxcsr << std::dec;
    }
};

template <class Result, class Body, class... Operands>
Run on_processor(u32 guest_mxcsr, Result& result, const Operands&... operands) {
    const u32 host = read_host_mxcsr();
    trapped = 0;
    write_host_mxcsr(guest_mxcsr);
    const Result r = Body::run(operands...);
    const u32 after = read_host_mxcsr();
    write_host_mxcsr(host);
    if (trapped) return {true, trap_mxcsr};
    result = r;
    return {false, after};
}

template <class Result, class Body, class... Operands>
Run on_truering(u32 guest_mxcsr, Result& result, const Operands&... operands) {
    SseState state;
    state.mxcsr = guest_mxcsr;
    HostMxcsr host;
    const u32 before = read_host_mxcsr();
    const SimdStatus status = run_float<Body>(host, state, result, operands...);
    host.leave(state);
    EXPECT_EQ(read_host_mxcsr(), before);
    return {status == SimdStatus::exception, state.mxcsr};
}

// Controls at random; unmasked exceptions few or many; some flags set before.
u32 random_mxcsr(SseOperands& operands) {
    const u32 masks = operands.below(3) == 0 ? mxcsr::masks & ~(mxcsr::IM << operands.below(6))
                                             : static_cast<u32>(operands.next()) & mxcsr::masks;
    const u32 controls = static_cast<u32>(operands.next()) & (mxcsr::RC | mxcsr::FZ | mxcsr::DAZ);
    const u32 sticky = static_cast<u32>(operands.next() & operands.next()) & mxcsr::flags;
    return masks | controls | sticky;
}

template <class Body, class Result, class Make> void compare_traps(const char* name, Make make_operands) {
    const SigfpeScope sigfpe;
    SseOperands operands(11);
    int exceptions = 0;
    for (int n = 0; n < 6000; ++n) {
        const u32 control = random_mxcsr(operands);
        std::apply(
            [&](const auto&... o) {
                Result expected{};
                Result result{};
                const Run processor = on_processor<Result, Body>(control, expected, o...);
                ASSERT_EQ((on_truering<Result, Body>(control, result, o...)), processor)
                    << name << std::hex << ' ' << control;
                ASSERT_EQ(result, expected) << name;
                exceptions += processor.exception;
            },
            make_operands(operands));
        if (testing::Test::HasFatalFailure()) return;
    }
    EXPECT_GT(exceptions, 0) << name;
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

TEST(SseExceptions, Arithmetic) {
    compare_traps<ADDPS, Packed128>("ADDPS", two_floats);
    compare_traps<ADDSS, Packed128>("ADDSS", two_floats);
    compare_traps<ADDPD, Packed128>("ADDPD", two_doubles);
    compare_traps<ADDSD, Packed128>("ADDSD", two_doubles);
    compare_traps<SUBPS, Packed128>("SUBPS", two_floats);
    compare_traps<SUBSS, Packed128>("SUBSS", two_floats);
    compare_traps<SUBPD, Packed128>("SUBPD", two_doubles);
    compare_traps<SUBSD, Packed128>("SUBSD", two_doubles);
    compare_traps<MULPS, Packed128>("MULPS", two_floats);
    compare_traps<MULSS, Packed128>("MULSS", two_floats);
    compare_traps<MULPD, Packed128>("MULPD", two_doubles);
    compare_traps<MULSD, Packed128>("MULSD", two_doubles);
    compare_traps<DIVPS, Packed128>("DIVPS", two_floats);
    compare_traps<DIVSS, Packed128>("DIVSS", two_floats);
    compare_traps<DIVPD, Packed128>("DIVPD", two_doubles);
    compare_traps<DIVSD, Packed128>("DIVSD", two_doubles);
    compare_traps<SQRTPS, Packed128>("SQRTPS", two_floats);
    compare_traps<SQRTSS, Packed128>("SQRTSS", two_floats);
    compare_traps<SQRTPD, Packed128>("SQRTPD", two_doubles);
    compare_traps<SQRTSD, Packed128>("SQRTSD", two_doubles);
    compare_traps<MINPS, Packed128>("MINPS", two_floats);
    compare_traps<MINSS, Packed128>("MINSS", two_floats);
    compare_traps<MINPD, Packed128>("MINPD", two_doubles);
    compare_traps<MINSD, Packed128>("MINSD", two_doubles);
    compare_traps<MAXPS, Packed128>("MAXPS", two_floats);
    compare_traps<MAXSS, Packed128>("MAXSS", two_floats);
    compare_traps<MAXPD, Packed128>("MAXPD", two_doubles);
    compare_traps<MAXSD, Packed128>("MAXSD", two_doubles);
}

template <class Body, u8 imm> struct WithPredicate {
    static Packed128 run(const Packed128& d, const Packed128& s) { return Body::run(d, s, imm); }
};
template <class Body, class Make> void compare_predicates(const char* name, Make make_operands) {
    compare_traps<WithPredicate<Body, 0>, Packed128>(name, make_operands);
    compare_traps<WithPredicate<Body, 1>, Packed128>(name, make_operands);
    compare_traps<WithPredicate<Body, 2>, Packed128>(name, make_operands);
    compare_traps<WithPredicate<Body, 3>, Packed128>(name, make_operands);
    compare_traps<WithPredicate<Body, 4>, Packed128>(name, make_operands);
    compare_traps<WithPredicate<Body, 5>, Packed128>(name, make_operands);
    compare_traps<WithPredicate<Body, 6>, Packed128>(name, make_operands);
    compare_traps<WithPredicate<Body, 7>, Packed128>(name, make_operands);
}

TEST(SseExceptions, Comparisons) {
    compare_predicates<CMPPS>("CMPPS", two_floats);
    compare_predicates<CMPSS>("CMPSS", two_floats);
    compare_predicates<CMPPD>("CMPPD", two_doubles);
    compare_predicates<CMPSD>("CMPSD", two_doubles);
    compare_traps<COMISS, CompareFlags>("COMISS", two_floats);
    compare_traps<UCOMISS, CompareFlags>("UCOMISS", two_floats);
    compare_traps<COMISD, CompareFlags>("COMISD", two_doubles);
    compare_traps<UCOMISD, CompareFlags>("UCOMISD", two_doubles);
}

TEST(SseExceptions, Conversions) {
    const auto integers = [](SseOperands& o) -> std::tuple<Packed128> { return {o.integers<Packed128>()}; };
    compare_traps<CVTDQ2PS, Packed128>("CVTDQ2PS", integers);
    compare_traps<CVTPS2DQ, Packed128>("CVTPS2DQ", one_float);
    compare_traps<CVTTPS2DQ, Packed128>("CVTTPS2DQ", one_float);
    compare_traps<CVTPD2DQ, Packed128>("CVTPD2DQ", one_double);
    compare_traps<CVTTPD2DQ, Packed128>("CVTTPD2DQ", one_double);
    compare_traps<CVTPS2PD, Packed128>("CVTPS2PD", one_float);
    compare_traps<CVTPD2PS, Packed128>("CVTPD2PS", one_double);
    compare_traps<CVTSS2SD, Packed128>("CVTSS2SD", two_floats);
    compare_traps<CVTSD2SS, Packed128>("CVTSD2SS", float_and_double);
    compare_traps<CVTSI2SS, Packed128>("CVTSI2SS", [](SseOperands& o) -> std::tuple<Packed128, u32> {
        const Packed128 d = o.floats();
        return {d, o.integers<Packed64>().get<u32>(0)};
    });
    compare_traps<CVTSS2SI, u32>("CVTSS2SI", one_float);
    compare_traps<CVTTSS2SI, u32>("CVTTSS2SI", one_float);
    compare_traps<CVTSD2SI, u32>("CVTSD2SI", one_double);
    compare_traps<CVTTSD2SI, u32>("CVTTSD2SI", one_double);
}

// ---- The MMX conversions, against the instructions that they stand in for

// One host instruction between register files, and the host's x87 left empty as before.
template <class F> auto with_mmx(F f) {
    const auto r = f();
    _mm_empty();
    return r;
}

template <class Body, class Result, class Host, class Make>
void compare_conversion(const char* name, Host host_instruction, Make make_operands) {
    SseOperands operands(12);
    for (int n = 0; n < 6000; ++n) {
        const u32 control = random_mxcsr(operands) | mxcsr::masks;
        const auto all = make_operands(operands);
        const u32 saved = read_host_mxcsr();
        write_host_mxcsr(control);
        const Result expected = with_mmx([&] { return std::apply(host_instruction, all); });
        const u32 after = read_host_mxcsr();
        write_host_mxcsr(saved);
        Result result{};
        const Run run =
            std::apply([&](const auto&... o) { return on_truering<Result, Body>(control, result, o...); }, all);
        ASSERT_EQ(run, (Run{false, after})) << name;
        ASSERT_EQ(result, expected) << name;
    }
}

TEST(SseConversions, MmxFormsAsTheHost) {
    const auto to_mmx = [](auto instruction) {
        return [instruction](const Packed128& s) {
            __m64 r;
            instruction(r, to_host(s));
            return std::bit_cast<Packed64>(r);
        };
    };
    compare_conversion<CVTPS2PI, Packed64>("CVTPS2PI", to_mmx([](__m64& r, HostVector s) {
                                               asm volatile("cvtps2pi %1, %0" : "=y"(r) : "x"(s));
                                           }),
                                           one_float);
    compare_conversion<CVTTPS2PI, Packed64>("CVTTPS2PI", to_mmx([](__m64& r, HostVector s) {
                                                asm volatile("cvttps2pi %1, %0" : "=y"(r) : "x"(s));
                                            }),
                                            one_float);
    compare_conversion<CVTPD2PI, Packed64>("CVTPD2PI", to_mmx([](__m64& r, HostVector s) {
                                               asm volatile("cvtpd2pi %1, %0" : "=y"(r) : "x"(s));
                                           }),
                                           one_double);
    compare_conversion<CVTTPD2PI, Packed64>("CVTTPD2PI", to_mmx([](__m64& r, HostVector s) {
                                                asm volatile("cvttpd2pi %1, %0" : "=y"(r) : "x"(s));
                                            }),
                                            one_double);
    compare_conversion<CVTPI2PS, Packed128>(
        "CVTPI2PS",
        [](const Packed128& d, const Packed64& s) {
            HostVector r = to_host(d);
            asm volatile("cvtpi2ps %1, %0" : "+x"(r) : "y"(std::bit_cast<__m64>(s)));
            return from_host(r);
        },
        [](SseOperands& o) -> std::tuple<Packed128, Packed64> {
            const Packed128 d = o.floats();
            return {d, o.integers<Packed64>()};
        });
    compare_conversion<CVTPI2PD, Packed128>(
        "CVTPI2PD",
        [](const Packed64& s) {
            HostVector r;
            asm volatile("cvtpi2pd %1, %0" : "=x"(r) : "y"(std::bit_cast<__m64>(s)));
            return from_host(r);
        },
        [](SseOperands& o) -> std::tuple<Packed64> { return {o.integers<Packed64>()}; });
}

// ---- Results against intrinsics. Of two NaNs a commutative intrinsic may keep either, so NaNs are made zero here.

template <class Lane> Packed128 without_nans(Packed128 x) {
    for (unsigned i = 0; i < Packed128::count<Lane>; ++i)
        if (const Lane lane = x.get<Lane>(i); lane != lane) x.set(i, Lane{});
    return x;
}

template <class Body, class F> void compare_float(const char* name, F host_instruction) {
    SseOperands operands(13);
    for (int n = 0; n < 3000; ++n) {
        const Packed128 d = without_nans<float>(operands.floats());
        const Packed128 s = without_nans<float>(operands.floats());
        const __m128 r = host_instruction(std::bit_cast<__m128>(d), std::bit_cast<__m128>(s));
        ASSERT_EQ(Body::run(d, s), std::bit_cast<Packed128>(r)) << name;
    }
}
template <class Body, class F> void compare_double(const char* name, F host_instruction) {
    SseOperands operands(14);
    for (int n = 0; n < 3000; ++n) {
        const Packed128 d = without_nans<double>(operands.doubles());
        const Packed128 s = without_nans<double>(operands.doubles());
        const __m128d r = host_instruction(std::bit_cast<__m128d>(d), std::bit_cast<__m128d>(s));
        ASSERT_EQ(Body::run(d, s), std::bit_cast<Packed128>(r)) << name;
    }
}

TEST(SseArithmetic, FloatsAsTheIntrinsics) {
    compare_float<ADDPS>("ADDPS", [](__m128 d, __m128 s) { return _mm_add_ps(d, s); });
    compare_float<ADDSS>("ADDSS", [](__m128 d, __m128 s) { return _mm_add_ss(d, s); });
    compare_float<SUBPS>("SUBPS", [](__m128 d, __m128 s) { return _mm_sub_ps(d, s); });
    compare_float<SUBSS>("SUBSS", [](__m128 d, __m128 s) { return _mm_sub_ss(d, s); });
    compare_float<MULPS>("MULPS", [](__m128 d, __m128 s) { return _mm_mul_ps(d, s); });
    compare_float<MULSS>("MULSS", [](__m128 d, __m128 s) { return _mm_mul_ss(d, s); });
    compare_float<DIVPS>("DIVPS", [](__m128 d, __m128 s) { return _mm_div_ps(d, s); });
    compare_float<DIVSS>("DIVSS", [](__m128 d, __m128 s) { return _mm_div_ss(d, s); });
    compare_float<MINPS>("MINPS", [](__m128 d, __m128 s) { return _mm_min_ps(d, s); });
    compare_float<MINSS>("MINSS", [](__m128 d, __m128 s) { return _mm_min_ss(d, s); });
    compare_float<MAXPS>("MAXPS", [](__m128 d, __m128 s) { return _mm_max_ps(d, s); });
    compare_float<MAXSS>("MAXSS", [](__m128 d, __m128 s) { return _mm_max_ss(d, s); });
    compare_float<SQRTPS>("SQRTPS", [](__m128, __m128 s) { return _mm_sqrt_ps(s); });
    compare_float<SQRTSS>("SQRTSS", [](__m128 d, __m128 s) { return _mm_move_ss(d, _mm_sqrt_ss(s)); });
    compare_float<RCPPS>("RCPPS", [](__m128, __m128 s) { return _mm_rcp_ps(s); });
    compare_float<RCPSS>("RCPSS", [](__m128 d, __m128 s) { return _mm_move_ss(d, _mm_rcp_ss(s)); });
    compare_float<RSQRTPS>("RSQRTPS", [](__m128, __m128 s) { return _mm_rsqrt_ps(s); });
    compare_float<RSQRTSS>("RSQRTSS", [](__m128 d, __m128 s) { return _mm_move_ss(d, _mm_rsqrt_ss(s)); });
}

TEST(SseArithmetic, DoublesAsTheIntrinsics) {
    compare_double<ADDPD>("ADDPD", [](__m128d d, __m128d s) { return _mm_add_pd(d, s); });
    compare_double<ADDSD>("ADDSD", [](__m128d d, __m128d s) { return _mm_add_sd(d, s); });
    compare_double<SUBPD>("SUBPD", [](__m128d d, __m128d s) { return _mm_sub_pd(d, s); });
    compare_double<SUBSD>("SUBSD", [](__m128d d, __m128d s) { return _mm_sub_sd(d, s); });
    compare_double<MULPD>("MULPD", [](__m128d d, __m128d s) { return _mm_mul_pd(d, s); });
    compare_double<MULSD>("MULSD", [](__m128d d, __m128d s) { return _mm_mul_sd(d, s); });
    compare_double<DIVPD>("DIVPD", [](__m128d d, __m128d s) { return _mm_div_pd(d, s); });
    compare_double<DIVSD>("DIVSD", [](__m128d d, __m128d s) { return _mm_div_sd(d, s); });
    compare_double<MINPD>("MINPD", [](__m128d d, __m128d s) { return _mm_min_pd(d, s); });
    compare_double<MINSD>("MINSD", [](__m128d d, __m128d s) { return _mm_min_sd(d, s); });
    compare_double<MAXPD>("MAXPD", [](__m128d d, __m128d s) { return _mm_max_pd(d, s); });
    compare_double<MAXSD>("MAXSD", [](__m128d d, __m128d s) { return _mm_max_sd(d, s); });
    compare_double<SQRTPD>("SQRTPD", [](__m128d, __m128d s) { return _mm_sqrt_pd(s); });
    compare_double<SQRTSD>("SQRTSD", [](__m128d d, __m128d s) { return _mm_sqrt_sd(d, s); });
}

} // namespace
} // namespace truering::op

#endif
