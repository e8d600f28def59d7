#include "decoder/decoder.hpp"
#include "decoder/format.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace truering {
namespace {

const FeatureSet everything{Feature::FPU, Feature::MSR,  Feature::TSC, Feature::CX8,  Feature::SEP,   Feature::CMOV,
                            Feature::MMX, Feature::FXSR, Feature::SSE, Feature::SSE2, Feature::P6_NOP};

std::string text(const std::vector<u8>& bytes, CodeSize size = CodeSize::Bits32) {
    const Decoded decoded = decode(bytes, size, everything);
    EXPECT_EQ(decoded.status, DecodeStatus::Complete);
    EXPECT_EQ(decoded.instruction.length, bytes.size());
    return format(decoded.instruction, 0x1000);
}

TEST(Format, RegistersAndMemory) {
    EXPECT_EQ(text({0x89, 0xD8}), "mov eax, ebx");
    EXPECT_EQ(text({0x8A, 0x65, 0xFC}), "mov ah, byte ptr [ebp-0x4]");
    EXPECT_EQ(text({0x66, 0x8B, 0x84, 0x8B, 0x10, 0, 0, 0}), "mov ax, word ptr [ebx+ecx*4+0x10]");
    EXPECT_EQ(text({0x65, 0xA1, 0x14, 0, 0, 0}), "mov eax, dword ptr gs:[0x14]");
    EXPECT_EQ(text({0x8B, 0x42, 0x02}, CodeSize::Bits16), "mov ax, word ptr [bp+si+0x2]");
    EXPECT_EQ(text({0xF0, 0x0F, 0xB1, 0x0A}), "lock cmpxchg dword ptr [edx], ecx");
}

TEST(Format, ImmediatesAndTargets) {
    EXPECT_EQ(text({0x83, 0xC0, 0xFF}), "add eax, 0xffffffff");
    EXPECT_EQ(text({0x83, 0xC0, 0xFF}, CodeSize::Bits16), "add ax, 0xffff");
    EXPECT_EQ(text({0x74, 0xFE}), "je 0x1000");
    EXPECT_EQ(text({0xE9, 0xFD, 0xFF}, CodeSize::Bits16), "jmp 0x1000");
    EXPECT_EQ(text({0xEA, 0x78, 0x56, 0x34, 0x12, 0x08, 0x00}), "jmp far 0x8:0x12345678");
    EXPECT_EQ(text({0xC8, 0x10, 0x00, 0x02}), "enter 0x10, 0x2");
    EXPECT_EQ(text({0xD1, 0xE0}), "shl eax, 1");
}

TEST(Format, NamesThatDependOnSizeAndPrefix) {
    EXPECT_EQ(text({0x98}), "cwde");
    EXPECT_EQ(text({0x98}, CodeSize::Bits16), "cbw");
    EXPECT_EQ(text({0x90}), "nop");
    EXPECT_EQ(text({0x93}), "xchg ebx, eax");
    EXPECT_EQ(text({0xF3, 0xA5}), "rep movsd");
    EXPECT_EQ(text({0xF3, 0xA6}), "repe cmpsb");
    EXPECT_EQ(text({0x0F, 0x22, 0xC0}), "mov cr0, eax");
    EXPECT_EQ(text({0x8E, 0xD8}), "mov ds, ax");
}

TEST(Format, Units) {
    EXPECT_EQ(text({0xD8, 0xC1}), "fadd st, st(1)");
    EXPECT_EQ(text({0xDD, 0x03}), "fld qword ptr [ebx]");
    EXPECT_EQ(text({0x0F, 0x6F, 0xC1}), "movq mm0, mm1");
    EXPECT_EQ(text({0xF2, 0x0F, 0x58, 0xC1}), "addsd xmm0, xmm1");
    EXPECT_EQ(text({0x0F, 0xFF, 0xC0}), "ud0 eax, eax");
    EXPECT_EQ(text({0x0F, 0x0A}), "(bad)");
}

} // namespace
} // namespace truering
