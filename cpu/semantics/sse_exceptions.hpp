// A float body under the guest's MXCSR: result and flags, or an unmasked exception.
//
// run_float<Body>(host, state, result, operands...) is how every body of sse_arithmetic, sse_compare and sse_convert is
// called. With all exceptions masked (nearly always) it is the host's instruction and one test. Otherwise the body runs
// with the host's flags cleared, and the flags it raised are judged as SDM volume 1, 11.5.2 and 11.5.3 say:
//   - IE, DE, ZE are found before computing: if one of them is unmasked in any lane, only these three are reported.
//   - OE, UE, PE otherwise; an unmasked UE reports a tiny result even when exact, and with OE or UE taken unmasked, PE
//     tells whether rounding with unbounded exponent was inexact (the result that a handler would scale).
//   - An unmasked exception leaves the result alone, but its flags (and the masked ones found with it) are set.
// The caller raises #XM (or #UD without CR4.OSXMMEXCPT) on SimdStatus::exception.
#pragma once

#include "cpu/semantics/sse_float.hpp"
#include "cpu/semantics/sse_host.hpp"

namespace truering {

enum class [[nodiscard]] SimdStatus{done, exception};

namespace sse_detail {

// Flags of `raised` whose exceptions are unmasked in mxcsr.
constexpr u32 unmasked(u32 raised, u32 guest_mxcsr) {
    return raised & ~(guest_mxcsr >> mxcsr::mask_shift) & mxcsr::flags;
}

// Lane is the encoding of a float (u32) or double (u64).
template <class Lane> bool is_denormal(Lane value) {
    constexpr unsigned fraction_bits = sizeof(Lane) == 4 ? 23 : 52;
    const Lane magnitude = value & static_cast<Lane>(~Lane{0} >> 1);
    return magnitude != 0 && magnitude < Lane{1} << fraction_bits;
}

template <class Lane> Packed128 broadcast(const Packed128& x, unsigned i) {
    Packed128 r;
    for (unsigned j = 0; j < Packed128::count<Lane>; ++j) r.set(j, x.get<Lane>(i));
    return r;
}

// The flags of lane i alone, by the rules for unmasked OE and UE. The host's flags are in no particular state after.
template <op::ChecksRange Body, class... Operands>
u32 lane_flags(u32 guest_mxcsr, unsigned i, const Operands&... operands) {
    using From = typename Body::FromLane;
    write_host_mxcsr(host_value(guest_mxcsr & ~mxcsr::flags));
    const Packed128 result = Body::run(broadcast<From>(operands, i)...);
    u32 raised = read_host_mxcsr() & mxcsr::flags;
    if (!(guest_mxcsr & mxcsr::UM) && is_denormal(result.template get<typename Body::ToLane>(0))) raised |= mxcsr::UE;
    if (!unmasked(raised & (mxcsr::OE | mxcsr::UE), guest_mxcsr)) return raised;

    // The last operand is the only one that a conversion converts.
    const std::array<Packed128, sizeof...(operands)> all{operands...};
    const bool inexact = sse_soft::inexact_unbounded<From>(Body::wide_op, all.front().template get<From>(i),
                                                           all.back().template get<From>(i));
    return inexact ? raised | mxcsr::PE : raised & ~mxcsr::PE;
}

// The flags an instruction reports, given those that a wholly masked run of it raised.
template <class Body, class... Operands> u32 reported_flags(u32 guest_mxcsr, u32 raised, const Operands&... operands) {
    if (unmasked(raised & mxcsr::pre_computation, guest_mxcsr)) return raised & mxcsr::pre_computation;
    if constexpr (op::ChecksRange<Body>) {
        if ((guest_mxcsr & (mxcsr::OM | mxcsr::UM)) != (mxcsr::OM | mxcsr::UM)) {
            raised = 0;
            for (unsigned i = 0; i < Body::lane_count; ++i)
                raised |= lane_flags<Body, Operands...>(guest_mxcsr, i, operands...);
        }
    }
    return raised;
}

template <class Body, class Result, class... Operands>
[[gnu::noinline]] SimdStatus run_unmasked(const SseState& state, Result& result, const Operands&... operands) {
    const u32 before = (state.mxcsr & ~mxcsr::flags) | ((state.mxcsr | read_host_mxcsr()) & mxcsr::flags);
    write_host_mxcsr(host_value(before & ~mxcsr::flags));
    const Result value = Body::run(operands...);
    const u32 raised = read_host_mxcsr() & mxcsr::flags;
    const u32 reported = reported_flags<Body, Operands...>(before, raised, operands...);
    write_host_mxcsr(host_value(before | reported));
    if (unmasked(reported, before)) return SimdStatus::exception;
    result = value;
    return SimdStatus::done;
}

} // namespace sse_detail

template <class Body, class Result, class... Operands>
inline SimdStatus run_float(HostMxcsr& host, const SseState& state, Result& result, const Operands&... operands) {
    host.enter(state);
    if ((state.mxcsr & mxcsr::masks) != mxcsr::masks) [[unlikely]]
        return sse_detail::run_unmasked<Body>(state, result, operands...);
    result = Body::run(operands...);
    return SimdStatus::done;
}

} // namespace truering
