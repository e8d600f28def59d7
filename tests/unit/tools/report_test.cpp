#include "tools/truering/report.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

TEST(Report, ExitStatuses) {
    Settings settings;
    const auto status = [&](EndReason reason, u32 value = 0) { return status_of({reason, value, {}}, settings); };
    EXPECT_EQ(status(EndReason::PowerOff), 0);
    EXPECT_EQ(status(EndReason::DebugExit, 0x10), 33);
    EXPECT_EQ(status(EndReason::DebugExit, 0), 1);
    EXPECT_EQ(status(EndReason::TripleFault), 8);
    EXPECT_EQ(status(EndReason::TimeLimit), 10);
    EXPECT_EQ(status(EndReason::InstructionLimit), 12);
    EXPECT_EQ(status(EndReason::FailOn), 14);
    EXPECT_EQ(status(EndReason::Reset), 16);
    EXPECT_EQ(status(EndReason::Halted), 18);
    EXPECT_EQ(status(EndReason::Signal, 2), 130);
    settings.debug_exit_success = 0x10;
    EXPECT_EQ(status(EndReason::DebugExit, 0x10), 0);
    EXPECT_EQ(status(EndReason::DebugExit, 0x11), 35);
}

TEST(Report, APowerOffBeforeTheExpectedTextIsAFailure) {
    Settings settings;
    settings.until.emplace_back("done");
    EXPECT_EQ(status_of({EndReason::PowerOff, 0, {}}, settings), 14);
    EXPECT_EQ(status_of({EndReason::Until, 0, {}}, settings), 0);
}

} // namespace
} // namespace truering
