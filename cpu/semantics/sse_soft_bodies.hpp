// The float bodies of SSE and SSE2 in integer arithmetic (sse_soft.hpp): same names, same shapes as those of
// sse_arithmetic.hpp, sse_compare.hpp and sse_convert.hpp. On a host without SSE they are the bodies; elsewhere they
// stand in op::soft, for tests to compare.
//
// They read controls from read_host_mxcsr() and add flags by write_host_mxcsr(), as the instructions would.
#pragma once

#include "cpu/semantics/sse_float.hpp"
#include "cpu/semantics/sse_host.hpp"

#if defined(__x86_64__)
namespace truering::op::soft {
#else
namespace truering::op::inline soft {
#endif

namespace detail {

using sse_soft::Integers;
using sse_soft::QuietNaNs;
using sse_soft::Relation;
using sse_soft::Unit;

// f(unit), with the host's MXCSR before and after.
template <class F> auto with_unit(F f) {
    const u32 control = read_host_mxcsr();
    Unit unit(control);
    const auto result = f(unit);
    write_host_mxcsr(control | unit.flags());
    return result;
}

// The lowest `lanes` lanes of d become f(unit, d, s).
template <class Bits, unsigned lanes, class F> Packed128 map_units(const Packed128& d, const Packed128& s, F f) {
    return with_unit([&](Unit& unit) {
        Packed128 r = d;
        for (unsigned i = 0; i < lanes; ++i) r.set(i, f(unit, d.get<Bits>(i), s.get<Bits>(i)));
        return r;
    });
}

// A result of To lanes, each f(unit, lane of s); zero beyond.
template <class From, class To, unsigned lanes, class F> Packed128 convert_lanes(const Packed128& s, F f) {
    return with_unit([&](Unit& unit) {
        Packed128 r;
        for (unsigned i = 0; i < lanes; ++i) r.set<To>(i, f(unit, s.get<From>(i)));
        return r;
    });
}

template <class Bits, unsigned lanes, WideOp operation> struct Binary : RangeChecked<Bits, Bits, lanes, operation> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        return map_units<Bits, lanes>(d, s, [](Unit& u, Bits a, Bits b) { return u.arithmetic(operation, a, b); });
    }
};
template <class Bits, unsigned lanes> struct SquareRoot : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        return map_units<Bits, lanes>(d, s, [](Unit& u, Bits, Bits b) { return u.square_root(b); });
    }
};
template <class Bits, unsigned lanes> struct Minimum : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        return map_units<Bits, lanes>(d, s, [](Unit& u, Bits a, Bits b) { return u.minimum(a, b); });
    }
};
template <class Bits, unsigned lanes> struct Maximum : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        return map_units<Bits, lanes>(d, s, [](Unit& u, Bits a, Bits b) { return u.maximum(a, b); });
    }
};
template <unsigned lanes> struct Reciprocal {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        return map_units<u32, lanes>(d, s, [](Unit& u, u32, u32 b) { return u.reciprocal(b); });
    }
};
template <unsigned lanes> struct ReciprocalRoot {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        return map_units<u32, lanes>(d, s, [](Unit& u, u32, u32 b) { return u.reciprocal_square_root(b); });
    }
};

// Predicates 0 to 3; 4 to 7 negate them.
constexpr bool holds(unsigned predicate, Relation relation) {
    switch (predicate & 3U) {
    case 0: return relation == Relation::Equal;
    case 1: return relation == Relation::Less;
    case 2: return relation == Relation::Less || relation == Relation::Equal;
    default: return relation == Relation::Unordered;
    }
}
constexpr QuietNaNs quiet_nans(unsigned predicate) { // LT and LE, negated or not, signal
    return (predicate & 3U) == 1 || (predicate & 3U) == 2 ? QuietNaNs::Signal : QuietNaNs::Pass;
}

