// What the encoding alone decides: lengths, prefixes, LOCK, the 15-byte limit, features, registers that do not exist.
#include "decoder/decoder.hpp"
#include "decoder/isa.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace truering {
namespace {

const FeatureSet p6{Feature::FPU, Feature::MSR, Feature::TSC, Feature::CX8, Feature::SEP, Feature::CMOV};

Decoded decoded(std::vector<u8> bytes, CodeSize size = CodeSize::Bits32, const FeatureSet& features = p6) {
    return decode(bytes, size, features);
}

Instruction whole(std::vector<u8> bytes, CodeSize size = CodeSize::Bits32, const FeatureSet& features = p6) {
    const Decoded d = decode(bytes, size, features);
    EXPECT_EQ(d.status, DecodeStatus::Complete);
    return d.instruction;
}

TEST(Decoder, EveryPrefixOfAnInstructionIsTruncated) {
    const std::vector<u8> bytes{0x66, 0x81, 0x84, 0x88, 1, 2, 3, 4, 5, 6};
    for (size_t n = 0; n < bytes.size(); ++n)
        EXPECT_EQ(decode({bytes.data(), n}, CodeSize::Bits32, p6).status, DecodeStatus::Truncated) << n;
    EXPECT_EQ(whole(bytes).length, bytes.size());
}

TEST(Decoder, FifteenBytesAreTheLimit) {
    std::vector<u8> bytes(14, 0x2E);
    bytes.push_back(0x90);
    EXPECT_EQ(whole(bytes).length, 15);
    bytes.insert(bytes.begin(), 0x2E);
    EXPECT_EQ(whole(bytes).row, row_too_long);
    EXPECT_EQ(decoded(std::vector<u8>(14, 0x66)).status, DecodeStatus::Truncated);
}

TEST(Decoder, LockNeedsALockableRowAndMemory) {
    EXPECT_NE(whole({0xF0, 0x01, 0x03}).row, row_undefined);       // ADD [ebx], eax
    EXPECT_EQ(whole({0xF0, 0x01, 0xC3}).row, row_undefined);       // ADD ebx, eax
    EXPECT_EQ(whole({0xF0, 0x03, 0x03}).row, row_undefined);       // ADD eax, [ebx]
    EXPECT_EQ(whole({0xF0, 0x39, 0x03}).row, row_undefined);       // CMP writes nothing
    EXPECT_EQ(whole({0xF0, 0x0F, 0xA3, 0x03}).row, row_undefined); // nor does BT
    EXPECT_NE(whole({0xF0, 0x0F, 0xAB, 0x03}).row, row_undefined); // BTS
    EXPECT_EQ(whole({0xF0, 0x90}).row, row_undefined);
}

TEST(Decoder, RegistersThatDoNotExist) {
    EXPECT_EQ(whole({0x8E, 0xC8}).row, row_undefined);       // MOV CS, ax
    EXPECT_EQ(whole({0x8C, 0xF0}).row, row_undefined);       // segment register 6
    EXPECT_EQ(whole({0x0F, 0x20, 0xC8}).row, row_undefined); // CR1
    EXPECT_NE(whole({0x0F, 0x20, 0xE0}).row, row_undefined); // CR4
}

TEST(Decoder, ModIsIgnoredForControlRegisters) {
    const Instruction insn = whole({0x0F, 0x20, 0x00});
    EXPECT_EQ(insn.length, 3);
    EXPECT_FALSE(insn.memory);
    EXPECT_EQ(whole({0x0F, 0x22, 0x44}).length, 3); // would have a SIB byte and a displacement
}

TEST(Decoder, FeaturesByModel) {
    const FeatureSet i486{Feature::FPU};
    EXPECT_EQ(whole({0x0F, 0x44, 0xC1}, CodeSize::Bits32, i486).row, row_undefined); // CMOVE
    EXPECT_NE(whole({0x0F, 0x44, 0xC1}).row, row_undefined);
    EXPECT_EQ(whole({0x0F, 0x31}, CodeSize::Bits32, i486).row, row_undefined); // RDTSC
}

TEST(Decoder, SixteenBitAddressing) {
    const Instruction insn = whole({0x67, 0x8B, 0x43, 0xFE}); // [bp+di-2] in 32-bit code
    EXPECT_EQ(insn.base, 5);
    EXPECT_EQ(insn.index, 7);
    EXPECT_EQ(insn.segment, seg_SS);
    EXPECT_EQ(insn.address_mask, 0xFFFFu);
    EXPECT_EQ(whole({0x8B, 0x06, 0x34, 0x12}, CodeSize::Bits16).segment, seg_DS); // [1234H], no BP in it
}

TEST(Decoder, StackSegmentByBase) {
    EXPECT_EQ(whole({0x8B, 0x04, 0x24}).segment, seg_SS);       // [esp]
    EXPECT_EQ(whole({0x8B, 0x45, 0x00}).segment, seg_SS);       // [ebp+0]
    EXPECT_EQ(whole({0x8B, 0x44, 0x28, 0x00}).segment, seg_DS); // [eax+ebp+0]: EBP is the index
    EXPECT_EQ(whole({0x3E, 0x8B, 0x45, 0x00}).segment, seg_DS); // overridden
}

TEST(Decoder, TheLastOfRepeatPrefixesCounts) {
    EXPECT_EQ(whole({0xF2, 0xF3, 0xA4}).repeat, Repeat::Repe);
    EXPECT_EQ(whole({0xF3, 0xF2, 0xA4}).repeat, Repeat::Repne);
}

} // namespace
} // namespace truering
