// Conversions of SSE and SSE2: CVT*, the truncating CVTT* too. Out of range gives the integer indefinite and IE.
//
// The host's instructions under the MXCSR that HostMxcsr loaded. Those that touch an MMX register are run as their XMM
// twin (CVTPI2PS as CVTDQ2PS of two lanes...), so that the host's x87 stack is left alone; lanes that the twin converts
// besides are zero, which converts exactly and raises nothing.
//
// Shapes: run(d, s) where the destination's other lanes stay; run(s) where all of it is written.
#pragma once

#include "cpu/semantics/sse_arithmetic.hpp"

#if defined(__x86_64__)

namespace truering::op {

namespace convert_detail {
inline Packed128 low_half(const Packed128& x) { return Packed128::low(x.get<u64>(0)); }
} // namespace convert_detail

// Between packed floats, doubles and doublewords, in XMM registers. Two lanes in mean the low half of s.
struct CVTDQ2PS : HostFloat {
    static Packed128 run(const Packed128& s) {
        HostVector r;
        asm volatile("cvtdq2ps %1, %0" : "=x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct CVTPS2DQ : HostFloat {
    static Packed128 run(const Packed128& s) {
        HostVector r;
        asm volatile("cvtps2dq %1, %0" : "=x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct CVTTPS2DQ : HostFloat {
    static Packed128 run(const Packed128& s) {
        HostVector r;
        asm volatile("cvttps2dq %1, %0" : "=x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct CVTDQ2PD : HostFloat {
    static Packed128 run(const Packed128& s) {
        HostVector r;
        asm volatile("cvtdq2pd %1, %0" : "=x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct CVTPD2DQ : HostFloat {
    static Packed128 run(const Packed128& s) {
        HostVector r;
        asm volatile("cvtpd2dq %1, %0" : "=x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct CVTTPD2DQ : HostFloat {
    static Packed128 run(const Packed128& s) {
        HostVector r;
        asm volatile("cvttpd2dq %1, %0" : "=x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct CVTPS2PD : HostFloat {
    static Packed128 run(const Packed128& s) {
        HostVector r;
        asm volatile("cvtps2pd %1, %0" : "=x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct CVTPD2PS : RangeChecked<u64, u32, 2, WideOp::CVT> {
    static Packed128 run(const Packed128& s) {
        HostVector r;
        asm volatile("cvtpd2ps %1, %0" : "=x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};

// Between scalars: the destination keeps its upper lanes.
struct CVTSS2SD : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("cvtss2sd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct CVTSD2SS : RangeChecked<u64, u32, 1, WideOp::CVT> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("cvtsd2ss %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};

// From and to a general register.
struct CVTSI2SS : HostFloat {
    static Packed128 run(const Packed128& d, u32 s) {
        HostVector r = to_host(d);
        asm volatile("cvtsi2ssl %1, %0" : "+x"(r) : "r"(s));
        return from_host(r);
    }
};
struct CVTSI2SD : HostFloat {
    static Packed128 run(const Packed128& d, u32 s) {
        HostVector r = to_host(d);
        asm volatile("cvtsi2sdl %1, %0" : "+x"(r) : "r"(s));
        return from_host(r);
    }
};
struct CVTSS2SI : HostFloat {
    static u32 run(const Packed128& s) {
        u32 r;
        asm volatile("cvtss2si %1, %0" : "=r"(r) : "x"(to_host(s)));
        return r;
    }
};
struct CVTTSS2SI : HostFloat {
    static u32 run(const Packed128& s) {
        u32 r;
        asm volatile("cvttss2si %1, %0" : "=r"(r) : "x"(to_host(s)));
        return r;
    }
};
struct CVTSD2SI : HostFloat {
    static u32 run(const Packed128& s) {
        u32 r;
        asm volatile("cvtsd2si %1, %0" : "=r"(r) : "x"(to_host(s)));
        return r;
    }
};
struct CVTTSD2SI : HostFloat {
    static u32 run(const Packed128& s) {
        u32 r;
        asm volatile("cvttsd2si %1, %0" : "=r"(r) : "x"(to_host(s)));
        return r;
    }
};

// From and to an MMX register; from a quadword in memory.
struct CVTPI2PS : HostFloat {
    static Packed128 run(const Packed128& d, const Packed64& s) {
        Packed128 r = d;
        r.set(0, CVTDQ2PS::run(Packed128::low(s.get<u64>(0))).get<u64>(0));
        return r;
    }
    static Packed128 run(const Packed128& d, u64 s) { return run(d, Packed64::low(s)); }
};
struct CVTPI2PD : HostFloat {
    static Packed128 run(const Packed64& s) { return CVTDQ2PD::run(Packed128::low(s.get<u64>(0))); }
    static Packed128 run(u64 s) { return CVTDQ2PD::run(Packed128::low(s)); }
};
struct CVTPS2PI : HostFloat {
    static Packed64 run(const Packed128& s) {
        return Packed64::low(CVTPS2DQ::run(convert_detail::low_half(s)).get<u64>(0));
    }
};
struct CVTTPS2PI : HostFloat {
    static Packed64 run(const Packed128& s) {
        return Packed64::low(CVTTPS2DQ::run(convert_detail::low_half(s)).get<u64>(0));
    }
};
struct CVTPD2PI : HostFloat {
    static Packed64 run(const Packed128& s) { return Packed64::low(CVTPD2DQ::run(s).get<u64>(0)); }
};
struct CVTTPD2PI : HostFloat {
    static Packed64 run(const Packed128& s) { return Packed64::low(CVTTPD2DQ::run(s).get<u64>(0)); }
};

} // namespace truering::op

#endif