template <class Bits, unsigned lanes> struct Compare : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s, u8 imm) {
        return map_units<Bits, lanes>(d, s, [imm](Unit& u, Bits a, Bits b) {
            const bool negated = (imm & 4U) != 0;
            return holds(imm, u.compare(a, b, quiet_nans(imm))) != negated ? static_cast<Bits>(~Bits{0}) : Bits{0};
        });
    }
};
template <class Bits, QuietNaNs quiet> struct CompareIntoFlags : HostFloat {
    static CompareFlags run(const Packed128& d, const Packed128& s) {
        const Relation r = with_unit([&](Unit& unit) { return unit.compare(d.get<Bits>(0), s.get<Bits>(0), quiet); });
        const bool unordered = r == Relation::Unordered;
        return {r == Relation::Equal || unordered, unordered, r == Relation::Less || unordered};
    }
};

template <class Bits, unsigned lanes, Integers how> struct ToIntegers : HostFloat {
    static Packed128 run(const Packed128& s) {
        return convert_lanes<Bits, u32, lanes>(s, [](Unit& u, Bits a) { return u.to_integer(a, how); });
    }
};
template <class Bits, Integers how> struct ToMmx : HostFloat {
    static Packed64 run(const Packed128& s) {
        return Packed64::low(ToIntegers<Bits, 2, how>::run(s).template get<u64>(0));
    }
};
template <class Bits, Integers how> struct ToRegister : HostFloat {
    static u32 run(const Packed128& s) { return ToIntegers<Bits, 1, how>::run(s).template get<u32>(0); }
};
template <class Bits, unsigned lanes> struct FromIntegers : HostFloat {
    static Packed128 run(const Packed128& s) {
        return convert_lanes<u32, Bits, lanes>(s, [](Unit& u, u32 a) { return u.from_integer<Bits>(a); });
    }
};
template <class Bits> struct FromRegister : HostFloat {
    static Packed128 run(const Packed128& d, u32 s) {
        Packed128 r = d;
        r.set(0, FromIntegers<Bits, 1>::run(Packed128::low(s)).template get<Bits>(0));
        return r;
    }
};

} // namespace detail

struct ADDPS : detail::Binary<u32, 4, WideOp::ADD> {};
struct ADDSS : detail::Binary<u32, 1, WideOp::ADD> {};
struct ADDPD : detail::Binary<u64, 2, WideOp::ADD> {};
struct ADDSD : detail::Binary<u64, 1, WideOp::ADD> {};
struct SUBPS : detail::Binary<u32, 4, WideOp::SUB> {};
struct SUBSS : detail::Binary<u32, 1, WideOp::SUB> {};
struct SUBPD : detail::Binary<u64, 2, WideOp::SUB> {};
struct SUBSD : detail::Binary<u64, 1, WideOp::SUB> {};
struct MULPS : detail::Binary<u32, 4, WideOp::MUL> {};
struct MULSS : detail::Binary<u32, 1, WideOp::MUL> {};
struct MULPD : detail::Binary<u64, 2, WideOp::MUL> {};
struct MULSD : detail::Binary<u64, 1, WideOp::MUL> {};
struct DIVPS : detail::Binary<u32, 4, WideOp::DIV> {};
struct DIVSS : detail::Binary<u32, 1, WideOp::DIV> {};
struct DIVPD : detail::Binary<u64, 2, WideOp::DIV> {};
struct DIVSD : detail::Binary<u64, 1, WideOp::DIV> {};
struct SQRTPS : detail::SquareRoot<u32, 4> {};
struct SQRTSS : detail::SquareRoot<u32, 1> {};
struct SQRTPD : detail::SquareRoot<u64, 2> {};
struct SQRTSD : detail::SquareRoot<u64, 1> {};
struct MINPS : detail::Minimum<u32, 4> {};
struct MINSS : detail::Minimum<u32, 1> {};
struct MINPD : detail::Minimum<u64, 2> {};
struct MINSD : detail::Minimum<u64, 1> {};
struct MAXPS : detail::Maximum<u32, 4> {};
struct MAXSS : detail::Maximum<u32, 1> {};
struct MAXPD : detail::Maximum<u64, 2> {};
struct MAXSD : detail::Maximum<u64, 1> {};
struct RCPPS : detail::Reciprocal<4> {};
struct RCPSS : detail::Reciprocal<1> {};
struct RSQRTPS : detail::ReciprocalRoot<4> {};
struct RSQRTSS : detail::ReciprocalRoot<1> {};

