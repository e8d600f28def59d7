#include "tools/truering/vmm.hpp"

#include "machine/multiboot.hpp"
#include "tools/truering/bundled.hpp"
#include "tools/truering/options.hpp"
#include "tools/truering/prefixed_lines.hpp"
#include "tools/truering/values.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

TEST(Vmm, TheBundledOnesAreMultibootKernels) {
    EXPECT_TRUE(MultibootKernel::recognises(bundled::ringmaster()));
    EXPECT_TRUE(MultibootKernel::recognises(bundled::nested_vmms()));
    EXPECT_NE(open_vmm(parse_options({"--vmm", "a.img"}))->description().find("Multiboot kernel"), std::string::npos);
}

TEST(Vmm, AProcessorWithoutTheModeIsRefusedWithTheReason) {
    for (const char* cpu : {"pentium3,v32=off", "i486"}) {
        try {
            static_cast<void>(open_vmm(parse_options({"--vmm", "--cpu", cpu, "a.img"})));
            ADD_FAILURE() << cpu;
        } catch (const UsageError& error) {
            EXPECT_NE(std::string(error.what()).find("V32 mode"), std::string::npos);
        }
    }
}

TEST(Vmm, AnotherOneMustBeAFile) {
    EXPECT_THROW(static_cast<void>(open_vmm(parse_options({"--vmm=/nonexistent.elf", "a.img"}))), KernelError);
}

TEST(PrefixedLines, LinesGoOutWholeAndHarmless) {
    ::testing::internal::CaptureStderr();
    {
        PrefixedLines lines("[vmm] ", PrefixedLines::Show::AtOnce);
        for (const char c : std::string("one\r\ntwo\033[2J\nrest")) lines.transmit(static_cast<u8>(c));
    }
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "[vmm] one\n[vmm] two.[2J\n[vmm] rest\n");
}

TEST(PrefixedLines, KeptOnesComeAtTheEndTheLastOfThem) {
    ::testing::internal::CaptureStderr();
    {
        PrefixedLines lines("", PrefixedLines::Show::AtTheEnd);
        for (size_t n = 0; n < PrefixedLines::kept_lines; ++n) lines.transmit('\n');
        for (const char c : std::string("last\n")) lines.transmit(static_cast<u8>(c));
        EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
        ::testing::internal::CaptureStderr();
    }
    const std::string text = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), static_cast<long>(PrefixedLines::kept_lines));
    EXPECT_TRUE(text.ends_with("last\n"));
}

} // namespace
} // namespace truering
