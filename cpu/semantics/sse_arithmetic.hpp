// Float and double arithmetic of SSE and SSE2: the host's own instructions, on values.
//
// run(d, s) executes the instruction named, under the MXCSR that HostMxcsr loaded; flags it raises stay in the host's
// register. sse_exceptions.hpp puts the guest's masks on top. The asm is volatile so that the compiler neither folds it
// nor moves it across reads and writes of MXCSR. Scalar forms merge the upper lanes of d, as the instructions do.
//
// RCPPS and RSQRTPS (and SS) are the host's approximations: on an Intel host the bits that Intel's tables of 12 bits
// give. They raise nothing, heed no control bit, and take a denormal for zero.
#pragma once

#include "cpu/semantics/sse_float.hpp"

#if defined(__x86_64__)

namespace truering::op {

using HostVector [[gnu::vector_size(16)]] = float;

inline HostVector to_host(const Packed128& x) { return std::bit_cast<HostVector>(x); }
inline Packed128 from_host(HostVector v) { return std::bit_cast<Packed128>(v); }

struct ADDPS : RangeChecked<u32, u32, 4, WideOp::ADD> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("addps %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct ADDSS : RangeChecked<u32, u32, 1, WideOp::ADD> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("addss %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct ADDPD : RangeChecked<u64, u64, 2, WideOp::ADD> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("addpd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct ADDSD : RangeChecked<u64, u64, 1, WideOp::ADD> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("addsd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct SUBPS : RangeChecked<u32, u32, 4, WideOp::SUB> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("subps %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct SUBSS : RangeChecked<u32, u32, 1, WideOp::SUB> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("subss %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct SUBPD : RangeChecked<u64, u64, 2, WideOp::SUB> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("subpd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct SUBSD : RangeChecked<u64, u64, 1, WideOp::SUB> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("subsd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct MULPS : RangeChecked<u32, u32, 4, WideOp::MUL> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("mulps %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct MULSS : RangeChecked<u32, u32, 1, WideOp::MUL> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("mulss %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct MULPD : RangeChecked<u64, u64, 2, WideOp::MUL> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("mulpd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct MULSD : RangeChecked<u64, u64, 1, WideOp::MUL> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("mulsd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct DIVPS : RangeChecked<u32, u32, 4, WideOp::DIV> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("divps %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct DIVSS : RangeChecked<u32, u32, 1, WideOp::DIV> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("divss %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct DIVPD : RangeChecked<u64, u64, 2, WideOp::DIV> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("divpd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct DIVSD : RangeChecked<u64, u64, 1, WideOp::DIV> {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("divsd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};

// A square root is never out of range. The unary instructions take d only for the lanes that a scalar form keeps.
struct SQRTPS : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("sqrtps %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct SQRTSS : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("sqrtss %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct SQRTPD : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("sqrtpd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct SQRTSD : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("sqrtsd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct RCPPS {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("rcpps %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct RCPSS {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("rcpss %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct RSQRTPS {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("rsqrtps %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct RSQRTSS {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("rsqrtss %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};

// The source wins when both are zero or one is a NaN, which is why these are no std::min.
struct MINPS : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("minps %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct MINSS : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("minss %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct MINPD : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("minpd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct MINSD : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("minsd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct MAXPS : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("maxps %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct MAXSS : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("maxss %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct MAXPD : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("maxpd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};
struct MAXSD : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("maxsd %1, %0" : "+x"(r) : "x"(to_host(s)));
        return from_host(r);
    }
};

} // namespace truering::op

#else
#include "cpu/semantics/sse_soft_bodies.hpp"
#endif