struct CMPPS : detail::Compare<u32, 4> {};
struct CMPSS : detail::Compare<u32, 1> {};
struct CMPPD : detail::Compare<u64, 2> {};
struct CMPSD : detail::Compare<u64, 1> {};
struct COMISS : detail::CompareIntoFlags<u32, detail::QuietNaNs::Signal> {};
struct UCOMISS : detail::CompareIntoFlags<u32, detail::QuietNaNs::Pass> {};
struct COMISD : detail::CompareIntoFlags<u64, detail::QuietNaNs::Signal> {};
struct UCOMISD : detail::CompareIntoFlags<u64, detail::QuietNaNs::Pass> {};

struct CVTDQ2PS : detail::FromIntegers<u32, 4> {};
struct CVTDQ2PD : detail::FromIntegers<u64, 2> {};
struct CVTPS2DQ : detail::ToIntegers<u32, 4, detail::Integers::Round> {};
struct CVTTPS2DQ : detail::ToIntegers<u32, 4, detail::Integers::Truncate> {};
struct CVTPD2DQ : detail::ToIntegers<u64, 2, detail::Integers::Round> {};
struct CVTTPD2DQ : detail::ToIntegers<u64, 2, detail::Integers::Truncate> {};
struct CVTPS2PI : detail::ToMmx<u32, detail::Integers::Round> {};
struct CVTTPS2PI : detail::ToMmx<u32, detail::Integers::Truncate> {};
struct CVTPD2PI : detail::ToMmx<u64, detail::Integers::Round> {};
struct CVTTPD2PI : detail::ToMmx<u64, detail::Integers::Truncate> {};
struct CVTSS2SI : detail::ToRegister<u32, detail::Integers::Round> {};
struct CVTTSS2SI : detail::ToRegister<u32, detail::Integers::Truncate> {};
struct CVTSD2SI : detail::ToRegister<u64, detail::Integers::Round> {};
struct CVTTSD2SI : detail::ToRegister<u64, detail::Integers::Truncate> {};
struct CVTSI2SS : detail::FromRegister<u32> {};
struct CVTSI2SD : detail::FromRegister<u64> {};
struct CVTPI2PS : HostFloat {
    static Packed128 run(const Packed128& d, u64 s) {
        Packed128 r = d;
        r.set(0, detail::FromIntegers<u32, 2>::run(Packed128::low(s)).get<u64>(0));
        return r;
    }
    static Packed128 run(const Packed128& d, const Packed64& s) { return run(d, s.get<u64>(0)); }
};
struct CVTPI2PD : HostFloat {
    static Packed128 run(u64 s) { return CVTDQ2PD::run(Packed128::low(s)); }
    static Packed128 run(const Packed64& s) { return run(s.get<u64>(0)); }
};

struct CVTPS2PD : HostFloat {
    static Packed128 run(const Packed128& s) {
        return detail::convert_lanes<u32, u64, 2>(s, [](detail::Unit& u, u32 a) { return u.widen(a); });
    }
};
struct CVTPD2PS : RangeChecked<u64, u32, 2, WideOp::CVT> {
    static Packed128 run(const Packed128& s) {
        return detail::convert_lanes<u64, u32, 2>(s, [](detail::Unit& u, u64 a) { return u.narrow(a); });
    }
};
struct CVTSS2SD : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        Packed128 r = d;
        r.set(0, detail::with_unit([&](detail::Unit& u) { return u.widen(s.get<u32>(0)); }));
        return r;
    }
};
struct CVTSD2SS : RangeChecked<u64, u32, 1, WideOp::CVT> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        Packed128 r = d;
        r.set(0, detail::with_unit([&](detail::Unit& u) { return u.narrow(s.get<u64>(0)); }));
        return r;
    }
};

} // namespace truering::op::soft
