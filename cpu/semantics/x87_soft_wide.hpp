// Floating point with 128 bits of significand, for the transcendental functions: sums and products are cut off, with an
// error below 2^-126 of the larger operand, so that some forty operations leave far more than the 64 bits wanted.
#pragma once

#include "cpu/semantics/x87_soft_number.hpp"

namespace truering::x87::soft {

// significand / 2^127 * 2^power; the significand has bit 127 set, or is 0.
struct Wide {
    bool sign = false;
    int power = 0;
    u128 significand = 0;
};

constexpr u128 u128_from(u64 high, u64 low) { return u128{high} << 64 | low; }

inline constexpr Wide wide_ln2{false, -1, u128_from(0xB172'17F7'D1CF'79AB, 0xC9E3'B398'03F2'F6AF)};
inline constexpr Wide wide_log2_e{false, 0, u128_from(0xB8AA'3B29'5C17'F0BB, 0xBE87'FED0'691D'3E88)};
inline constexpr Wide wide_pi{false, 1, u128_from(0xC90F'DAA2'2168'C234, 0xC4C6'628B'80DC'1CD1)};
inline constexpr Wide wide_one{false, 0, u128{1} << 127};

Wide wide_from(const Number& number); // finite
Wide wide_from(i64 value);
// value * 2^power, for a value that need not be normalized.
Wide wide_from(bool sign, u128 value, int power);

constexpr Wide operator-(const Wide& a) { return {!a.sign, a.power, a.significand}; }
Wide operator+(const Wide& a, const Wide& b);
inline Wide operator-(const Wide& a, const Wide& b) { return a + -b; }
Wide operator*(const Wide& a, const Wide& b);
Wide operator/(const Wide& a, const Wide& b); // b is not 0
Wide operator/(const Wide& a, u64 divisor);
constexpr Wide scaled(const Wide& a, int powers) { return {a.sign, a.power + powers, a.significand}; }

// |a| < |b|
bool smaller(const Wide& a, const Wide& b);
// Does adding `term` to `sum` still change it?
bool matters(const Wide& term, const Wide& sum);

// atanh(s) = s + s^3/3 + s^5/5 ..., and atan(s) with alternating signs; |s| well below 1.
enum class Series : u8 { Atanh, Atan };
Wide odd_series(Series kind, const Wide& s);

enum class Exactness : u8 { Exact, Inexact };
// The result of a function: 64 bits whatever PC says. An inexact one gets PE even if its 128 bits do not show it.
Result rounded_wide(Environment environment, const Wide& value, Exactness exactness);

} // namespace truering::x87::soft
