// Lanes moved about: packs, unpacks, shuffles, inserts, extracts, sign masks. No arithmetic beyond saturation, no
// flags.
//
// The float names that move bits (UNPCKLPS, SHUFPD...) stand here too: a move of a signalling NaN changes nothing and
// raises nothing, so these are bodies on integer lanes.
#pragma once

#include "cpu/semantics/mmx_lanes.hpp"

namespace truering::op {

// Packs: the destination's lanes narrow into the low half, the source's into the high half.
template <class Wide, class Narrow> struct PackedNarrow {
    template <class P> static constexpr P run(P d, P s) {
        constexpr unsigned half = P::template count<Wide>;
        const auto a = d.template lanes<Wide>();
        const auto b = s.template lanes<Wide>();
        typename P::template Lanes<Narrow> r{};
        for (unsigned i = 0; i < half; ++i) {
            r[i] = saturate<Narrow>(a[i]);
            r[half + i] = saturate<Narrow>(b[i]);
        }
        return P::template of<Narrow>(r);
    }
};
struct PACKSSWB : PackedNarrow<i16, i8> {};
struct PACKSSDW : PackedNarrow<i32, i16> {};
struct PACKUSWB : PackedNarrow<i16, u8> {};

// Unpacks: lanes of one half of each operand, the destination's first, in turn.
template <class Lane> struct PackedInterleaveLow {
    template <class P> static constexpr P run(P d, P s) { return interleave(d, s, 0); }

  protected:
    template <class P> static constexpr P interleave(P d, P s, unsigned first) {
        const auto a = d.template lanes<Lane>();
        const auto b = s.template lanes<Lane>();
        typename P::template Lanes<Lane> r{};
        for (unsigned i = 0; i < P::template count<Lane> / 2; ++i) {
            r[2 * i] = a[first + i];
            r[2 * i + 1] = b[first + i];
        }
        return P::template of<Lane>(r);
    }
};
template <class Lane> struct PackedInterleaveHigh : PackedInterleaveLow<Lane> {
    template <class P> static constexpr P run(P d, P s) {
        return PackedInterleaveLow<Lane>::interleave(d, s, P::template count<Lane> / 2);
    }
};
struct PUNPCKLBW : PackedInterleaveLow<u8> {};
struct PUNPCKLWD : PackedInterleaveLow<u16> {};
struct PUNPCKLDQ : PackedInterleaveLow<u32> {};
struct PUNPCKLQDQ : PackedInterleaveLow<u64> {};
struct PUNPCKHBW : PackedInterleaveHigh<u8> {};
struct PUNPCKHWD : PackedInterleaveHigh<u16> {};
struct PUNPCKHDQ : PackedInterleaveHigh<u32> {};
struct PUNPCKHQDQ : PackedInterleaveHigh<u64> {};
struct UNPCKLPS : PackedInterleaveLow<u32> {};
struct UNPCKLPD : PackedInterleaveLow<u64> {};
struct UNPCKHPS : PackedInterleaveHigh<u32> {};
struct UNPCKHPD : PackedInterleaveHigh<u64> {};

// Four lanes chosen by the four bit pairs of imm, starting at lane `first`; the other lanes as they were.
template <class Lane, unsigned first> struct PackedPick {
    template <class P> static constexpr P run(P s, u8 imm) {
        const auto a = s.template lanes<Lane>();
        auto r = a;
        for (unsigned i = 0; i < 4; ++i) r[first + i] = a[first + (imm >> (2 * i) & 3U)];
        return P::template of<Lane>(r);
    }
};
struct PSHUFW : PackedPick<u16, 0> {};  // MMX
struct PSHUFLW : PackedPick<u16, 0> {}; // XMM
struct PSHUFHW : PackedPick<u16, 4> {};
struct PSHUFD : PackedPick<u32, 0> {};

// Lanes of the destination into the low half, of the source into the high half.
struct SHUFPS {
    static constexpr Packed128 run(Packed128 d, Packed128 s, u8 imm) {
        const auto a = d.lanes<u32>();
        const auto b = s.lanes<u32>();
        return Packed128::of<u32>({a[imm & 3U], a[imm >> 2 & 3U], b[imm >> 4 & 3U], b[imm >> 6 & 3U]});
    }
};
struct SHUFPD {
    static constexpr Packed128 run(Packed128 d, Packed128 s, u8 imm) {
        return Packed128::of<u64>({d.lanes<u64>()[imm & 1U], s.lanes<u64>()[imm >> 1 & 1U]});
    }
};

// The word of value goes to lane imm (modulo the lanes), the rest stays.
struct PINSRW {
    template <class P> static constexpr P run(P d, u32 value, u8 imm) {
        auto r = d.template lanes<u16>();
        r[imm % P::template count<u16>] = static_cast<u16>(value);
        return P::template of<u16>(r);
    }
};
struct PEXTRW {
    template <class P> static constexpr u32 run(P s, u8 imm) {
        return s.template lanes<u16>()[imm % P::template count<u16>];
    }
};

// The sign bits of the lanes, lane 0's in bit 0. PMOVMSKB of the mask operand is also what MASKMOVQ and MASKMOVDQU
// write: bit i says that byte i goes to memory.
template <class Lane> struct PackedSigns {
    template <class P> static constexpr u32 run(P s) {
        const auto a = s.template lanes<Lane>();
        u32 r = 0;
        for (unsigned i = 0; i < P::template count<Lane>; ++i) r |= static_cast<u32>(a[i] < 0) << i;
        return r;
    }
};
struct PMOVMSKB : PackedSigns<i8> {};
struct MOVMSKPS : PackedSigns<i32> {};
struct MOVMSKPD : PackedSigns<i64> {};

} // namespace truering::op
