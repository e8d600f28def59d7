// The cheap half of loads, stores and comparisons: normal numbers and zeros where nothing is rounded and nothing can be
// signalled. A few integer instructions then take the place of lending the host's x87 unit. Everything else is nothing
// here (std::nullopt), and goes the whole way.
#pragma once

#include "cpu/semantics/x87_operations.hpp"

#include <optional>

namespace truering::x87 {

namespace plain_detail {

template <class Bits, unsigned fraction_bits> constexpr std::optional<Float80> load(Bits bits) {
    constexpr unsigned exponent_bits = sizeof(Bits) * 8 - 1 - fraction_bits;
    constexpr u32 all_ones = (1u << exponent_bits) - 1;
    constexpr u32 rebias = float80_bias - all_ones / 2;
    const u32 sign = static_cast<u32>(bits >> (sizeof(Bits) * 8 - 1)) << 15;
    const u32 field = static_cast<u32>(bits >> fraction_bits) & all_ones;
    if (field == all_ones) return std::nullopt;
    const u64 fraction = u64{bits} << (64 - fraction_bits) >> 1;
    if (field == 0) return fraction == 0 ? std::optional(Float80{0, static_cast<u16>(sign)}) : std::nullopt;
    return Float80{fraction | u64{1} << 63, static_cast<u16>(sign | (field + rebias))};
}

template <class Bits, unsigned fraction_bits> constexpr std::optional<Bits> store(const Float80& value) {
    constexpr unsigned exponent_bits = sizeof(Bits) * 8 - 1 - fraction_bits;
    constexpr u32 all_ones = (1u << exponent_bits) - 1;
    constexpr u32 rebias = float80_bias - all_ones / 2;
    const Bits sign = static_cast<Bits>(Bits{value.sign()} << (sizeof(Bits) * 8 - 1));
    if (value.significand == 0 && value.exponent() == 0) return sign;
    const u32 field = value.exponent() - rebias; // below 1 it wraps to a large number
    const bool exact = value.significand << (fraction_bits + 1) == 0;
    if (field - 1 >= all_ones - 1 || !exact || !value.integer_bit()) return std::nullopt;
    const u64 fraction = value.significand << 1 >> (64 - fraction_bits);
    return static_cast<Bits>(sign | Bits{field} << fraction_bits | fraction);
}

// Zeros and normal numbers, as integers in the order of their magnitudes.
constexpr std::optional<unsigned __int128> magnitude(const Float80& value) {
    const unsigned exponent = value.exponent();
    const bool normal = exponent - 1 < float80_max_exponent - 1 && value.integer_bit();
    if (!normal && (exponent != 0 || value.significand != 0)) return std::nullopt;
    return static_cast<unsigned __int128>(exponent) << 64 | value.significand;
}

} // namespace plain_detail

constexpr std::optional<Float80> plain_load(Float32 value) { return plain_detail::load<u32, 23>(value.bits); }
constexpr std::optional<Float80> plain_load(Float64 value) { return plain_detail::load<u64, 52>(value.bits); }
constexpr std::optional<Float80> plain_load(i16 value) { return float80_from(i64{value}); }
constexpr std::optional<Float80> plain_load(i32 value) { return float80_from(i64{value}); }

constexpr std::optional<u32> plain_store_float32(const Float80& value) { return plain_detail::store<u32, 23>(value); }
constexpr std::optional<u64> plain_store_float64(const Float80& value) { return plain_detail::store<u64, 52>(value); }

// The status that a comparison gives: C3 equal, C0 below.
constexpr std::optional<u16> plain_compare(const Float80& a, const Float80& b) {
    const auto x = plain_detail::magnitude(a);
    const auto y = plain_detail::magnitude(b);
    if (!x || !y) return std::nullopt;
    if (a.sign() != b.sign()) {
        if (*x == 0 && *y == 0) return fpu_status::C3;
        return a.sign() ? fpu_status::C0 : u16{0};
    }
    if (*x == *y) return fpu_status::C3;
    return (*x < *y) != a.sign() ? fpu_status::C0 : u16{0};
}

} // namespace truering::x87
