// + - * / and square root, comparison, remainders, scaling, rounding to integer: exact in 128 bits, then rounded once.
#include "cpu/semantics/x87_soft.hpp"
#include "cpu/semantics/x87_soft_functions.hpp"
#include "cpu/semantics/x87_soft_number.hpp"

namespace truering::x87::soft {

namespace {

constexpr int bias = static_cast<int>(float80_bias);
constexpr u16 DE = fpu_status::DE;

// A finite sum or product before rounding; significand 0 is a zero.
struct Exact {
    bool sign = false;
    int exponent = 0;
    u128 significand = 0;
};

Exact normalized(bool sign, int exponent, u128 significand) {
    if (significand == 0) return {.sign = sign};
    const unsigned shift = leading_zeros(significand);
    return {sign, exponent - static_cast<int>(shift), significand << shift};
}

// The sign of an exact zero that is the sum of opposites.
bool cancelled_sign(u16 control_word) { return rounding_control(control_word) == RoundingControl::Down; }

Exact add(const Number& a, const Number& b, u16 control_word) {
    if (is_zero(a) && is_zero(b)) return {.sign = a.sign == b.sign ? a.sign : cancelled_sign(control_word)};
    if (is_zero(a)) return {b.sign, b.exponent, widened(b.significand)};
    if (is_zero(b)) return {a.sign, a.exponent, widened(a.significand)};
    const bool a_larger = a.exponent != b.exponent ? a.exponent > b.exponent : a.significand >= b.significand;
    const Number& big = a_larger ? a : b;
    const Number& small = a_larger ? b : a;
    // One bit is left above for the carry.
    const u128 upper = widened(big.significand) >> 1;
    const u128 lower =
        shift_right_sticky(widened(small.significand) >> 1, static_cast<unsigned>(big.exponent - small.exponent));
    if (a.sign == b.sign) return normalized(big.sign, big.exponent + 1, upper + lower);
    const u128 difference = upper - lower;
    return normalized(difference == 0 ? cancelled_sign(control_word) : big.sign, big.exponent + 1, difference);
}

Exact multiply(const Number& a, const Number& b) {
    const bool sign = a.sign != b.sign;
    if (is_zero(a) || is_zero(b)) return {.sign = sign};
    return normalized(sign, a.exponent + b.exponent - bias + 1, u128{a.significand} * b.significand);
}

Exact divide(const Number& a, const Number& b) {
    const bool sign = a.sign != b.sign;
    if (is_zero(a)) return {.sign = sign};
    const bool at_least_one = a.significand >= b.significand;
    const u128 numerator = u128{a.significand} << (at_least_one ? 63 : 64);
    const u64 high = static_cast<u64>(numerator / b.significand);
    const u128 rest = (numerator % b.significand) << 64;
    const u64 low = static_cast<u64>(rest / b.significand);
    const bool sticky = rest % b.significand != 0;
    return {sign, a.exponent - b.exponent + bias - (at_least_one ? 0 : 1), widened(high) | low | (sticky ? 1 : 0)};
}

bool invalid_pair(Arithmetic operation, const Number& a, const Number& b) {
    switch (operation) {
    case Arithmetic::FADD: return is_infinite(a) && is_infinite(b) && a.sign != b.sign;
    case Arithmetic::FMUL: return (is_infinite(a) && is_zero(b)) || (is_zero(a) && is_infinite(b));
    default: return (is_infinite(a) && is_infinite(b)) || (is_zero(a) && is_zero(b)); // FDIV
    }
}

Float80 infinity(bool sign) { return {0x8000'0000'0000'0000, static_cast<u16>(sign ? 0xFFFF : 0x7FFF)}; }
Float80 zero(bool sign) { return {0, static_cast<u16>(sign ? 0x8000 : 0)}; }

// With an infinity among the operands of a valid operation.
Float80 infinite_result(Arithmetic operation, const Number& a, const Number& b) {
    if (operation == Arithmetic::FADD) return infinity(is_infinite(a) ? a.sign : b.sign);
    const bool sign = a.sign != b.sign;
    return operation == Arithmetic::FDIV && is_infinite(b) ? zero(sign) : infinity(sign);
}

// a + b, a * b or a / b: subtraction and the reversed forms are brought to these.
Result compute(Arithmetic operation, Environment environment, const Float80& unchanged, const Number& a,
               const Number& b) {
    if (needs_nan_response(a, b)) return nan_response(environment, unchanged, a, b);
    if (invalid_pair(operation, a, b)) return invalid(environment, unchanged);
    if (operation == Arithmetic::FDIV && is_zero(b) && !is_infinite(a)) { // a denormal dividend is not told
        if (traps(fpu_status::ZE, environment)) return {unchanged, fpu_status::ZE};
        return {infinity(a.sign != b.sign), fpu_status::ZE};
    }
    const u16 status = a.denormal || b.denormal ? DE : u16{0};
    if (traps(status, environment)) return {unchanged, status};
    if (is_infinite(a) || is_infinite(b)) return {infinite_result(operation, a, b), status};
    const Exact exact = operation == Arithmetic::FADD   ? add(a, b, environment.control_word)
                        : operation == Arithmetic::FMUL ? multiply(a, b)
                                                        : divide(a, b);
    Result result = rounded_result(environment, precision_of(environment.control_word), exact.sign, exact.exponent,
                                   exact.significand);
    result.status |= status;
    return result;
}

Number negative(Number n) {
    if (!is_nan(n)) n.sign = !n.sign;
    return n;
}

Result apply(Arithmetic operation, Environment environment, const Float80& destination, const Number& source) {
    const Number d = take_apart(destination);
    switch (operation) {
    case Arithmetic::FADD: return compute(Arithmetic::FADD, environment, destination, d, source);
    case Arithmetic::FMUL: return compute(Arithmetic::FMUL, environment, destination, d, source);
    case Arithmetic::FSUB: return compute(Arithmetic::FADD, environment, destination, d, negative(source));
    case Arithmetic::FSUBR: return compute(Arithmetic::FADD, environment, destination, source, negative(d));
    case Arithmetic::FDIV: return compute(Arithmetic::FDIV, environment, destination, d, source);
    case Arithmetic::FDIVR: return compute(Arithmetic::FDIV, environment, destination, source, d);
    }
    return {};
}

// -1, 0, 1 for numbers.
int order(const Number& a, const Number& b) {
    if (is_zero(a) && is_zero(b)) return 0;
    const auto magnitude = [](const Number& n) {
        if (is_zero(n)) return u128{0};
        return widened(static_cast<u64>(n.exponent + 0x10000)) | n.significand; // infinities have the largest exponent
    };
    const int a_sign = a.sign ? -1 : 1;
    if (a.sign != b.sign) return a_sign;
    if (magnitude(a) == magnitude(b)) return 0;
    return magnitude(a) > magnitude(b) ? a_sign : -a_sign;
}

u16 compare_numbers(Comparison kind, const Number& a, const Number& b) {
    constexpr u16 unordered = fpu_status::C0 | fpu_status::C2 | fpu_status::C3;
    if (is_unsupported(a) || is_unsupported(b)) return unordered | fpu_status::IE;
    if (is_nan(a) || is_nan(b)) {
        const bool is_invalid = kind == Comparison::Ordered || is_signaling(a) || is_signaling(b);
        return static_cast<u16>(unordered | (is_invalid ? fpu_status::IE : 0));
    }
    const unsigned status = a.denormal || b.denormal ? DE : 0;
    const int o = order(a, b);
    return static_cast<u16>(status | (o == 0 ? fpu_status::C3 : o < 0 ? fpu_status::C0 : 0));
}

} // namespace

Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, const Float80& source) {
    return apply(operation, environment, destination, take_apart(source));
}
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, Float32 source) {
    return apply(operation, environment, destination, take_apart(source));
}
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, Float64 source) {
    return apply(operation, environment, destination, take_apart(source));
}
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, i16 source) {
    return apply(operation, environment, destination, take_apart(i64{source}));
}
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, i32 source) {
    return apply(operation, environment, destination, take_apart(i64{source}));
}

u16 compare(Comparison kind, Environment, const Float80& st0, const Float80& source) {
    return compare_numbers(kind, take_apart(st0), take_apart(source));
}
u16 compare(Environment, const Float80& st0, Float32 source) {
    return compare_numbers(Comparison::Ordered, take_apart(st0), take_apart(source));
}
u16 compare(Environment, const Float80& st0, Float64 source) {
    return compare_numbers(Comparison::Ordered, take_apart(st0), take_apart(source));
}
u16 compare(Environment, const Float80& st0, i16 source) {
    return compare_numbers(Comparison::Ordered, take_apart(st0), take_apart(i64{source}));
}
u16 compare(Environment, const Float80& st0, i32 source) {
    return compare_numbers(Comparison::Ordered, take_apart(st0), take_apart(i64{source}));
}

} // namespace truering::x87::soft
