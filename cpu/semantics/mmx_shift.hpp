// Packed shifts: run(d, count).
//
// The count is the whole low quadword of the source operand (SDM: "the source operand's 64-bit value"), or the
// immediate byte: any count past the lane's width clears the lane, or fills it with its sign for the arithmetic shifts.
// PSLLDQ and PSRLDQ count bytes and exist for XMM registers with an immediate only.
#pragma once

#include "cpu/semantics/mmx_lanes.hpp"

namespace truering::op {

template <class Lane> struct PackedShiftLeft {
    template <class P> static constexpr P run(P d, u64 count) {
        if (count >= sizeof(Lane) * 8) return P{};
        return map_lanes<Lane>(d, [count](Lane a) { return a << count; });
    }
};
template <class Lane> struct PackedShiftRight {
    template <class P> static constexpr P run(P d, u64 count) {
        if (count >= sizeof(Lane) * 8) return P{};
        return map_lanes<Lane>(d, [count](Lane a) { return a >> count; });
    }
};
template <class Lane> struct PackedShiftRightArithmetic {
    template <class P> static constexpr P run(P d, u64 count) {
        constexpr u64 all_sign = sizeof(Lane) * 8 - 1;
        const u64 shift = count > all_sign ? all_sign : count;
        return map_lanes<Lane>(d, [shift](Lane a) { return a >> shift; });
    }
};
struct PSLLW : PackedShiftLeft<u16> {};
struct PSLLD : PackedShiftLeft<u32> {};
struct PSLLQ : PackedShiftLeft<u64> {};
struct PSRLW : PackedShiftRight<u16> {};
struct PSRLD : PackedShiftRight<u32> {};
struct PSRLQ : PackedShiftRight<u64> {};
struct PSRAW : PackedShiftRightArithmetic<i16> {};
struct PSRAD : PackedShiftRightArithmetic<i32> {};

struct PSLLDQ {
    static constexpr Packed128 run(Packed128 d, u64 count) {
        Packed128 r;
        for (u64 i = count; i < Packed128::size; ++i) r.bytes[i] = d.bytes[i - count];
        return r;
    }
};
struct PSRLDQ {
    static constexpr Packed128 run(Packed128 d, u64 count) {
        Packed128 r;
        for (u64 i = count; i < Packed128::size; ++i) r.bytes[i - count] = d.bytes[i];
        return r;
    }
};

} // namespace truering::op
