// What float bodies say of themselves, whoever computes them: the host's SSE unit or integer arithmetic.
//
// HostFloat marks the bodies that heed and write MXCSR: run_float (sse_exceptions.hpp) calls them, others are called as
// they are. RangeChecked marks those of them whose result can overflow or underflow: their lanes as encodings, and the
// operation to repeat with unbounded exponent range when the guest unmasks OE or UE.
#pragma once

#include "cpu/semantics/mmx_lanes.hpp"
#include "cpu/semantics/sse_soft.hpp"

namespace truering::op {

struct HostFloat {};

// From and To: the lanes of operands and result; lane_count of them, the lowest.
template <class From, class To, unsigned lanes, WideOp operation> struct RangeChecked : HostFloat {
    using FromLane = From;
    using ToLane = To;
    static constexpr unsigned lane_count = lanes;
    static constexpr WideOp wide_op = operation;
};
template <class Body>
concept ChecksRange = requires {
    Body::wide_op;
};

// What COMISx and UCOMISx write; they clear OF, SF and AF.
struct CompareFlags {
    bool ZF = false;
    bool PF = false;
    bool CF = false;

    friend constexpr bool operator==(const CompareFlags&, const CompareFlags&) = default;
};

} // namespace truering::op
