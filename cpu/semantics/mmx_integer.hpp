// Packed integer arithmetic, comparison and logic: MMX, the SSE extensions to it, and SSE2.
//
// A struct a mnemonic; run(d, s) gives the destination's new value (mmx_lanes.hpp tells the shapes).
// Source: SDM volume 2, the pages of the mnemonics. None touches EFLAGS or MXCSR.
#pragma once

#include "cpu/semantics/mmx_lanes.hpp"

namespace truering::op {

// Wrapping: computed in u64 or u32, truncated by the map.
template <class Lane> struct PackedAdd {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<Lane>(d, s, [](Lane a, Lane b) { return a + b; });
    }
};
template <class Lane> struct PackedSub {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<Lane>(d, s, [](Lane a, Lane b) { return a - b; });
    }
};
struct PADDB : PackedAdd<u8> {};
struct PADDW : PackedAdd<u16> {};
struct PADDD : PackedAdd<u32> {};
struct PADDQ : PackedAdd<u64> {};
struct PSUBB : PackedSub<u8> {};
struct PSUBW : PackedSub<u16> {};
struct PSUBD : PackedSub<u32> {};
struct PSUBQ : PackedSub<u64> {};

// Saturating, lanes of 8 and 16 bits.
template <class Lane> struct PackedAddSaturate {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<Lane>(d, s, [](i32 a, i32 b) { return saturate<Lane>(a + b); });
    }
};
template <class Lane> struct PackedSubSaturate {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<Lane>(d, s, [](i32 a, i32 b) { return saturate<Lane>(a - b); });
    }
};
struct PADDSB : PackedAddSaturate<i8> {};
struct PADDSW : PackedAddSaturate<i16> {};
struct PADDUSB : PackedAddSaturate<u8> {};
struct PADDUSW : PackedAddSaturate<u16> {};
struct PSUBSB : PackedSubSaturate<i8> {};
struct PSUBSW : PackedSubSaturate<i16> {};
struct PSUBUSB : PackedSubSaturate<u8> {};
struct PSUBUSW : PackedSubSaturate<u16> {};

// Products.
struct PMULLW {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<i16>(d, s, [](i32 a, i32 b) { return a * b; });
    }
};
struct PMULHW {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<i16>(d, s, [](i32 a, i32 b) { return (a * b) >> 16; });
    }
};
struct PMULHUW {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<u16>(d, s, [](u32 a, u32 b) { return (a * b) >> 16; });
    }
};
// Low doublewords of each quadword; the product fills the quadword.
struct PMULUDQ {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<u64>(d, s, [](u64 a, u64 b) { return (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF); });
    }
};
// Pairs of word products, summed; four times 8000H wraps to 80000000H, so the sum is unsigned.
struct PMADDWD {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<u32>(d, s, [](u32 a, u32 b) { return product(a, b) + product(a >> 16, b >> 16); });
    }

  private:
    static constexpr u32 product(u32 a, u32 b) {
        return static_cast<u32>(static_cast<i16>(a) * static_cast<i32>(static_cast<i16>(b)));
    }
};

// Comparisons: all ones where true.
template <class Lane> struct PackedEqual {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<Lane>(d, s, [](Lane a, Lane b) { return a == b ? -1 : 0; });
    }
};
template <class Lane> struct PackedGreater {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<Lane>(d, s, [](Lane a, Lane b) { return a > b ? -1 : 0; });
    }
};
struct PCMPEQB : PackedEqual<i8> {};
struct PCMPEQW : PackedEqual<i16> {};
struct PCMPEQD : PackedEqual<i32> {};
struct PCMPGTB : PackedGreater<i8> {};
struct PCMPGTW : PackedGreater<i16> {};
struct PCMPGTD : PackedGreater<i32> {};

template <class Lane> struct PackedMin {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<Lane>(d, s, [](Lane a, Lane b) { return a < b ? a : b; });
    }
};
template <class Lane> struct PackedMax {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<Lane>(d, s, [](Lane a, Lane b) { return a > b ? a : b; });
    }
};
struct PMINUB : PackedMin<u8> {};
struct PMINSW : PackedMin<i16> {};
struct PMAXUB : PackedMax<u8> {};
struct PMAXSW : PackedMax<i16> {};

// Averages round half up.
template <class Lane> struct PackedAverage {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<Lane>(d, s, [](u32 a, u32 b) { return (a + b + 1) >> 1; });
    }
};
struct PAVGB : PackedAverage<u8> {};
struct PAVGW : PackedAverage<u16> {};

// The sum of absolute byte differences of each quadword, in its low word.
struct PSADBW {
    template <class P> static constexpr P run(P d, P s) {
        const auto a = d.template lanes<u8>();
        const auto b = s.template lanes<u8>();
        typename P::template Lanes<u64> sum{};
        for (unsigned i = 0; i < P::size; ++i) sum[i / 8] += static_cast<u64>(a[i] > b[i] ? a[i] - b[i] : b[i] - a[i]);
        return P::template of<u64>(sum);
    }
};

// Logic; the float names (SSE, SSE2) are the same operation on bits and raise nothing.
struct PAND {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<u64>(d, s, [](u64 a, u64 b) { return a & b; });
    }
};
struct PANDN {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<u64>(d, s, [](u64 a, u64 b) { return ~a & b; });
    }
};
struct POR {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<u64>(d, s, [](u64 a, u64 b) { return a | b; });
    }
};
struct PXOR {
    template <class P> static constexpr P run(P d, P s) {
        return map_lanes<u64>(d, s, [](u64 a, u64 b) { return a ^ b; });
    }
};
struct ANDPS : PAND {};
struct ANDPD : PAND {};
struct ANDNPS : PANDN {};
struct ANDNPD : PANDN {};
struct ORPS : POR {};
struct ORPD : POR {};
struct XORPS : PXOR {};
struct XORPD : PXOR {};

} // namespace truering::op
