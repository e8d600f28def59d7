#include "devices/rtc_mc146818.hpp"
#include "tests/unit/devices/test_clock.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

constexpr u64 start_1999 = 946'684'790; // Friday 1999-12-31 23:59:50
constexpr Nanoseconds second = nanoseconds_per_second;

class RtcTest : public testing::Test {
  protected:
    RtcTest() { rtc.map(bus); }
    u8 get(u8 index) {
        bus.write(0x70, index, 1);
        return static_cast<u8>(bus.read(0x71, 1));
    }
    void set(u8 index, u8 value) {
        bus.write(0x70, index, 1);
        bus.write(0x71, value, 1);
    }

    TestClock clock;
    PortBus bus;
    RtcMc146818 rtc{clock, start_1999};
};

TEST_F(RtcTest, ShowsTheStartTimeInBcd) {
    EXPECT_EQ(get(0), 0x50);
    EXPECT_EQ(get(2), 0x59);
    EXPECT_EQ(get(4), 0x23);
    EXPECT_EQ(get(6), 6); // Friday
    EXPECT_EQ(get(7), 0x31);
    EXPECT_EQ(get(8), 0x12);
    EXPECT_EQ(get(9), 0x99);
    EXPECT_EQ(get(0x32), 0x19);
    EXPECT_EQ(get(0x0D), 0x80);
    EXPECT_EQ(rtc.calendar_seconds(), start_1999);
}

