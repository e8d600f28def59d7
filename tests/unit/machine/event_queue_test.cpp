#include "machine/event_queue.hpp"

#include <gtest/gtest.h>

#include <string>

namespace truering {
namespace {

struct HandTime final : TimeSource {
    Nanoseconds present = 0;
    [[nodiscard]] Nanoseconds now() const override { return present; }
};

struct Bench {
    HandTime time;
    EventQueue queue{time};
    std::string fired;
};

struct Writer {
    Bench& bench;
    char letter;
    Nanoseconds again_after = 0;
    bool again = false;
    Alarm alarm = Alarm::calling<&Writer::write>(*this);

    Writer(Bench& b, char c) : bench(b), letter(c) {}
    void write() {
        bench.fired += letter;
        if (again) bench.queue.arm(alarm, bench.time.present + again_after);
    }
};

TEST(EventQueue, FiresInOrderOfTimeThenOfArming) {
    Bench bench;
    Writer a(bench, 'a'), b(bench, 'b'), c(bench, 'c'), d(bench, 'd');
    bench.queue.arm(c.alarm, 30);
    bench.queue.arm(a.alarm, 20);
    bench.queue.arm(b.alarm, 20);
    bench.queue.arm(d.alarm, 40);
    EXPECT_EQ(bench.queue.next(), 20u);
    bench.time.present = 19;
    bench.queue.fire_due();
    EXPECT_EQ(bench.fired, "");
    bench.time.present = 35;
    bench.queue.fire_due();
    EXPECT_EQ(bench.fired, "abc");
    EXPECT_TRUE(d.alarm.armed());
    EXPECT_FALSE(a.alarm.armed());
}

TEST(EventQueue, ArmingAgainMovesBehindItsEquals) {
    Bench bench;
    Writer a(bench, 'a'), b(bench, 'b');
    bench.queue.arm(a.alarm, 10);
    bench.queue.arm(b.alarm, 10);
    bench.queue.arm(a.alarm, 10);
    bench.time.present = 10;
    bench.queue.fire_due();
    EXPECT_EQ(bench.fired, "ba");
}

TEST(EventQueue, AnAlarmThatArmsItselfForNowFiresOncePerLook) {
    Bench bench;
    Writer a(bench, 'a'), b(bench, 'b');
    a.again = true;
    bench.queue.arm(a.alarm, 0);
    bench.queue.arm(b.alarm, 0);
    bench.queue.fire_due();
    EXPECT_EQ(bench.fired, "ab");
    bench.queue.fire_due();
    EXPECT_EQ(bench.fired, "aba");
}

TEST(EventQueue, ADisarmedAlarmIsSilent) {
    Bench bench;
    Writer a(bench, 'a');
    bench.queue.arm(a.alarm, 5);
    bench.queue.disarm(a.alarm);
    bench.queue.disarm(a.alarm);
    EXPECT_EQ(bench.queue.next(), EventQueue::never);
    bench.time.present = 9;
    bench.queue.fire_due();
    EXPECT_EQ(bench.fired, "");
}

TEST(EventQueue, TellsWhenTheNextAlarmComesEarlier) {
    Bench bench;
    Writer a(bench, 'a'), b(bench, 'b'), c(bench, 'c');
    int told = 0;
    bench.queue.on_earlier = [&] { ++told; };
    bench.queue.arm(a.alarm, 50);
    EXPECT_EQ(told, 1);
    bench.queue.arm(b.alarm, 60);
    EXPECT_EQ(told, 1);
    bench.queue.arm(c.alarm, 40);
    EXPECT_EQ(told, 2);
}

} // namespace
} // namespace truering
