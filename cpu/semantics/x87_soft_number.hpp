// What the integer x87 computes with: a value taken apart, and the way back through rounding.
//
// A finite value is significand / 2^63 * 2^(exponent - bias), its significand normalized (bit 63 set) even for
// denormals, whose exponent then goes below 1. An exact or intermediate result carries 128 bits of significand, bit 127
// set, with everything beyond collected in bit 0 ("sticky"): enough for every rounding.
//
// Source: SDM volume 1, 4.8.4 (rounding), 4.9 (exceptions and their priority), 8.5; table 4-7 (NaNs).
#pragma once

#include "cpu/semantics/x87_operations.hpp"

namespace truering::x87::soft {

using u128 = unsigned __int128;

struct Number {
    bool sign = false;
    FloatClass kind = FloatClass::Zero; // Denormal becomes Normal with `denormal` set
    bool denormal = false;
    int exponent = 0;    // biased by 16383
    u64 significand = 0; // as encoded if NaN or unsupported
};

Number take_apart(const Float80& value);
// The short formats: NaNs keep their being signalling, denormals are Normal with `denormal` set.
Number take_apart(Float32 value);
Number take_apart(Float64 value);
Number take_apart(i64 value);
Float80 put_together(const Number& number); // a number or zero; a pseudo-denormal becomes the normal number it is

inline bool is_nan(const Number& n) { return n.kind == FloatClass::NaN; }
inline bool is_zero(const Number& n) { return n.kind == FloatClass::Zero; }
inline bool is_infinite(const Number& n) { return n.kind == FloatClass::Infinity; }
inline bool is_unsupported(const Number& n) { return n.kind == FloatClass::Unsupported; }
bool is_signaling(const Number& n);

enum class RoundingControl : u8 { Nearest = 0, Down = 1, Up = 2, Chop = 3 };
constexpr RoundingControl rounding_control(u16 control_word) {
    return static_cast<RoundingControl>((control_word >> 10) & 3);
}
// 24, 53 or 64 bits by PC.
unsigned precision_of(u16 control_word);

constexpr u128 widened(u64 significand) { return u128{significand} << 64; }
unsigned leading_zeros(u128 value); // value is not 0
u128 shift_right_sticky(u128 value, unsigned count);

// The upper `bits` of a significand after rounding; the rest is clear.
struct RoundedBits {
    u128 value = 0;
    bool carry = false; // it became 1.0 of the next exponent: value is 2^127
    bool inexact = false;
    bool up = false; // away from zero
};
RoundedBits round_bits(u128 value, unsigned bits, RoundingControl control, bool negative);

// A destination: how many bits, which exponents (biased by 16383), and what becomes of an unmasked overflow or
// underflow.
enum class Trapped : u8 { Scales, Refuses };
struct Format {
    unsigned bits;
    int least;
    int greatest;
    Trapped trapped;
};
constexpr Format extended_format(unsigned bits) { return {bits, 1, 0x7FFE, Trapped::Scales}; }
inline constexpr Format single_format{24, 16383 - 126, 16383 + 127, Trapped::Refuses};
inline constexpr Format double_format{53, 16383 - 1022, 16383 + 1023, Trapped::Refuses};

struct Rounded {
    u64 significand = 0; // bit 63 clear: a denormal, or zero, at the format's least exponent
    int exponent = 0;
    bool infinite = false;
    bool refused = false; // Trapped::Refuses and unmasked
    u16 status = 0;
};
Rounded round(const Format& format, u16 control_word, bool negative, int exponent, u128 significand);

// A result for a register: significand with bit 127 set, or 0 for a zero of that sign.
Result rounded_result(Environment environment, unsigned bits, bool negative, int exponent, u128 significand);

// ---- Invalid operands

// The masked response is the indefinite, the unmasked one leaves `unchanged`.
Result invalid(Environment environment, const Float80& unchanged);
// The result of an operation with a NaN among its operands, or an unsupported format.
bool needs_nan_response(const Number& a, const Number& b);
Result nan_response(Environment environment, const Float80& unchanged, const Number& a, const Number& b);

// Does an exception that is found before the computation prevent it?
constexpr bool traps(u16 status, Environment environment) {
    return (unmasked(status, environment.control_word) & (fpu_status::IE | fpu_status::DE | fpu_status::ZE)) != 0;
}

} // namespace truering::x87::soft
