#include "cpu/semantics/x87_soft_number.hpp"

namespace truering::x87::soft {

namespace {

constexpr u64 integer_bit = 0x8000'0000'0000'0000;
constexpr u64 quiet_bit = 0x4000'0000'0000'0000;
constexpr u128 top_bit = u128{1} << 127;

void normalize(Number& number) {
    const unsigned shift = static_cast<unsigned>(__builtin_clzll(number.significand));
    number.significand <<= shift;
    number.exponent -= static_cast<int>(shift);
}

// A short format: `fraction` left-aligned below bit 63.
Number from_short(bool sign, int field, int all_ones, int bias, u64 fraction) {
    Number number{.sign = sign};
    if (field == all_ones) {
        number.kind = fraction == 0 ? FloatClass::Infinity : FloatClass::NaN;
        number.significand = integer_bit | fraction;
        number.exponent = 0x7FFF;
    } else if (field != 0) {
        number.kind = FloatClass::Normal;
        number.significand = integer_bit | fraction;
        number.exponent = field - bias + static_cast<int>(float80_bias);
    } else if (fraction != 0) {
        number.kind = FloatClass::Normal;
        number.denormal = true;
        number.significand = fraction;
        number.exponent = 1 - bias + static_cast<int>(float80_bias);
        normalize(number);
    }
    return number;
}

} // namespace

Number take_apart(const Float80& value) {
    Number number{.sign = value.sign(),
                  .kind = classify(value),
                  .exponent = static_cast<int>(value.exponent()),
                  .significand = value.significand};
    if (number.kind == FloatClass::Denormal) {
        number.kind = FloatClass::Normal;
        number.denormal = true;
        number.exponent = 1;
        normalize(number);
    }
    return number;
}

Number take_apart(Float32 value) {
    return from_short(value.bits >> 31 != 0, (value.bits >> 23) & 0xFF, 0xFF, 127, u64{value.bits & 0x7F'FFFF} << 40);
}

Number take_apart(Float64 value) {
    return from_short(value.bits >> 63 != 0, static_cast<int>((value.bits >> 52) & 0x7FF), 0x7FF, 1023,
                      (value.bits & 0xF'FFFF'FFFF'FFFF) << 11);
}

Number take_apart(i64 value) { return take_apart(float80_from(value)); }

Float80 put_together(const Number& number) {
    const unsigned sign = number.sign ? 0x8000 : 0;
    if (is_zero(number)) return {0, static_cast<u16>(sign)};
    if (number.exponent > 0)
        return {number.significand, static_cast<u16>(sign | static_cast<unsigned>(number.exponent))};
    return {number.significand >> (1 - number.exponent), static_cast<u16>(sign)};
}

bool is_signaling(const Number& n) { return is_nan(n) && (n.significand & quiet_bit) == 0; }

unsigned precision_of(u16 control_word) {
    constexpr unsigned bits[] = {24, 64, 53, 64}; // 01 is reserved
    return bits[(control_word >> 8) & 3];
}

unsigned leading_zeros(u128 value) {
    const u64 high = static_cast<u64>(value >> 64);
    if (high != 0) return static_cast<unsigned>(__builtin_clzll(high));
    return 64 + static_cast<unsigned>(__builtin_clzll(static_cast<u64>(value)));
}

u128 shift_right_sticky(u128 value, unsigned count) {
    if (count == 0) return value;
    if (count > 127) return value != 0 ? 1 : 0;
    const bool lost = (value << (128 - count)) != 0;
    return (value >> count) | (lost ? 1 : 0);
}

RoundedBits round_bits(u128 value, unsigned bits, RoundingControl control, bool negative) {
    const u128 unit = u128{1} << (128 - bits);
    const u128 rest = value & (unit - 1);
    const u128 half = unit >> 1;
    RoundedBits result{.value = value - rest, .inexact = rest != 0};
    switch (control) {
    case RoundingControl::Nearest: result.up = rest > half || (rest == half && (value & unit) != 0); break;
    case RoundingControl::Down: result.up = result.inexact && negative; break;
    case RoundingControl::Up: result.up = result.inexact && !negative; break;
    case RoundingControl::Chop: break;
    }
    if (!result.up) return result;
    result.value += unit;
    if (result.value < unit) { // beyond bit 127
        result.value = top_bit;
        result.carry = true;
    }
    return result;
}

namespace {

u16 precision_status(const RoundedBits& bits) {
    if (!bits.inexact) return 0;
    return bits.up ? fpu_status::PE | fpu_status::C1 : fpu_status::PE;
}

constexpr int exponent_adjustment = 24576;
constexpr u16 overflow_status = fpu_status::OE | fpu_status::PE | fpu_status::C1; // to infinity
constexpr u16 underflow_status = fpu_status::UE | fpu_status::PE;                 // to zero

Rounded overflowed(const Format& format, u16 control_word, bool negative) {
    const RoundingControl control = rounding_control(control_word);
    const bool to_infinity = control == RoundingControl::Nearest || (control == RoundingControl::Up && !negative) ||
                             (control == RoundingControl::Down && negative);
    if (to_infinity) return {.infinite = true, .status = overflow_status};
    return {.significand = ~u64{0} << (64 - format.bits),
            .exponent = format.greatest,
            .status = fpu_status::OE | fpu_status::PE};
}

Rounded denormalized(const Format& format, u16 control_word, bool negative, int exponent, u128 significand) {
    const u128 shifted = shift_right_sticky(significand, static_cast<unsigned>(format.least - exponent));
    const RoundedBits bits = round_bits(shifted, format.bits, rounding_control(control_word), negative);
    Rounded result{.significand = static_cast<u64>(bits.value >> 64), .exponent = format.least};
    if (bits.inexact) result.status = static_cast<u16>(fpu_status::UE | precision_status(bits));
    return result;
}

} // namespace

Rounded round(const Format& format, u16 control_word, bool negative, int exponent, u128 significand) {
    const RoundedBits bits = round_bits(significand, format.bits, rounding_control(control_word), negative);
    int rounded_exponent = exponent + (bits.carry ? 1 : 0);
    u16 status = precision_status(bits);
    if (rounded_exponent < format.least) {
        const bool masked = (control_word & fpu_status::UE) != 0;
        if (!masked && format.trapped == Trapped::Refuses) return {.refused = true, .status = fpu_status::UE};
        const int scaled = rounded_exponent + exponent_adjustment;
        if (masked) return denormalized(format, control_word, negative, exponent, significand);
        if (scaled < format.least) return {.status = underflow_status}; // FSCALE alone comes here: zero
        status |= fpu_status::UE;
        rounded_exponent = scaled;
    } else if (rounded_exponent > format.greatest) {
        const bool masked = (control_word & fpu_status::OE) != 0;
        if (!masked && format.trapped == Trapped::Refuses) return {.refused = true, .status = fpu_status::OE};
        const int scaled = rounded_exponent - exponent_adjustment;
        if (masked) return overflowed(format, control_word, negative);
        if (scaled > format.greatest) return {.infinite = true, .status = overflow_status}; // FSCALE alone comes here
        status |= fpu_status::OE;
        rounded_exponent = scaled;
    }
    return {.significand = static_cast<u64>(bits.value >> 64), .exponent = rounded_exponent, .status = status};
}

Result rounded_result(Environment environment, unsigned bits, bool negative, int exponent, u128 significand) {
    const unsigned sign = negative ? 0x8000 : 0;
    if (significand == 0) return {{0, static_cast<u16>(sign)}, 0};
    const Rounded rounded = round(extended_format(bits), environment.control_word, negative, exponent, significand);
    if (rounded.infinite) return {{integer_bit, static_cast<u16>(sign | 0x7FFF)}, rounded.status};
    const unsigned field = (rounded.significand & integer_bit) != 0 ? static_cast<unsigned>(rounded.exponent) : 0;
    return {{rounded.significand, static_cast<u16>(sign | field)}, rounded.status};
}

Result invalid(Environment environment, const Float80& unchanged) {
    const bool masked = (environment.control_word & fpu_status::IE) != 0;
    return {masked ? float80_indefinite : unchanged, fpu_status::IE};
}

bool needs_nan_response(const Number& a, const Number& b) {
    return is_nan(a) || is_nan(b) || is_unsupported(a) || is_unsupported(b);
}

namespace {

// Of two NaNs the one with the larger significand, of equal ones the positive.
const Number& larger_nan(const Number& a, const Number& b) {
    if (a.significand != b.significand) return a.significand > b.significand ? a : b;
    return a.sign ? b : a;
}

const Number& chosen_nan(const Number& a, const Number& b) {
    if (!is_nan(b)) return a;
    if (!is_nan(a)) return b;
    if (is_signaling(a) != is_signaling(b)) return is_signaling(a) ? b : a;
    return larger_nan(a, b);
}

} // namespace

Result nan_response(Environment environment, const Float80& unchanged, const Number& a, const Number& b) {
    if (is_unsupported(a) || is_unsupported(b)) return invalid(environment, unchanged);
    const bool signaling = is_signaling(a) || is_signaling(b);
    if (signaling && (environment.control_word & fpu_status::IE) == 0) return {unchanged, fpu_status::IE};
    const Number& nan = chosen_nan(a, b);
    const unsigned sign = nan.sign ? 0x8000 : 0;
    return {{nan.significand | quiet_bit, static_cast<u16>(sign | 0x7FFF)}, signaling ? fpu_status::IE : u16{0}};
}

} // namespace truering::x87::soft
