// Encodings taken apart and exact results of two operands: what the integer SSE unit computes with (sse_soft.hpp).
#pragma once

#include "cpu/semantics/sse_soft.hpp"

namespace truering::sse_soft {

template <class Bits> struct Format;
template <> struct Format<u32> {
    static constexpr int fraction_bits = 23;
    static constexpr int max_exponent = 127;
};
template <> struct Format<u64> {
    static constexpr int fraction_bits = 52;
    static constexpr int max_exponent = 1023;
};

template <class Bits> inline constexpr int precision = Format<Bits>::fraction_bits + 1;
template <class Bits> inline constexpr int min_exponent = 1 - Format<Bits>::max_exponent;
template <class Bits> inline constexpr Bits sign_bit = Bits{1} << (sizeof(Bits) * 8 - 1);
template <class Bits> inline constexpr Bits fraction_mask = (Bits{1} << Format<Bits>::fraction_bits) - 1;
template <class Bits> inline constexpr Bits quiet_bit = Bits{1} << (Format<Bits>::fraction_bits - 1);
template <class Bits> inline constexpr Bits infinity = static_cast<Bits>(~sign_bit<Bits>) &
                                                       static_cast<Bits>(~fraction_mask<Bits>);
template <class Bits> inline constexpr Bits indefinite = sign_bit<Bits> | infinity<Bits> | quiet_bit<Bits>;

template <class Bits> constexpr Bits with_sign(Bits magnitude, bool sign) {
    return sign ? static_cast<Bits>(magnitude | sign_bit<Bits>) : magnitude;
}

// Value and kind, denormals as such.
template <class Bits> Number take_apart(Bits a) {
    constexpr int fraction_bits = Format<Bits>::fraction_bits;
    const Bits magnitude = a & static_cast<Bits>(~sign_bit<Bits>);
    const Bits fraction = a & fraction_mask<Bits>;
    const int biased = static_cast<int>(magnitude >> fraction_bits);
    Number n{.sign = (a & sign_bit<Bits>) != 0};
    if (magnitude > infinity<Bits>) {
        n.kind = (a & quiet_bit<Bits>) != 0 ? Kind::QuietNaN : Kind::SignalingNaN;
    } else if (magnitude == infinity<Bits>) {
        n.kind = Kind::Infinity;
    } else if (magnitude != 0) {
        n.kind = Kind::Finite;
        n.denormal = biased == 0;
        const u64 integer_bit = n.denormal ? 0 : u64{1} << fraction_bits;
        const u64 value = u64{fraction} | integer_bit;
        const int shift = __builtin_clzll(value);
        n.significand = value << shift;
        n.exponent = (n.denormal ? 1 : biased) - Format<Bits>::max_exponent + 63 - fraction_bits - shift;
    }
    return n;
}

inline int leading_zeros(u128 value) { // value is not 0
    const u64 high = static_cast<u64>(value >> 64);
    return high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll(static_cast<u64>(value));
}

inline u128 shift_right_sticky(u128 value, int count) {
    if (count <= 0) return value;
    if (count > 127) return value != 0 ? 1 : 0;
    const bool lost = (value & ((u128{1} << count) - 1)) != 0;
    return (value >> count) | (lost ? 1 : 0);
}

inline Wide normalized(bool sign, int exponent, u128 significand) {
    if (significand == 0) return {.sign = sign};
    const int shift = leading_zeros(significand);
    return {.sign = sign, .exponent = exponent - shift, .significand = significand << shift};
}

inline Wide exact_value(const Number& a) {
    return {.sign = a.sign, .exponent = a.exponent, .significand = u128{a.significand} << 64};
}

// a + b, finite. An exact zero has sign false: the caller knows the rule.
inline Wide exact_sum(const Number& a, const Number& b) {
    if (a.significand == 0) return exact_value(b);
    if (b.significand == 0) return exact_value(a);
    const bool swap = a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand);
    const Number& big = swap ? b : a;
    const Number& small = swap ? a : b;
    const u128 upper = u128{big.significand} << 63; // a bit of room for the carry
    const u128 lower = shift_right_sticky(u128{small.significand} << 63, big.exponent - small.exponent);
    if (a.sign == b.sign) return normalized(a.sign, big.exponent + 1, upper + lower);
    const u128 difference = upper - lower;
    return normalized(difference != 0 && big.sign, big.exponent + 1, difference);
}

inline Wide exact_product(const Number& a, const Number& b) {
    return normalized(a.sign != b.sign, a.exponent + b.exponent + 1, u128{a.significand} * b.significand);
}

inline Wide exact_quotient(const Number& a, const Number& b) {
    const u128 dividend = u128{a.significand} << 63;
    const u128 quotient = dividend / b.significand;
    const bool rest = dividend % b.significand != 0;
    return normalized(a.sign != b.sign, a.exponent - b.exponent, quotient << 64 | (rest ? 1 : 0));
}

// Of a positive operand.
inline Wide exact_root(const Number& a) {
    const bool odd = (a.exponent & 1) != 0;
    const u128 square = u128{a.significand} << (odd ? 64 : 63);
    u128 root = 0;
    for (int bit = 63; bit >= 0; --bit) {
        const u128 candidate = root | u128{1} << bit;
        if (candidate * candidate <= square) root = candidate;
    }
    return normalized(false, (a.exponent - (odd ? 1 : 0)) / 2, root << 64 | (root * root != square ? 1 : 0));
}

inline Wide exact(op::WideOp operation, const Number& a, Number b) {
    switch (operation) {
    case op::WideOp::SUB: b.sign = !b.sign; [[fallthrough]];
    case op::WideOp::ADD: return exact_sum(a, b);
    case op::WideOp::MUL: return exact_product(a, b);
    case op::WideOp::DIV: return exact_quotient(a, b);
    case op::WideOp::CVT: break;
    }
    return exact_value(a);
}

// Bits of an exact result below the precision of Bits.
template <class Bits> inline constexpr u128 below_precision = (u128{1} << (128 - precision<Bits>)) - 1;

} // namespace truering::sse_soft
