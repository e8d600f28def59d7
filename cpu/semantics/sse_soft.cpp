#include "cpu/semantics/sse_soft.hpp"

#include "cpu/semantics/sse_soft_number.hpp"

namespace truering::sse_soft {

template <class Bits> Number Unit::unpack(Bits a) const {
    Number n = take_apart(a);
    if (n.denormal && (mxcsr_ & mxcsr::DAZ) != 0) return {.sign = n.sign};
    return n;
}

// ---- Rounding

// Whether to go to the next larger magnitude. `odd`: the kept part's last bit; against_half: the rest compared with
// half of it (-1, 0, 1); called for inexact values only.
bool Unit::rounds_up(bool sign, bool odd, int against_half) const {
    switch (rounding()) {
    case 0: return against_half > 0 || (against_half == 0 && odd);
    case 1: return sign;
    case 2: return !sign;
    default: return false;
    }
}

template <class Bits> Bits Unit::overflow(bool sign) {
    flags_ |= mxcsr::OE | mxcsr::PE;
    const bool to_infinity = rounding() == 0 || rounding() == (sign ? 1U : 2U);
    return with_sign<Bits>(to_infinity ? infinity<Bits> : infinity<Bits> - 1, sign);
}

template <class Bits> Bits Unit::pack(const Wide& wide) {
    constexpr u128 rest_mask = below_precision<Bits>;
    constexpr u128 half = (rest_mask >> 1) + 1;
    const u128 rest = wide.significand & rest_mask;
    u128 kept = wide.significand - rest;
    int exponent = wide.exponent;
    if (rest != 0 && rounds_up(wide.sign, (kept & (rest_mask + 1)) != 0, rest > half ? 1 : rest == half ? 0 : -1)) {
        kept += rest_mask + 1;
        if (kept == 0) { // the carry went out: a power of two
            kept = u128{1} << 127;
            ++exponent;
        }
    }
    if (exponent < min_exponent<Bits>) return pack_tiny<Bits>(wide); // tiny is judged after rounding
    if (exponent > Format<Bits>::max_exponent) return overflow<Bits>(wide.sign);
    if (rest != 0) flags_ |= mxcsr::PE;
    const Bits fraction = static_cast<Bits>(kept >> (128 - precision<Bits>)) & fraction_mask<Bits>;
    const Bits biased = static_cast<Bits>(exponent + Format<Bits>::max_exponent);
    return with_sign<Bits>(static_cast<Bits>(biased << Format<Bits>::fraction_bits) | fraction, wide.sign);
}

// Below the normal numbers: rounded again, at the smallest exponent. A carry makes the smallest normal number by
// itself.
template <class Bits> Bits Unit::pack_tiny(const Wide& wide) {
    if ((mxcsr_ & mxcsr::FZ) != 0) {
        flags_ |= mxcsr::UE | mxcsr::PE;
        return with_sign<Bits>(0, wide.sign);
    }
    constexpr u128 rest_mask = below_precision<Bits>;
    constexpr u128 half = (rest_mask >> 1) + 1;
    const u128 shifted = shift_right_sticky(wide.significand, min_exponent<Bits> - wide.exponent);
    const u128 rest = shifted & rest_mask;
    Bits magnitude = static_cast<Bits>(shifted >> (128 - precision<Bits>));
    if (rest != 0) {
        flags_ |= mxcsr::UE | mxcsr::PE;
        if (rounds_up(wide.sign, (magnitude & 1) != 0, rest > half ? 1 : rest == half ? 0 : -1)) ++magnitude;
    }
    return with_sign<Bits>(magnitude, wide.sign);
}

// ---- Special operands

template <class Bits> Bits Unit::invalid() {
    flags_ |= mxcsr::IE;
    return indefinite<Bits>;
}

void Unit::note_denormal(const Number& a, const Number& b) {
    if (a.denormal || b.denormal) flags_ |= mxcsr::DE;
}

template <class Bits> Bits Unit::arithmetic(op::WideOp operation, Bits a, Bits b) {
    const Number x = unpack(a);
    Number y = unpack(b);
    if (x.is_nan() || y.is_nan()) {
        if (x.kind == Kind::SignalingNaN || y.kind == Kind::SignalingNaN) flags_ |= mxcsr::IE;
        return static_cast<Bits>((x.is_nan() ? a : b) | quiet_bit<Bits>);
    }
    const bool infinite_x = x.kind == Kind::Infinity, infinite_y = y.kind == Kind::Infinity;
    const bool zero_x = x.kind == Kind::Zero, zero_y = y.kind == Kind::Zero;
    if (operation == op::WideOp::SUB) y.sign = !y.sign;
    const bool product_sign = x.sign != y.sign;
    if (operation == op::WideOp::MUL || operation == op::WideOp::DIV) {
        const bool divides = operation == op::WideOp::DIV;
        if (divides ? (infinite_x && infinite_y) || (zero_x && zero_y)
                    : (infinite_x && zero_y) || (zero_x && infinite_y))
            return invalid<Bits>();
        if (divides && zero_y && !infinite_x) {
            flags_ |= mxcsr::ZE;
            return with_sign<Bits>(infinity<Bits>, product_sign);
        }
        note_denormal(x, y);
        if (infinite_x || (infinite_y && !divides)) return with_sign<Bits>(infinity<Bits>, product_sign);
        if (zero_x || zero_y || infinite_y) return with_sign<Bits>(0, product_sign);
        return pack<Bits>(exact(operation, x, y));
    }
    if (infinite_x && infinite_y && x.sign != y.sign) return invalid<Bits>();
    note_denormal(x, y);
    if (infinite_x || infinite_y) return with_sign<Bits>(infinity<Bits>, infinite_x ? x.sign : y.sign);
    const bool zero_sign = x.sign == y.sign ? x.sign : rounding() == 1; // of x - x: negative when rounding down
    const Wide sum = exact_sum(x, y);
    return sum.significand == 0 ? with_sign<Bits>(0, zero_sign) : pack<Bits>(sum);
}

template <class Bits> Bits Unit::square_root(Bits a) {
    const Number x = unpack(a);
    if (x.is_nan()) {
        if (x.kind == Kind::SignalingNaN) flags_ |= mxcsr::IE;
        return static_cast<Bits>(a | quiet_bit<Bits>);
    }
    if (x.kind == Kind::Zero) return with_sign<Bits>(0, x.sign);
    if (x.sign) return invalid<Bits>();
    if (x.kind == Kind::Infinity) return a;
    note_denormal(x, x);
    return pack<Bits>(exact_root(x));
}

template <class Bits> Relation Unit::compare(Bits a, Bits b, QuietNaNs quiet) {
    const Number x = unpack(a);
    const Number y = unpack(b);
    if (x.is_nan() || y.is_nan()) {
        const bool signaling = x.kind == Kind::SignalingNaN || y.kind == Kind::SignalingNaN;
        if (signaling || quiet == QuietNaNs::Signal) flags_ |= mxcsr::IE;
        return Relation::Unordered;
    }
    note_denormal(x, y);
    // Encodings without the sign are in the order of the magnitudes.
    const Bits magnitude_a = x.kind == Kind::Zero ? 0 : a & static_cast<Bits>(~sign_bit<Bits>);
    const Bits magnitude_b = y.kind == Kind::Zero ? 0 : b & static_cast<Bits>(~sign_bit<Bits>);
    if (magnitude_a == 0 && magnitude_b == 0) return Relation::Equal;
    if (x.sign != y.sign) return x.sign ? Relation::Less : Relation::Greater;
    if (magnitude_a == magnitude_b) return Relation::Equal;
    return (magnitude_a < magnitude_b) != x.sign ? Relation::Less : Relation::Greater;
}

// DAZ applies to what is returned, too.
template <class Bits> Bits Unit::without_denormal(Bits a) const {
    return unpack(a).kind == Kind::Zero ? static_cast<Bits>(a & sign_bit<Bits>) : a;
}

template <class Bits> Bits Unit::select(Bits a, Bits b, Relation first) {
    return compare(a, b, QuietNaNs::Signal) == first ? without_denormal(a) : without_denormal(b);
}
template <class Bits> Bits Unit::minimum(Bits a, Bits b) { return select(a, b, Relation::Less); }
template <class Bits> Bits Unit::maximum(Bits a, Bits b) { return select(a, b, Relation::Greater); }

// ---- Conversions

u64 Unit::widen(u32 a) {
    const Number x = unpack(a);
    if (x.kind == Kind::Zero) return with_sign<u64>(0, x.sign);
    if (x.kind == Kind::Finite) {
        note_denormal(x, x);
        return pack<u64>(exact_value(x));
    }
    if (x.kind == Kind::SignalingNaN) flags_ |= mxcsr::IE;
    const u64 fraction = u64{a & fraction_mask<u32>} << (Format<u64>::fraction_bits - Format<u32>::fraction_bits);
    return with_sign<u64>(infinity<u64> | fraction | (x.is_nan() ? quiet_bit<u64> : 0), x.sign);
}

u32 Unit::narrow(u64 a) {
    const Number x = unpack(a);
    if (x.kind == Kind::Zero) return with_sign<u32>(0, x.sign);
    if (x.kind == Kind::Finite) {
        note_denormal(x, x);
        return pack<u32>(exact_value(x));
    }
    if (x.kind == Kind::SignalingNaN) flags_ |= mxcsr::IE;
    const u32 fraction =
        static_cast<u32>((a & fraction_mask<u64>) >> (Format<u64>::fraction_bits - Format<u32>::fraction_bits));
    return with_sign<u32>(infinity<u32> | fraction | (x.is_nan() ? quiet_bit<u32> : 0), x.sign);
}

template <class Bits> u32 Unit::to_integer(Bits a, Integers how) {
    constexpr u32 integer_indefinite = 0x8000'0000;
    const Number x = unpack(a);
    if (x.kind == Kind::Zero) return 0;
    if (x.kind != Kind::Finite || x.exponent > 31) {
        flags_ |= mxcsr::IE;
        return integer_indefinite;
    }
    // The integer part in the upper half, the fraction in the lower.
    const u128 value = shift_right_sticky(u128{x.significand} << 64, 63 - x.exponent);
    u64 magnitude = static_cast<u64>(value >> 64);
    const u64 rest = static_cast<u64>(value);
    constexpr u64 half = u64{1} << 63;
    if (rest != 0 && how == Integers::Round &&
        rounds_up(x.sign, (magnitude & 1) != 0,
                  rest > half    ? 1
                  : rest == half ? 0
                                 : -1))
        ++magnitude;
    if (magnitude > (x.sign ? 0x8000'0000U : 0x7FFF'FFFFU)) {
        flags_ |= mxcsr::IE;
        return integer_indefinite;
    }
    if (rest != 0) flags_ |= mxcsr::PE;
    return static_cast<u32>(x.sign ? 0 - magnitude : magnitude);
}

template <class Bits> Bits Unit::from_integer(u32 a) {
    const bool sign = (a & 0x8000'0000) != 0;
    const u32 magnitude = sign ? 0 - a : a;
    return magnitude == 0 ? 0 : pack<Bits>(normalized(sign, 127, magnitude));
}

// ---- Approximations

namespace {
constexpr u32 approximation_control = mxcsr::reset_value | mxcsr::DAZ | mxcsr::FZ;

// To 12 bits of fraction: an error below 2^-12, where the instructions promise 1.5 * 2^-12.
u32 cut(u32 a) {
    constexpr u32 lost = (1U << 11) - 1;
    return (a & infinity<u32>) == infinity<u32> ? a : a & ~lost;
}
constexpr u32 float_one = 0x3F80'0000;
} // namespace

u32 Unit::reciprocal(u32 a) { return cut(Unit(approximation_control).arithmetic<u32>(op::WideOp::DIV, float_one, a)); }

u32 Unit::reciprocal_square_root(u32 a) {
    Unit unit(approximation_control);
    return cut(unit.arithmetic<u32>(op::WideOp::DIV, float_one, unit.square_root<u32>(a)));
}

// ---- Unbounded exponents

template <class Bits> bool inexact_unbounded(op::WideOp operation, Bits a, Bits b) {
    const Number last = take_apart(b);
    const Wide wide = exact(operation, operation == op::WideOp::CVT ? last : take_apart(a), last);
    const u128 lost = operation == op::WideOp::CVT ? below_precision<u32> : below_precision<Bits>;
    return (wide.significand & lost) != 0;
}

template bool inexact_unbounded<u32>(op::WideOp, u32, u32);
template bool inexact_unbounded<u64>(op::WideOp, u64, u64);

template u32 Unit::arithmetic<u32>(op::WideOp, u32, u32);
template u64 Unit::arithmetic<u64>(op::WideOp, u64, u64);
template u32 Unit::square_root<u32>(u32);
template u64 Unit::square_root<u64>(u64);
template u32 Unit::minimum<u32>(u32, u32);
template u64 Unit::minimum<u64>(u64, u64);
template u32 Unit::maximum<u32>(u32, u32);
template u64 Unit::maximum<u64>(u64, u64);
template Relation Unit::compare<u32>(u32, u32, QuietNaNs);
template Relation Unit::compare<u64>(u64, u64, QuietNaNs);
template u32 Unit::to_integer<u32>(u32, Integers);
template u32 Unit::to_integer<u64>(u64, Integers);
template u32 Unit::from_integer<u32>(u32);
template u64 Unit::from_integer<u64>(u32);

} // namespace truering::sse_soft
