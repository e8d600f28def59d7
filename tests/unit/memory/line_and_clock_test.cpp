#include "memory/clock.hpp"
#include "memory/line.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

struct Receiver {
    int changes = 0;
    unsigned last_number = 99;
    bool last_level = false;
    void hear(unsigned number, bool level) {
        ++changes;
        last_number = number;
        last_level = level;
    }
};

TEST(Line, TellsEachChangeOnce) {
    Receiver receiver;
    Line line;
    line.connect_to<&Receiver::hear>(receiver, 5);
    line.raise();
    line.raise();
    EXPECT_EQ(receiver.changes, 1);
    EXPECT_EQ(receiver.last_number, 5u);
    EXPECT_TRUE(receiver.last_level);
    line.lower();
    EXPECT_EQ(receiver.changes, 2);
    EXPECT_FALSE(receiver.last_level);
}

TEST(Line, TellsAHighLevelAtConnection) {
    Receiver receiver;
    Line line;
    line.raise();
    line.connect_to<&Receiver::hear>(receiver);
    EXPECT_TRUE(receiver.last_level);
}

TEST(Clock, TickTimesRoundTrip) {
    constexpr u64 hertz = 1'193'182;
    for (u64 tick : {u64{0}, u64{1}, u64{65536}, u64{1'193'182} * 86400 * 365 + 17}) {
        const Nanoseconds t = time_of_tick(tick, hertz);
        EXPECT_EQ(ticks_at(t, hertz), tick);
        if (t > 0) {
            EXPECT_EQ(ticks_at(t - 1, hertz), tick - 1);
        }
    }
}

} // namespace
} // namespace truering
