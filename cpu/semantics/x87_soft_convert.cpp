// Loads from and stores to memory formats in integer arithmetic.
#include "cpu/semantics/x87_soft.hpp"
#include "cpu/semantics/x87_soft_number.hpp"

namespace truering::x87::soft {

namespace {

constexpr int bias = static_cast<int>(float80_bias);
constexpr u64 quiet_bit = 0x4000'0000'0000'0000;

template <class Short> Result load_short(Environment environment, Short source) {
    Number number = take_apart(source);
    const unsigned sign = number.sign ? 0x8000 : 0;
    if (is_infinite(number)) return {{0x8000'0000'0000'0000, static_cast<u16>(sign | 0x7FFF)}, 0};
    if (!is_nan(number)) return {put_together(number), number.denormal ? fpu_status::DE : u16{0}};
    if (is_signaling(number)) {
        if (traps(fpu_status::IE, environment)) return {{}, fpu_status::IE};
        return {{number.significand | quiet_bit, static_cast<u16>(sign | 0x7FFF)}, fpu_status::IE};
    }
    return {{number.significand, static_cast<u16>(sign | 0x7FFF)}, 0};
}

// A short format's field widths.
struct Layout {
    Format format;
    unsigned exponent_bits;
};
constexpr Layout single_layout{single_format, 8};
constexpr Layout double_layout{double_format, 11};

u64 encode(const Layout& layout, bool sign, u64 field, u64 significand) {
    const unsigned fraction_bits = layout.format.bits - 1;
    const u64 fraction = (significand << 1) >> (64 - fraction_bits);
    return u64{sign} << (fraction_bits + layout.exponent_bits) | field << fraction_bits | fraction;
}

struct Encoded {
    u64 bits = 0;
    u16 status = 0;
    bool stored = false;
};

Encoded store_short(const Layout& layout, Environment environment, const Float80& source) {
    const Number n = take_apart(source);
    const u64 all_ones = (u64{1} << layout.exponent_bits) - 1;
    if (is_unsupported(n) || is_signaling(n)) {
        if (traps(fpu_status::IE, environment)) return {.status = fpu_status::IE};
        if (is_unsupported(n)) return {encode(layout, true, all_ones, quiet_bit), fpu_status::IE, true};
    }
    if (is_nan(n)) {
        const u16 status = is_signaling(n) ? fpu_status::IE : u16{0};
        return {encode(layout, n.sign, all_ones, n.significand | quiet_bit), status, true};
    }
    if (is_infinite(n)) return {encode(layout, n.sign, all_ones, 0), 0, true};
    if (is_zero(n)) return {encode(layout, n.sign, 0, 0), 0, true};
    const Rounded r = round(layout.format, environment.control_word, n.sign, n.exponent, widened(n.significand));
    if (r.refused) return {.status = r.status};
    if (r.infinite) return {encode(layout, n.sign, all_ones, 0), r.status, true};
    const bool normal = r.significand >> 63 != 0;
    const u64 field = normal ? static_cast<u64>(r.exponent - layout.format.least + 1) : 0;
    return {encode(layout, n.sign, field, r.significand), r.status, true};
}

// The magnitude of a number rounded to an integer, if it is at most `limit`.
struct Whole {
    u64 magnitude = 0;
    bool fits = false;
    u16 status = 0;
};

Whole to_integer(const Number& n, u16 control_word, u64 limit) {
    if (is_zero(n)) return {.fits = true};
    if (n.kind != FloatClass::Normal) return {};
    const int power = n.exponent - bias;
    if (power > 63) return {};
    if (power == 63) return {n.significand, n.significand <= limit, 0};
    // The value in 64.64 fixed point.
    const u128 fixed = shift_right_sticky(widened(n.significand), static_cast<unsigned>(63 - power));
    const RoundedBits bits = round_bits(fixed, 64, rounding_control(control_word), n.sign);
    Whole whole{.magnitude = static_cast<u64>(bits.value >> 64)};
    whole.fits = !bits.carry && whole.magnitude <= limit;
    if (bits.inexact) whole.status = fpu_status::PE;
    if (bits.inexact && bits.up) whole.status |= fpu_status::C1;
    return whole;
}

template <class T> Stored<T> store_integer(Environment environment, const Float80& source) {
    const Number n = take_apart(source);
    constexpr u64 most = (u64{1} << (sizeof(T) * 8 - 1)) - 1;
    const Whole whole = to_integer(n, environment.control_word, n.sign ? most + 1 : most);
    constexpr T indefinite = static_cast<T>(u64{1} << (sizeof(T) * 8 - 1));
    if (!whole.fits) return {indefinite, fpu_status::IE, !traps(fpu_status::IE, environment)};
    return {static_cast<T>(n.sign ? u64{0} - whole.magnitude : whole.magnitude), whole.status, true};
}

} // namespace

Result load(Environment environment, Float32 source) { return load_short(environment, source); }
Result load(Environment environment, Float64 source) { return load_short(environment, source); }

Stored<Float32> store_float32(Environment environment, const Float80& source) {
    const Encoded e = store_short(single_layout, environment, source);
    return {{static_cast<u32>(e.bits)}, e.status, e.stored};
}
Stored<Float64> store_float64(Environment environment, const Float80& source) {
    const Encoded e = store_short(double_layout, environment, source);
    return {{e.bits}, e.status, e.stored};
}
Stored<i16> store_i16(Environment environment, const Float80& source) {
    return store_integer<i16>(environment, source);
}
Stored<i32> store_i32(Environment environment, const Float80& source) {
    return store_integer<i32>(environment, source);
}
Stored<i64> store_i64(Environment environment, const Float80& source) {
    return store_integer<i64>(environment, source);
}

Stored<PackedBcd> store_bcd(Environment environment, const Float80& source) {
    const Number n = take_apart(source);
    constexpr u64 most = 999'999'999'999'999'999;
    const Whole whole = to_integer(n, environment.control_word, most);
    if (!whole.fits) return {bcd_indefinite, fpu_status::IE, !traps(fpu_status::IE, environment)};
    PackedBcd bcd;
    u64 rest = whole.magnitude;
    for (unsigned place = 0; place < 16; ++place, rest /= 10) bcd.digits |= rest % 10 << (4 * place);
    bcd.sign_digits = static_cast<u16>((n.sign ? 0x8000 : 0) | rest / 10 % 10 << 4 | rest % 10);
    return {bcd, whole.status, true};
}

} // namespace truering::x87::soft
