// How a packed integer body is written: a plain function of lanes, mapped over a register.
//
// The bodies are templates over the register (Packed64 or Packed128), so one text serves MMX and SSE2. The loops have
// constant trip counts, which compilers turn into vector instructions.
//
// Shapes of bodies, as the dispatching layers see them (P is Packed64 or Packed128):
//   P run(P d, P s)            most: d is the destination's old value, s the source
//   P run(P d, u64 count)      shifts: the count is the source's low quadword, or the immediate
//   P run(P s, u8 imm)         shuffles of one source
//   P run(P d, P s, u8 imm)    SHUFPS, SHUFPD
#pragma once

#include "cpu/sse_state.hpp"

#include <limits>

namespace truering::op {

// f over the lanes of d and s; its result is truncated to the lane.
template <class Lane, unsigned Bytes, class F>
constexpr Packed<Bytes> map_lanes(Packed<Bytes> d, Packed<Bytes> s, F f) {
    using P = Packed<Bytes>;
    const auto a = d.template lanes<Lane>();
    const auto b = s.template lanes<Lane>();
    typename P::template Lanes<Lane> r{};
    for (unsigned i = 0; i < P::template count<Lane>; ++i) r[i] = static_cast<Lane>(f(a[i], b[i]));
    return P::template of<Lane>(r);
}

template <class Lane, unsigned Bytes, class F> constexpr Packed<Bytes> map_lanes(Packed<Bytes> d, F f) {
    using P = Packed<Bytes>;
    const auto a = d.template lanes<Lane>();
    typename P::template Lanes<Lane> r{};
    for (unsigned i = 0; i < P::template count<Lane>; ++i) r[i] = static_cast<Lane>(f(a[i]));
    return P::template of<Lane>(r);
}

// The nearest value that Lane can hold.
template <class Lane> constexpr Lane saturate(i32 value) {
    constexpr i32 low = std::numeric_limits<Lane>::min();
    constexpr i32 high = std::numeric_limits<Lane>::max();
    return static_cast<Lane>(value < low ? low : value > high ? high : value);
}

} // namespace truering::op
