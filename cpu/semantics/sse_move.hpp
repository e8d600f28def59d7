// Moves as bodies: what a register holds after a load, a store's value, merges between registers. Bits only, no flags.
//
// An operand in memory of 4 or 8 bytes that is not a whole register's view comes and goes as u32 or u64; a result
// narrower than the register fills its low end and clears the rest. The non-temporal hints change nothing here.
// `unaligned` marks the moves of 16 bytes to and from any address; all other 16-byte operands must be aligned.
#pragma once

#include "cpu/semantics/mmx_lanes.hpp"

namespace truering::op {

struct WholeMove {
    template <class P> static constexpr P run(P s) { return s; }
};
struct UnalignedMove : WholeMove {
    static constexpr bool unaligned = true;
};
struct MOVAPS : WholeMove {};
struct MOVAPD : WholeMove {};
struct MOVDQA : WholeMove {};
struct MOVUPS : UnalignedMove {};
struct MOVUPD : UnalignedMove {};
struct MOVDQU : UnalignedMove {};
struct MOVNTPS : WholeMove {};
struct MOVNTPD : WholeMove {};
struct MOVNTDQ : WholeMove {};
struct MOVNTQ : WholeMove {};
struct MOVNTI {
    static constexpr u32 run(u32 s) { return s; }
};

struct MOVD {
    static constexpr u32 run(u32 s) { return s; } // to a register: zero-extended by the store
    template <unsigned Bytes> static constexpr u32 run(Packed<Bytes> s) { return s.template lanes<u32>()[0]; }
};
struct MOVQ {
    static constexpr Packed64 run(Packed64 s) { return s; }
    static constexpr Packed128 run(Packed128 s) { return Packed128::low(s.lanes<u64>()[0]); }
};

// Scalars: between registers a merge, from memory zero-extended, to memory the low lane.
struct MOVSS {
    static constexpr Packed128 run(Packed128 d, Packed128 s) {
        auto r = d.lanes<u32>();
        r[0] = s.lanes<u32>()[0];
        return Packed128::of<u32>(r);
    }
};
struct MOVSD {
    static constexpr Packed128 run(Packed128 d, Packed128 s) {
        return Packed128::of<u64>({s.lanes<u64>()[0], d.lanes<u64>()[1]});
    }
};
struct MOVSS_load {
    static constexpr u32 run(u32 s) { return s; }
};
struct MOVSD_load {
    static constexpr u64 run(u64 s) { return s; }
};
struct MOVSS_store {
    static constexpr u32 run(Packed128 s) { return s.lanes<u32>()[0]; }
};
struct MOVSD_store {
    static constexpr u64 run(Packed128 s) { return s.lanes<u64>()[0]; }
};

// Halves.
struct MOVLPS {
    static constexpr Packed128 run(Packed128 d, u64 s) { return Packed128::of<u64>({s, d.lanes<u64>()[1]}); }
};
struct MOVHPS {
    static constexpr Packed128 run(Packed128 d, u64 s) { return Packed128::of<u64>({d.lanes<u64>()[0], s}); }
};
struct MOVHPS_store {
    static constexpr u64 run(Packed128 s) { return s.lanes<u64>()[1]; }
};
struct MOVLPD : MOVLPS {};
struct MOVHPD : MOVHPS {};
struct MOVLPS_store : MOVSD_store {};
struct MOVLPD_store : MOVSD_store {};
struct MOVHPD_store : MOVHPS_store {};
struct MOVLHPS {
    static constexpr Packed128 run(Packed128 d, Packed128 s) {
        return Packed128::of<u64>({d.lanes<u64>()[0], s.lanes<u64>()[0]});
    }
};
struct MOVHLPS {
    static constexpr Packed128 run(Packed128 d, Packed128 s) {
        return Packed128::of<u64>({s.lanes<u64>()[1], d.lanes<u64>()[1]});
    }
};

// Between register files.
struct MOVQ2DQ {
    static constexpr u64 run(Packed64 s) { return s.lanes<u64>()[0]; }
};
struct MOVDQ2Q {
    static constexpr u64 run(Packed128 s) { return s.lanes<u64>()[0]; }
};

} // namespace truering::op
