// Shifts and rotates, as bodies on values (SDM vol. 2B, RCL/RCR/ROL/ROR and SAL/SAR/SHL/SHR; SHLD, SHRD).
//
// Counts are taken modulo 32; a count of 0 changes neither the operand nor a flag. OF is defined for counts of 1 only;
// for others the bodies compute what Intel's and AMD's processors do: the same formula as for 1.
#pragma once

#include "cpu/flags.hpp"

namespace truering::op {

namespace shift_detail {
template <class T> constexpr bool top_bit(T value) { return (value >> (bit_count<T> - 1)) != 0; }
template <class T> constexpr bool second_bit(T value) { return ((value >> (bit_count<T> - 2)) & 1) != 0; }
} // namespace shift_detail

struct SHL {
    template <class T, class C> static T apply(ArithmeticFlags& flags, T a, C count_operand) {
        const unsigned count = count_operand & 31u;
        if (count == 0) return a;
        const u64 wide = u64{a} << count;
        const T result = static_cast<T>(wide);
        const bool cf = ((wide >> bit_count<T>)&1) != 0;
        flags.set_result<T>(result, cf, cf != shift_detail::top_bit(result), false);
        return result;
    }
};

struct SAL : SHL {};

struct SHR {
    template <class T, class C> static T apply(ArithmeticFlags& flags, T a, C count_operand) {
        const unsigned count = count_operand & 31u;
        if (count == 0) return a;
        const T result = static_cast<T>(u64{a} >> count);
        const bool cf = ((u64{a} >> (count - 1)) & 1) != 0;
        flags.set_result<T>(result, cf, shift_detail::top_bit(result) != shift_detail::second_bit(result), false);
        return result;
    }
};

struct SAR {
    template <class T, class C> static T apply(ArithmeticFlags& flags, T a, C count_operand) {
        const unsigned count = count_operand & 31u;
        if (count == 0) return a;
        const i64 wide = static_cast<i32>(sign_extended(a));
        const T result = static_cast<T>(wide >> count);
        flags.set_result<T>(result, ((wide >> (count - 1)) & 1) != 0, false, false);
        return result;
    }
};

struct ROL {
    template <class T, class C> static T apply(ArithmeticFlags& flags, T a, C count_operand) {
        if ((count_operand & 31u) == 0) return a;
        const unsigned count = count_operand % bit_count<T>;
        const T result = count == 0 ? a : static_cast<T>((u32{a} << count) | (u32{a} >> (bit_count<T> - count)));
        const bool cf = (result & 1) != 0;
        flags.set_CF_OF(cf, cf != shift_detail::top_bit(result));
        return result;
    }
};

struct ROR {
    template <class T, class C> static T apply(ArithmeticFlags& flags, T a, C count_operand) {
        if ((count_operand & 31u) == 0) return a;
        const unsigned count = count_operand % bit_count<T>;
        const T result = count == 0 ? a : static_cast<T>((u32{a} >> count) | (u32{a} << (bit_count<T> - count)));
        flags.set_CF_OF(shift_detail::top_bit(result),
                        shift_detail::top_bit(result) != shift_detail::second_bit(result));
        return result;
    }
};

// Rotation through CF: of bit_count + 1 bits.
struct RCL {
    template <class T, class C> static T apply(ArithmeticFlags& flags, T a, C count_operand) {
        const unsigned count = (count_operand & 31u) % (bit_count<T> + 1);
        if (count == 0) return a; // a full turn changes nothing either
        const u64 ring = u64{a} | u64{flags.CF()} << bit_count<T>;
        const u64 turned = ring << count | ring >> (bit_count<T> + 1 - count);
        const T result = static_cast<T>(turned);
        const bool cf = ((turned >> bit_count<T>)&1) != 0;
        flags.set_CF_OF(cf, cf != shift_detail::top_bit(result));
        return result;
    }
};

struct RCR {
    template <class T, class C> static T apply(ArithmeticFlags& flags, T a, C count_operand) {
        const unsigned count = (count_operand & 31u) % (bit_count<T> + 1);
        if (count == 0) return a;
        const u64 ring = u64{a} | u64{flags.CF()} << bit_count<T>;
        const u64 turned = ring >> count | ring << (bit_count<T> + 1 - count);
        const T result = static_cast<T>(turned);
        const bool cf = ((turned >> bit_count<T>)&1) != 0;
        flags.set_CF_OF(cf, shift_detail::top_bit(result) != shift_detail::second_bit(result));
        return result;
    }
};

// A 16-bit operand with a count above 16 is undefined by the manual; processors shift the operand's and the source's
// bits in turn, as if the source stood behind itself once more.
struct SHLD {
    template <class T, class C> static T apply(ArithmeticFlags& flags, T a, T source, C count_operand) {
        const unsigned count = count_operand & 31u;
        if (count == 0) return a;
        T result = 0;
        bool cf = false;
        if constexpr (sizeof(T) == 4) {
            const u64 wide = u64{a} << 32 | source;
            result = static_cast<T>((wide << count) >> 32);
            cf = ((wide >> (64 - count)) & 1) != 0;
        } else {
            const u64 wide = u64{a} << 32 | u64{source} << 16 | a;
            result = static_cast<T>((wide << count) >> 32);
            cf = ((wide >> (48 - count)) & 1) != 0;
        }
        flags.set_result<T>(result, cf, shift_detail::top_bit(result) != shift_detail::top_bit(a), false);
        return result;
    }
};

struct SHRD {
    template <class T, class C> static T apply(ArithmeticFlags& flags, T a, T source, C count_operand) {
        const unsigned count = count_operand & 31u;
        if (count == 0) return a;
        const u64 wide = sizeof(T) == 4 ? u64{source} << 32 | a : u64{a} << 32 | u64{source} << 16 | a;
        const T result = static_cast<T>(wide >> count);
        const bool cf = ((wide >> (count - 1)) & 1) != 0;
        flags.set_result<T>(result, cf, shift_detail::top_bit(result) != shift_detail::second_bit(result), false);
        return result;
    }
};

} // namespace truering::op
