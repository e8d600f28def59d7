#include "cpu/semantics/x87_soft_wide.hpp"

namespace truering::x87::soft {

Wide wide_from(bool sign, u128 value, int power) {
    if (value == 0) return {.sign = sign};
    const unsigned shift = leading_zeros(value);
    return {sign, power + 127 - static_cast<int>(shift), value << shift};
}

Wide wide_from(const Number& number) {
    if (is_zero(number)) return {.sign = number.sign};
    return {number.sign, number.exponent - static_cast<int>(float80_bias), widened(number.significand)};
}

Wide wide_from(i64 value) {
    const u64 magnitude = value < 0 ? u64{0} - static_cast<u64>(value) : static_cast<u64>(value);
    return wide_from(value < 0, magnitude, 0);
}

bool smaller(const Wide& a, const Wide& b) {
    if (b.significand == 0) return false;
    if (a.significand == 0) return true;
    return a.power != b.power ? a.power < b.power : a.significand < b.significand;
}

bool matters(const Wide& term, const Wide& sum) { return term.significand != 0 && term.power > sum.power - 130; }

Wide operator+(const Wide& a, const Wide& b) {
    if (a.significand == 0) return b;
    if (b.significand == 0) return a;
    const bool b_larger = smaller(a, b);
    const Wide& big = b_larger ? b : a;
    const Wide& small = b_larger ? a : b;
    const int distance = big.power - small.power;
    if (distance > 126) return big;
    const u128 upper = big.significand >> 1; // room for a carry
    const u128 lower = (small.significand >> 1) >> distance;
    // Bit 0 of the sum has the weight 2^(power - 126).
    return wide_from(big.sign, a.sign == b.sign ? upper + lower : upper - lower, big.power - 126);
}

Wide operator*(const Wide& a, const Wide& b) {
    const bool sign = a.sign != b.sign;
    if (a.significand == 0 || b.significand == 0) return {.sign = sign};
    const u64 a_high = static_cast<u64>(a.significand >> 64);
    const u64 a_low = static_cast<u64>(a.significand);
    const u64 b_high = static_cast<u64>(b.significand >> 64);
    const u64 b_low = static_cast<u64>(b.significand);
    const u128 middle_1 = u128{a_high} * b_low;
    const u128 middle_2 = u128{a_low} * b_high;
    const u128 carry =
        (u128{static_cast<u64>(middle_1)} + static_cast<u64>(middle_2) + ((u128{a_low} * b_low) >> 64)) >> 64;
    const u128 high = u128{a_high} * b_high + (middle_1 >> 64) + (middle_2 >> 64) + carry;
    return wide_from(sign, high, a.power + b.power - 126);
}

Wide operator/(const Wide& a, const Wide& b) {
    const bool sign = a.sign != b.sign;
    if (a.significand == 0) return {.sign = sign};
    // Bit by bit, in halves so that the remainder has room to double.
    u128 rest = a.significand >> 1;
    const u128 divisor = b.significand >> 1;
    u128 quotient = 0;
    for (int bit = 0; bit < 128; ++bit) {
        quotient <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= 1;
        }
        rest <<= 1;
    }
    // The first bit has the weight 2^(a.power - b.power).
    return wide_from(sign, quotient, a.power - b.power - 127);
}

Wide operator/(const Wide& a, u64 divisor) {
    const u128 high = a.significand / divisor;
    const u128 rest = (a.significand % divisor) << 32; // divisors are small
    const Wide upper = wide_from(a.sign, high, a.power - 127);
    return upper + wide_from(a.sign, rest / divisor, a.power - 127 - 32);
}

Wide odd_series(Series kind, const Wide& s) {
    const Wide square = kind == Series::Atan ? -(s * s) : s * s;
    Wide power = s;
    Wide sum = s;
    for (u64 n = 3; n < 200; n += 2) {
        power = power * square;
        const Wide term = power / n;
        if (!matters(term, sum)) break;
        sum = sum + term;
    }
    return sum;
}

Result rounded_wide(Environment environment, const Wide& value, Exactness exactness) {
    const u128 sticky = value.significand != 0 && exactness == Exactness::Inexact ? 1 : 0;
    return rounded_result(environment, 64, value.sign, value.power + static_cast<int>(float80_bias),
                          value.significand | sticky);
}

} // namespace truering::x87::soft
