// Bit and field access without magic shifts.
#pragma once

#include "base/types.hpp"

namespace truering {

// The mask of bit n.
template <class T = u32> constexpr T bit(unsigned n) { return static_cast<T>(T{1} << n); }

template <class T> constexpr bool test_bit(T value, unsigned n) { return ((value >> n) & 1) != 0; }

template <class T> constexpr T with_bit(T value, unsigned n, bool on) {
    return static_cast<T>(on ? (value | bit<T>(n)) : (value & static_cast<T>(~bit<T>(n))));
}

// Bits high..low of value, moved down to bit 0; as the SDM writes [high:low].
template <class T> constexpr T bits(T value, unsigned high, unsigned low) {
    const unsigned width = high - low + 1;
    const T shifted = static_cast<T>(value >> low);
    return width >= sizeof(T) * 8 ? shifted : static_cast<T>(shifted & static_cast<T>((T{1} << width) - 1));
}

// A value whose sign bit is that of a narrower one.
constexpr u32 sign_extend_8(u32 value) { return static_cast<u32>(static_cast<i32>(static_cast<i8>(value))); }
constexpr u32 sign_extend_16(u32 value) { return static_cast<u32>(static_cast<i32>(static_cast<i16>(value))); }

constexpr bool even_parity(u32 value) { return (__builtin_popcount(value & 0xFF) & 1) == 0; }

constexpr u8 to_bcd(unsigned value) { return static_cast<u8>((value / 10 % 10) << 4 | value % 10); }
constexpr unsigned from_bcd(u8 value) { return (value >> 4) * 10u + (value & 15u); }

} // namespace truering