TEST_F(RtcTest, CarriesIntoTheNextCentury) {
    clock.advance(10 * second);
    EXPECT_EQ(get(0), 0);
    EXPECT_EQ(get(4), 0);
    EXPECT_EQ(get(6), 7);
    EXPECT_EQ(get(7), 1);
    EXPECT_EQ(get(8), 1);
    EXPECT_EQ(get(9), 0);
    EXPECT_EQ(get(0x32), 0x20);
    clock.advance(u64{86'400} * 59 * second); // 2000 is a leap year
    EXPECT_EQ(get(7), 0x29);
    EXPECT_EQ(get(8), 0x02);
    EXPECT_EQ(rtc.calendar_seconds(), start_1999 + 10 + 86'400 * 59);
}

TEST_F(RtcTest, BinaryAndTwelveHours) {
    set(0x0B, 0x84); // SET, binary, 12 hours
    set(0, 58);
    set(2, 59);
    set(4, 0x80 | 11); // 11 PM
    set(7, 28);
    set(8, 2);
    set(9, 1);
    clock.advance(5 * second);
    EXPECT_EQ(get(0), 58); // SET stops the update
    set(0x0B, 0x04);
    clock.advance(2 * second);
    EXPECT_EQ(get(0), 0);
    EXPECT_EQ(get(4), 12); // 12 AM
    EXPECT_EQ(get(7), 1);
    EXPECT_EQ(get(8), 3);
    clock.advance(u64{12} * 3600 * second);
    EXPECT_EQ(get(4), 0x80 | 12);
}

TEST_F(RtcTest, UpdateInProgressStandsBeforeTheChange) {
    EXPECT_EQ(get(0x0A), 0x26);
    clock.advance(second - 2'228'000 - 1);
    EXPECT_EQ(get(0x0A) & 0x80, 0);
    clock.advance(1);
    EXPECT_EQ(get(0x0A) & 0x80, 0x80);
    EXPECT_EQ(get(0), 0x50);
    clock.advance(2'228'000);
    EXPECT_EQ(get(0x0A) & 0x80, 0);
    EXPECT_EQ(get(0), 0x51);
}

TEST_F(RtcTest, PeriodicInterruptOncePerReadOfC) {
    set(0x0B, 0x42);
    clock.advance(976'000);
    EXPECT_FALSE(rtc.irq.level());
    clock.advance(1'000);
    EXPECT_TRUE(rtc.irq.level());
    clock.advance(second);
    EXPECT_EQ(clock.armed_alarms(), 0u); // nothing more to tell before C is read
    EXPECT_EQ(get(0x0C), 0xD0);          // UF is set as well, though not enabled
    EXPECT_FALSE(rtc.irq.level());
    EXPECT_EQ(get(0x0C), 0);
    unsigned interrupts = 0;
    for (int i = 0; i < 10'000; ++i) {
        clock.advance(100'000);
        if (!rtc.irq.level()) continue;
        ++interrupts;
        get(0x0C);
    }
    EXPECT_NEAR(interrupts, 1024, 100);
}

TEST_F(RtcTest, UpdateEndedInterrupt) {
    set(0x0B, 0x12);
    clock.advance(second - 1);
    EXPECT_FALSE(rtc.irq.level());
    clock.advance(1);
    EXPECT_TRUE(rtc.irq.level());
    EXPECT_EQ(get(0x0C) & 0xB0, 0x90);
}

TEST_F(RtcTest, AlarmWithWildcards) {
    set(1, 0x05);
    set(3, 0xFF);
    set(5, 0xC0);
    set(0x0B, 0x22);
    clock.advance(14 * second);
    EXPECT_FALSE(rtc.irq.level());
    clock.advance(1 * second);
    EXPECT_TRUE(rtc.irq.level());
    EXPECT_EQ(get(0x0C) & 0xA0, 0xA0);
    clock.advance(59 * second);
    EXPECT_FALSE(rtc.irq.level());
    clock.advance(1 * second);
    EXPECT_TRUE(rtc.irq.level());
}

TEST_F(RtcTest, AlarmOnceADayAndNever) {
    set(1, 0x00);
    set(3, 0x30);
    set(5, 0x07);
    set(0x0B, 0x22);
    EXPECT_TRUE(clock.run_next());
    EXPECT_EQ(clock.now() / second, 10u + 7 * 3600 + 30 * 60);
    EXPECT_TRUE(rtc.irq.level());
    get(0x0C);
    set(5, 0x25); // no such hour
    EXPECT_EQ(clock.armed_alarms(), 0u);
    clock.advance(u64{200'000} * second);
    EXPECT_EQ(get(0x0C) & 0x20, 0);
}

TEST_F(RtcTest, DividerResetDelaysTheNextSecondByHalfOfOne) {
    clock.advance(300'000'000);
    set(0x0A, 0x70);
    clock.advance(10 * second);
    EXPECT_EQ(get(0), 0x50);
    set(0x0A, 0x26);
    clock.advance(499'999'999);
    EXPECT_EQ(get(0), 0x50);
    clock.advance(1);
    EXPECT_EQ(get(0), 0x51);
}

TEST_F(RtcTest, RamAndNmiMask) {
    set(0x80 | 0x15, 0x80);
    EXPECT_TRUE(rtc.nmi_masked());
    EXPECT_EQ(get(0x15), 0x80);
    EXPECT_FALSE(rtc.nmi_masked());
    rtc.set_cmos(0x10, 0x40);
    EXPECT_EQ(get(0x10), 0x40);
    bus.write(0x72, 0x10, 1);
    bus.write(0x73, 0x99, 1);
    EXPECT_EQ(bus.read(0x73, 1), 0x99u);
    EXPECT_EQ(rtc.cmos(0x90), 0x99);
    EXPECT_EQ(get(0x10), 0x40);
    set(0x0D, 0);
    EXPECT_EQ(get(0x0D), 0x80);
}

TEST_F(RtcTest, NonsenseInTheCalendarIsHarmless) {
    for (unsigned index : {0u, 2u, 4u, 6u, 7u, 8u, 9u}) set(static_cast<u8>(index), 0xFF);
    set(0x32, 0xFF);
    clock.advance(u64{86'400} * 400 * second);
    EXPECT_LE(get(0), 0x59);
    EXPECT_LE(get(8), 0x12);
}

TEST_F(RtcTest, ResetKeepsTimeAndStopsInterrupts) {
    set(0x0B, 0x72);
    clock.advance(2 * second);
    rtc.reset();
    EXPECT_FALSE(rtc.irq.level());
    EXPECT_EQ(clock.armed_alarms(), 0u);
    EXPECT_EQ(get(0), 0x52);
    EXPECT_EQ(get(0x0B), 0x02);
}

} // namespace
} // namespace truering
