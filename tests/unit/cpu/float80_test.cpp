// The exact part of the 80-bit format: classes, integers, packed BCD, constants.
#include "cpu/semantics/float80.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <limits>

namespace truering {
namespace {

constexpr u64 J = 0x8000'0000'0000'0000;

TEST(Float80, ClassesFollowTheEncodingTable) {
    EXPECT_EQ(classify({0, 0x0000}), FloatClass::Zero);
    EXPECT_EQ(classify({0, 0x8000}), FloatClass::Zero);
    EXPECT_EQ(classify({1, 0x0000}), FloatClass::Denormal);
    EXPECT_EQ(classify({J, 0x8000}), FloatClass::Denormal); // pseudo-denormal
    EXPECT_EQ(classify({J, 0x0001}), FloatClass::Normal);
    EXPECT_EQ(classify({~u64{0}, 0x7FFE}), FloatClass::Normal);
    EXPECT_EQ(classify({J, 0x7FFF}), FloatClass::Infinity);
    EXPECT_EQ(classify({J | 1, 0xFFFF}), FloatClass::NaN);
    EXPECT_EQ(classify(float80_indefinite), FloatClass::NaN);
    EXPECT_EQ(classify({J - 1, 0x3FFF}), FloatClass::Unsupported); // unnormal
    EXPECT_EQ(classify({0, 0x3FFF}), FloatClass::Unsupported);     // pseudo-zero
    EXPECT_EQ(classify({0, 0x7FFF}), FloatClass::Unsupported);     // pseudo-infinity
    EXPECT_EQ(classify({1, 0x7FFF}), FloatClass::Unsupported);     // pseudo-NaN
}

TEST(Float80, SignalingIsTheClearQuietBit) {
    EXPECT_TRUE(is_signaling({J | 1, 0x7FFF}));
    EXPECT_FALSE(is_signaling({J | (J >> 1), 0x7FFF}));
    EXPECT_FALSE(is_signaling({J, 0x7FFF}));
    EXPECT_FALSE(is_signaling({1, 0x7FFF}));
}

TEST(Float80, IntegersAreExact) {
    EXPECT_EQ(float80_from(i64{0}), (Float80{0, 0}));
    EXPECT_EQ(float80_from(i64{1}), (Float80{J, 0x3FFF}));
    EXPECT_EQ(float80_from(i64{-3}), (Float80{0xC000'0000'0000'0000, 0xC000}));
    EXPECT_EQ(float80_from(std::numeric_limits<i64>::min()), (Float80{J, 0xC03E}));
    EXPECT_EQ(float80_from(std::numeric_limits<i64>::max()), (Float80{0xFFFF'FFFF'FFFF'FFFE, 0x403D}));
}

TEST(Float80, PackedBcd) {
    EXPECT_EQ(float80_from(PackedBcd{0, 0}), (Float80{0, 0}));
    EXPECT_EQ(float80_from(PackedBcd{0, 0x8000}), (Float80{0, 0x8000}));
    EXPECT_EQ(float80_from(PackedBcd{0x1234, 0}), float80_from(i64{1234}));
    EXPECT_EQ(float80_from(PackedBcd{0x9999'9999'9999'9999, 0x8099}), float80_from(i64{-999'999'999'999'999'999}));
    EXPECT_EQ(float80_from(PackedBcd{0, 0x7F10}), float80_from(i64{100'000'000'000'000'000})); // bits 14:8 do not count
}

TEST(Float80, ConstantsRoundByRc) {
    constexpr u16 nearest = 0x037F;
    constexpr u16 down = 0x077F;
    constexpr u16 up = 0x0B7F;
    constexpr u16 chop = 0x0F7F;
    const auto low = [](FpuConstant c, u16 control) { return float80_constant(c, control).significand & 0xF; };
    // pi = ...2168C234|C4C6...
    EXPECT_EQ(low(FpuConstant::FLDPI, nearest), 5u);
    EXPECT_EQ(low(FpuConstant::FLDPI, up), 5u);
    EXPECT_EQ(low(FpuConstant::FLDPI, down), 4u);
    EXPECT_EQ(low(FpuConstant::FLDPI, chop), 4u);
    for (const u16 control : {nearest, down, up, chop}) {
        EXPECT_EQ(float80_constant(FpuConstant::FLD1, control), float80_from(i64{1}));
        EXPECT_EQ(float80_constant(FpuConstant::FLDZ, control), Float80{});
    }
}

} // namespace
} // namespace truering
