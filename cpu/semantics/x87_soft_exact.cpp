// The functions that are exact but for one rounding, and the choice among all functions.
#include "cpu/semantics/x87_soft.hpp"
#include "cpu/semantics/x87_soft_functions.hpp"

#include <algorithm>

namespace truering::x87::soft {

namespace {

constexpr int bias = static_cast<int>(float80_bias);
constexpr unsigned full_precision = 64;

u16 denormal_status(const Number& n) { return n.denormal ? fpu_status::DE : u16{0}; }

Result with_status(Result result, u16 status) {
    result.status |= status;
    return result;
}

} // namespace

Float80 signed_zero(bool sign) { return {0, static_cast<u16>(sign ? 0x8000 : 0)}; }
Float80 signed_infinity(bool sign) { return {0x8000'0000'0000'0000, static_cast<u16>(sign ? 0xFFFF : 0x7FFF)}; }

Evaluation Operands::popped(const Result& result) const {
    if (traps(result.status, environment)) return unchanged(result.status);
    return {result.value, {}, result.status, -1};
}

Evaluation Operands::invalid_operation(int depth) const {
    if (traps(fpu_status::IE, environment)) return unchanged(fpu_status::IE);
    const Float80 second = depth > 0 ? float80_indefinite : depth < 0 ? Float80{} : st1;
    return {float80_indefinite, second, fpu_status::IE, depth};
}

Evaluation Operands::nan(int depth) const {
    // A function of one operand sees no other.
    const Result result = nan_response(environment, st0, x, depth == 1 ? x : y);
    if (traps(result.status, environment)) return unchanged(result.status);
    return {result.value, depth > 0 ? result.value : depth < 0 ? Float80{} : st1, result.status, depth};
}

namespace {

// The root of n, below 2^64 when n is below 2^128, and what is left.
u64 integer_root(u128 n, u128& rest) {
    u128 root = 0;
    for (u128 digit = u128{1} << 126; digit != 0; digit >>= 2) {
        if (n >= root + digit) {
            n -= root + digit;
            root = (root >> 1) + digit;
        } else {
            root >>= 1;
        }
    }
    rest = n;
    return static_cast<u64>(root);
}

} // namespace

Evaluation square_root(const Operands& o) {
    if (needs_nan_response(o.x, o.x)) return o.replaced(nan_response(o.environment, o.st0, o.x, o.x));
    if (is_zero(o.x)) return o.unchanged(0);
    if (o.x.sign) return o.invalid_operation(0);
    if (is_infinite(o.x)) return o.unchanged(0);
    const u16 status = denormal_status(o.x);
    if (traps(status, o.environment)) return o.unchanged(status);
    const int power = o.x.exponent - bias;
    const bool odd = (power & 1) != 0;
    u128 rest = 0;
    const u64 root = integer_root(u128{o.x.significand} << (odd ? 64 : 63), rest);
    // The next bit of the root is set if (root + 1/2)^2 is below the radicand; an exact half cannot be.
    const u128 significand = widened(root) | (rest > root ? u128{1} << 63 : 0) | (rest != 0 ? 1 : 0);
    const int exponent = (power - (odd ? 1 : 0)) / 2 + bias;
    const unsigned bits = precision_of(o.environment.control_word);
    return o.replaced(with_status(rounded_result(o.environment, bits, false, exponent, significand), status));
}

Evaluation round_to_integer(const Operands& o) {
    if (needs_nan_response(o.x, o.x)) return o.replaced(nan_response(o.environment, o.st0, o.x, o.x));
    if (is_zero(o.x) || is_infinite(o.x)) return o.unchanged(0);
    u16 status = denormal_status(o.x);
    if (traps(status, o.environment)) return o.unchanged(status);
    const int power = o.x.exponent - bias;
    if (power >= 63) return o.unchanged(status);
    const u128 wide = widened(o.x.significand);
    const RoundedBits bits = power >= 0 ? round_bits(wide, static_cast<unsigned>(power) + 1,
                                                     rounding_control(o.environment.control_word), o.x.sign)
                                        : round_bits(shift_right_sticky(wide, static_cast<unsigned>(-power)), 1,
                                                     rounding_control(o.environment.control_word), o.x.sign);
    if (bits.inexact) status |= fpu_status::PE;
    if (bits.inexact && bits.up) status |= fpu_status::C1;
    if (bits.value == 0) return {signed_zero(o.x.sign), o.st1, status, 0};
    const int exponent = std::max(o.x.exponent, bias) + (bits.carry ? 1 : 0);
    const unsigned sign = o.x.sign ? 0x8000 : 0;
    return {{static_cast<u64>(bits.value >> 64), static_cast<u16>(sign | static_cast<unsigned>(exponent))},
            o.st1,
            status,
            0};
}

namespace {

// The integer part of a finite number, within bounds that take any exponent out of range.
int whole_part(const Number& n) {
    constexpr int limit = 0x10000;
    const int power = n.exponent - bias;
    if (is_zero(n) || power < 0) return 0;
    const int magnitude = power > 16 ? limit : static_cast<int>(n.significand >> (63 - power));
    return n.sign ? -magnitude : magnitude;
}

} // namespace

Evaluation scale(const Operands& o) {
    if (needs_nan_response(o.x, o.y)) return o.replaced(nan_response(o.environment, o.st0, o.x, o.y));
    if (is_infinite(o.y)) {
        if (o.y.sign ? is_infinite(o.x) : is_zero(o.x)) return o.invalid_operation(0);
        const u16 status = denormal_status(o.x);
        if (traps(status, o.environment)) return o.unchanged(status);
        return o.replaced({o.y.sign ? signed_zero(o.x.sign) : signed_infinity(o.x.sign), status});
    }
    const u16 status = denormal_status(o.x) | denormal_status(o.y);
    if (traps(status, o.environment) || is_zero(o.x) || is_infinite(o.x)) return o.unchanged(status);
    if (is_zero(o.y)) return o.replaced({put_together(o.x), status});
    const int exponent = o.x.exponent + whole_part(o.y);
    return o.replaced(with_status(
        rounded_result(o.environment, full_precision, o.x.sign, exponent, widened(o.x.significand)), status));
}

namespace {

u16 quotient_conditions(u64 quotient) {
    return static_cast<u16>(((quotient & 4) != 0 ? fpu_status::C0 : 0) | ((quotient & 2) != 0 ? fpu_status::C3 : 0) |
                            ((quotient & 1) != 0 ? fpu_status::C1 : 0));
}

// significand / 2^63 * 2^(exponent - bias), exactly; it may be 0.
Result exact_result(const Operands& o, bool sign, int exponent, u64 significand) {
    if (significand == 0) return {signed_zero(sign), 0};
    const unsigned shift = static_cast<unsigned>(__builtin_clzll(significand));
    return rounded_result(o.environment, full_precision, sign, exponent - static_cast<int>(shift),
                          widened(significand << shift));
}

enum class Quotient : u8 { Truncated, Nearest };

// Operands are finite and not 0.
Evaluation finite_remainder(const Operands& o, Quotient kind, u16 status) {
    const int distance = o.x.exponent - o.y.exponent;
    if (distance >= 64) { // a step; the SDM leaves its size open between 32 and 63
        const int step = (distance & 31) | 32;
        const u64 rest = static_cast<u64>((u128{o.x.significand} << step) % o.y.significand);
        const Result result = exact_result(o, o.x.sign, o.y.exponent + distance - step, rest);
        return o.replaced(with_status(result, status | fpu_status::C2));
    }
    if (distance < -1 || (distance == -1 && (kind == Quotient::Truncated || o.x.significand <= o.y.significand))) {
        return o.replaced(with_status(exact_result(o, o.x.sign, o.x.exponent, o.x.significand), status));
    }
    if (distance == -1) { // above a half: the quotient is 1
        const u64 rest = static_cast<u64>((u128{o.y.significand} << 1) - o.x.significand);
        return o.replaced(with_status(exact_result(o, !o.x.sign, o.x.exponent, rest), status | quotient_conditions(1)));
    }
    const u128 dividend = u128{o.x.significand} << distance;
    u64 quotient = static_cast<u64>(dividend / o.y.significand);
    u64 rest = static_cast<u64>(dividend % o.y.significand);
    bool sign = o.x.sign;
    const u128 twice = u128{rest} << 1;
    const bool beyond_half = twice > o.y.significand || (twice == o.y.significand && (quotient & 1) != 0);
    if (kind == Quotient::Nearest && beyond_half) {
        ++quotient;
        rest = o.y.significand - rest;
        sign = !sign;
    }
    return o.replaced(with_status(exact_result(o, rest == 0 ? o.x.sign : sign, o.y.exponent, rest),
                                  status | quotient_conditions(quotient)));
}

Evaluation any_remainder(const Operands& o, Quotient kind) {
    if (needs_nan_response(o.x, o.y)) return o.replaced(nan_response(o.environment, o.st0, o.x, o.y));
    if (is_infinite(o.x) || is_zero(o.y)) return o.invalid_operation(0);
    const u16 status = denormal_status(o.x) | denormal_status(o.y);
    if (traps(status, o.environment)) return o.unchanged(status);
    if (is_zero(o.x) || is_infinite(o.y)) return o.replaced({put_together(o.x), status});
    return finite_remainder(o, kind, status);
}

} // namespace

Evaluation remainder(const Operands& o) { return any_remainder(o, Quotient::Truncated); }
Evaluation nearest_remainder(const Operands& o) { return any_remainder(o, Quotient::Nearest); }

Evaluation extract(const Operands& o) {
    if (needs_nan_response(o.x, o.x)) return o.nan(1);
    if (is_zero(o.x)) {
        if (traps(fpu_status::ZE, o.environment)) return o.unchanged(fpu_status::ZE);
        return {o.st0, signed_infinity(true), fpu_status::ZE, 1};
    }
    if (is_infinite(o.x)) return {o.st0, signed_infinity(false), 0, 1};
    const u16 status = denormal_status(o.x);
    if (traps(status, o.environment)) return o.unchanged(status);
    const unsigned sign = o.x.sign ? 0x8000 : 0;
    const Float80 significand{o.x.significand, static_cast<u16>(sign | float80_bias)};
    return {significand, float80_from(i64{o.x.exponent - bias}), status, 1};
}

Evaluation evaluate(Function function, Environment environment, const Float80& st0, const Float80& st1) {
    const Operands o(environment, st0, st1);
    switch (function) {
    case Function::FSQRT: return square_root(o);
    case Function::FRNDINT: return round_to_integer(o);
    case Function::F2XM1: return power_minus_1(o);
    case Function::FSIN: return sine(o);
    case Function::FCOS: return cosine(o);
    case Function::FSCALE: return scale(o);
    case Function::FPREM: return remainder(o);
    case Function::FPREM1: return nearest_remainder(o);
    case Function::FYL2X: return logarithm(o);
    case Function::FYL2XP1: return logarithm_plus_1(o);
    case Function::FPATAN: return arctangent(o);
    case Function::FXTRACT: return extract(o);
    case Function::FPTAN: return tangent(o);
    case Function::FSINCOS: return sine_and_cosine(o);
    }
    return o.unchanged(0);
}

} // namespace truering::x87::soft
