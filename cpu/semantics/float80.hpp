// The double extended format of the x87 FPU as plain data: what a register holds, and what its bits mean.
//
// Only what is exact stands here: classes, signs, integers, packed BCD, the constants. Whatever rounds or signals is in
// x87_operations.hpp. The first ten bytes of a Float80 are the m80fp image in memory of a little-endian host.
//
// Source: SDM volume 1, sections 4.2.2, 4.8.3 and 8.2; volume 2, FXAM, FBLD, FLD1.
#pragma once

#include "base/types.hpp"

namespace truering {

struct Float80 {
    u64 significand = 0; // bit 63 is J, the integer bit
    u16 sign_exponent = 0;

    [[nodiscard]] constexpr bool sign() const { return (sign_exponent & 0x8000) != 0; }
    [[nodiscard]] constexpr unsigned exponent() const { return sign_exponent & 0x7FFFu; }
    [[nodiscard]] constexpr bool integer_bit() const { return significand >> 63 != 0; }

    friend constexpr bool operator==(const Float80&, const Float80&) = default;
};
static_assert(sizeof(Float80) == 16);

// IEEE 754 values of memory operands, as bits: the host's own float and double stay out of it.
struct Float32 {
    u32 bits = 0;
    friend constexpr bool operator==(Float32, Float32) = default;
};
struct Float64 {
    u64 bits = 0;
    friend constexpr bool operator==(Float64, Float64) = default;
};

// Packed BCD, m80bcd: 18 digits, two a byte, and the sign in bit 7 of the last byte.
struct PackedBcd {
    u64 digits = 0;      // digits 0 to 15
    u16 sign_digits = 0; // bits 7:0 digits 16 and 17, bit 15 the sign
    friend constexpr bool operator==(PackedBcd, PackedBcd) = default;
};

// The numbers are FXAM's answer, C3:C2:C0.
enum class FloatClass : u8 { Unsupported = 0, NaN = 1, Normal = 2, Infinity = 3, Zero = 4, Empty = 5, Denormal = 6 };

inline constexpr unsigned float80_bias = 16383;
inline constexpr unsigned float80_max_exponent = 0x7FFF; // of infinities and NaNs
inline constexpr Float80 float80_indefinite{0xC000'0000'0000'0000, 0xFFFF};
inline constexpr PackedBcd bcd_indefinite{0xC000'0000'0000'0000, 0xFFFF};

// Never Empty: only the tag word knows that. A pseudo-denormal (exponent 0, J set) counts as a denormal.
constexpr FloatClass classify(Float80 value) {
    if (value.exponent() == 0) return value.significand == 0 ? FloatClass::Zero : FloatClass::Denormal;
    if (!value.integer_bit()) return FloatClass::Unsupported;
    if (value.exponent() != float80_max_exponent) return FloatClass::Normal;
    return value.significand << 1 == 0 ? FloatClass::Infinity : FloatClass::NaN;
}

constexpr bool is_signaling(Float80 value) {
    return classify(value) == FloatClass::NaN && (value.significand & 0x4000'0000'0000'0000) == 0;
}

// FABS and FCHS: the sign bit alone, whatever the rest is.
constexpr Float80 absolute(Float80 value) { return {value.significand, static_cast<u16>(value.exponent())}; }
constexpr Float80 negated(Float80 value) { return {value.significand, static_cast<u16>(value.sign_exponent ^ 0x8000)}; }

// Exact for every integer.
constexpr Float80 float80_from(i64 value) {
    if (value == 0) return {};
    const unsigned sign = value < 0 ? 0x8000 : 0;
    const u64 magnitude = value < 0 ? u64{0} - static_cast<u64>(value) : static_cast<u64>(value);
    const unsigned shift = static_cast<unsigned>(__builtin_clzll(magnitude));
    return {magnitude << shift, static_cast<u16>(sign | (float80_bias + 63 - shift))};
}

// Exact for every valid operand. A digit above 9 is undefined by the SDM; it counts by its value here.
Float80 float80_from(PackedBcd bcd);

// The operands of FLD1 to FLDZ; the numbers are the low three bits of the opcode, D9 E8 to D9 EE.
enum class FpuConstant : u8 { FLD1 = 0, FLDL2T = 1, FLDL2E = 2, FLDPI = 3, FLDLG2 = 4, FLDLN2 = 5, FLDZ = 6 };

// Rounded as RC of the control word says; PC and the exceptions have no part in it.
Float80 float80_constant(FpuConstant constant, u16 control_word);

} // namespace truering
