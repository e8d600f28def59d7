// SSE's floats and doubles in integer arithmetic: for hosts without SSE, and as a second opinion in tests. Also what
// rounding with unbounded exponent gives, which no host instruction tells (sse_exceptions.hpp).
//
// A value stands as its encoding, u32 or u64. A Unit computes under one MXCSR, with the responses to masked exceptions
// whatever the masks say, and gathers the flags. Its FZ is taken at its word: the caller clears it while UM is clear.
//
// Inside, a finite operand is significand / 2^63 * 2^exponent with bit 63 set, denormals too. An exact result carries
// 128 bits, bit 127 set, and whatever lies beyond collected in bit 0 ("sticky"): enough for any rounding to 53 bits.
//
// Source: SDM volume 1, 4.8.4 (rounding), 4.9 (exceptions and their priority), 11.5.2; tables 4-7 and 11-1 (NaNs).
#pragma once

#include "cpu/sse_state.hpp"

namespace truering {

namespace op {
enum class WideOp { ADD, SUB, MUL, DIV, CVT };
}

namespace sse_soft {

using u128 = unsigned __int128;

enum class Kind : u8 { Zero, Finite, Infinity, QuietNaN, SignalingNaN };

struct Number {
    bool sign = false;
    bool denormal = false; // as encoded; not with DAZ, which makes it a zero
    Kind kind = Kind::Zero;
    int exponent = 0;
    u64 significand = 0;

    [[nodiscard]] bool is_nan() const { return kind >= Kind::QuietNaN; }
};

// An exact finite result: significand / 2^127 * 2^exponent, sticky in bit 0; significand 0 is a zero.
struct Wide {
    bool sign = false;
    int exponent = 0;
    u128 significand = 0;
};

enum class Relation : u8 { Less, Equal, Greater, Unordered };
enum class QuietNaNs : u8 { Pass, Signal };
enum class Integers : u8 { Round, Truncate };

class Unit {
  public:
    explicit Unit(u32 mxcsr) : mxcsr_(mxcsr) {}

    // What was raised so far.
    [[nodiscard]] u32 flags() const { return flags_; }

    // Bits is u32 (float) or u64 (double).
    template <class Bits> Bits arithmetic(op::WideOp operation, Bits a, Bits b);
    template <class Bits> Bits square_root(Bits a);
    // MIN and MAX: the second operand if either is a NaN or both are zero.
    template <class Bits> Bits minimum(Bits a, Bits b);
    template <class Bits> Bits maximum(Bits a, Bits b);
    template <class Bits> Relation compare(Bits a, Bits b, QuietNaNs quiet);

    u64 widen(u32 a);
    u32 narrow(u64 a);
    template <class Bits> u32 to_integer(Bits a, Integers how); // 80000000H if it does not fit
    template <class Bits> Bits from_integer(u32 a);

    // 1 / a and 1 / sqrt(a) to 12 bits. They raise nothing; a denormal counts as zero, and a tiny result is zero.
    u32 reciprocal(u32 a);
    u32 reciprocal_square_root(u32 a);

  private:
    template <class Bits> Number unpack(Bits a) const;
    template <class Bits> Bits pack(const Wide& exact);
    template <class Bits> Bits pack_tiny(const Wide& exact);
    template <class Bits> Bits overflow(bool sign);
    template <class Bits> Bits invalid();
    template <class Bits> Bits without_denormal(Bits a) const;
    template <class Bits> Bits select(Bits a, Bits b, Relation first);
    void note_denormal(const Number& a, const Number& b);
    [[nodiscard]] bool rounds_up(bool sign, bool odd, int against_half) const;
    [[nodiscard]] u32 rounding() const { return (mxcsr_ & mxcsr::RC) >> mxcsr::RC_shift; }

    u32 mxcsr_;
    u32 flags_ = 0;
};

// Is a op b (CVT: b, a double, made a float) inexact at the destination's precision with unbounded exponent? For
// operands whose result overflowed or underflowed.
template <class Bits> bool inexact_unbounded(op::WideOp operation, Bits a, Bits b);

} // namespace sse_soft

} // namespace truering
