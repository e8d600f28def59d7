// Float comparisons: CMPxx with its eight predicates, and COMISx, UCOMISx which set EFLAGS.
//
// As in sse_arithmetic.hpp these are the host's instructions under the MXCSR that HostMxcsr loaded.
#pragma once

#include "cpu/semantics/sse_arithmetic.hpp"

#if defined(__x86_64__)

namespace truering::op {

// The predicate is bits 2:0 of the immediate; processors before AVX ignore bits 7:3.
template <class Predicated> struct PackedCompare : HostFloat {
    static Packed128 run(const Packed128& d, const Packed128& s, u8 imm) {
        switch (imm & 7U) {
        case 0: return Predicated::template compare<0>(d, s);
        case 1: return Predicated::template compare<1>(d, s);
        case 2: return Predicated::template compare<2>(d, s);
        case 3: return Predicated::template compare<3>(d, s);
        case 4: return Predicated::template compare<4>(d, s);
        case 5: return Predicated::template compare<5>(d, s);
        case 6: return Predicated::template compare<6>(d, s);
        default: return Predicated::template compare<7>(d, s);
        }
    }
};

struct CMPPS : PackedCompare<CMPPS> {
    template <int predicate> static Packed128 compare(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("cmpps %2, %1, %0" : "+x"(r) : "x"(to_host(s)), "i"(predicate));
        return from_host(r);
    }
};
struct CMPSS : PackedCompare<CMPSS> {
    template <int predicate> static Packed128 compare(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("cmpss %2, %1, %0" : "+x"(r) : "x"(to_host(s)), "i"(predicate));
        return from_host(r);
    }
};
struct CMPPD : PackedCompare<CMPPD> {
    template <int predicate> static Packed128 compare(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("cmppd %2, %1, %0" : "+x"(r) : "x"(to_host(s)), "i"(predicate));
        return from_host(r);
    }
};
struct CMPSD : PackedCompare<CMPSD> {
    template <int predicate> static Packed128 compare(const Packed128& d, const Packed128& s) {
        HostVector r = to_host(d);
        asm volatile("cmpsd %2, %1, %0" : "+x"(r) : "x"(to_host(s)), "i"(predicate));
        return from_host(r);
    }
};

struct COMISS : HostFloat {
    static CompareFlags run(const Packed128& d, const Packed128& s) {
        CompareFlags r;
        asm volatile("comiss %4, %3" : "=@ccz"(r.ZF), "=@ccp"(r.PF), "=@ccc"(r.CF) : "x"(to_host(d)), "x"(to_host(s)));
        return r;
    }
};
struct UCOMISS : HostFloat {
    static CompareFlags run(const Packed128& d, const Packed128& s) {
        CompareFlags r;
        asm volatile("ucomiss %4, %3" : "=@ccz"(r.ZF), "=@ccp"(r.PF), "=@ccc"(r.CF) : "x"(to_host(d)), "x"(to_host(s)));
        return r;
    }
};
struct COMISD : HostFloat {
    static CompareFlags run(const Packed128& d, const Packed128& s) {
        CompareFlags r;
        asm volatile("comisd %4, %3" : "=@ccz"(r.ZF), "=@ccp"(r.PF), "=@ccc"(r.CF) : "x"(to_host(d)), "x"(to_host(s)));
        return r;
    }
};
struct UCOMISD : HostFloat {
    static CompareFlags run(const Packed128& d, const Packed128& s) {
        CompareFlags r;
        asm volatile("ucomisd %4, %3" : "=@ccz"(r.ZF), "=@ccp"(r.PF), "=@ccc"(r.CF) : "x"(to_host(d)), "x"(to_host(s)));
        return r;
    }
};

} // namespace truering::op

#endif
