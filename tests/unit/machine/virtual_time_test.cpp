#include "machine/virtual_time.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

Nanoseconds host_present = 0;
Nanoseconds host_now() { return host_present; }

TEST(InstructionTime, GivesEnoughInstructionsToReachAnAlarm) {
    InstructionTime time(100); // 10 ns each
    EXPECT_EQ(time.instructions_until(1000), 100u);
    EXPECT_EQ(time.instructions_until(1001), 101u);
    EXPECT_EQ(time.instructions_until(0), 1u);
}

TEST(InstructionTime, SkippingNeverGoesBack) {
    InstructionTime time;
    EXPECT_TRUE(time.skip_to(5000));
    EXPECT_EQ(time.now(), 5000u);
    EXPECT_TRUE(time.skip_to(4000));
    EXPECT_EQ(time.now(), 5000u);
}

TEST(HostTime, FollowsTheHostButNotThroughALongPause) {
    host_present = 7'000'000'000;
    HostTime time(&host_now);
    EXPECT_EQ(time.now(), 0u);
    host_present += 1'000;
    EXPECT_EQ(time.now(), 1'000u);
    host_present += 3600 * nanoseconds_per_second; // the lid was closed
    EXPECT_EQ(time.now(), 1'000u);
    host_present += 500;
    EXPECT_EQ(time.now(), 1'500u);
}

TEST(HostTime, NeverGoesBack) {
    host_present = 1'000;
    HostTime time(&host_now);
    host_present = 900;
    EXPECT_EQ(time.now(), 0u);
    host_present = 1'100;
    EXPECT_EQ(time.now(), 100u);
}

TEST(HostTime, BudgetsFollowTheMeasuredSpeed) {
    host_present = 0;
    HostTime time(&host_now);
    for (int i = 0; i < 2000; ++i) { // 200 instructions a microsecond
        host_present += 1'000'000;
        time.executed(200'000);
    }
    const u64 budget = time.instructions_until(time.now() + 1'000'000);
    EXPECT_GT(budget, 150'000u);
    EXPECT_LT(budget, 250'000u);
    EXPECT_LT(time.instructions_until(time.now() + 100'000), budget / 5);
}

} // namespace
} // namespace truering
