#include "devices/pit_8254.hpp"
#include "devices/pit_ports.hpp"
#include "devices/system_control.hpp"
#include "tests/unit/devices/test_clock.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

namespace truering {
namespace {

class PitTest : public testing::Test {
  protected:
    PitTest() {
        ports.map(bus);
        system.map(bus);
    }

    void program(unsigned counter, unsigned mode, unsigned count, bool bcd = false) {
        bus.write(0x43, counter << 6 | 3u << 4 | mode << 1 | (bcd ? 1u : 0u), 1);
        bus.write(static_cast<u16>(0x40 + counter), count & 0xFF, 1);
        bus.write(static_cast<u16>(0x40 + counter), count >> 8, 1);
    }
    unsigned latched(unsigned counter) {
        bus.write(0x43, counter << 6, 1);
        return both(counter);
    }
    unsigned both(unsigned counter) {
        const u16 port = static_cast<u16>(0x40 + counter);
        const unsigned low = bus.read(port, 1);
        return low | bus.read(port, 1) << 8;
    }
    u8 status(unsigned counter) {
        bus.write(0x43, 0xE0u | 2u << counter, 1);
        return static_cast<u8>(bus.read(static_cast<u16>(0x40 + counter), 1));
    }
    // Goes to the moment of a tick counted from the start of the test.
    void go_to(u64 tick) { clock.advance(time_of_tick(tick, Pit8254::hertz) - clock.now()); }

    TestClock clock;
    PortBus bus;
    Pit8254 pit{clock};
    PitPorts ports{pit};
    SystemControl system{clock, pit};
};

struct Edges {
    TestClock& clock;
    std::vector<u64> rising, falling; // ticks
    void hear(unsigned, bool level) { (level ? rising : falling).push_back(ticks_at(clock.now(), Pit8254::hertz)); }
};

TEST_F(PitTest, Mode0RaisesOutOnceCountPlusOneTicksAfterTheWrite) {
    Edges edges{clock, {}, {}};
    pit.watch(0).connect_to<&Edges::hear>(edges);
    program(0, 0, 100);
    EXPECT_FALSE(pit.out(0));
    go_to(100);
    EXPECT_FALSE(pit.out(0));
    go_to(101);
    EXPECT_TRUE(pit.out(0));
    EXPECT_EQ(edges.rising, std::vector<u64>{101});
    go_to(200'000);
    EXPECT_EQ(edges.rising.size(), 1u);
    EXPECT_EQ(clock.armed_alarms(), 0u);
    // It counts on through FFFFH.
    EXPECT_EQ(latched(0), (0x10000u + 100 - (200'000 - 1) % 0x10000) & 0xFFFF);
}

TEST_F(PitTest, Mode0StopsAtTheFirstByteOfANewCount) {
    program(0, 0, 100);
    go_to(200);
    EXPECT_TRUE(pit.out(0));
    bus.write(0x40, 50, 1);
    EXPECT_FALSE(pit.out(0));
    go_to(1000);
    EXPECT_FALSE(pit.out(0));
    bus.write(0x40, 0, 1);
    go_to(1051);
    EXPECT_TRUE(pit.out(0));
}

TEST_F(PitTest, Mode2GivesOneEdgeAPeriod) {
    Edges edges{clock, {}, {}};
    program(0, 2, 1193);
    pit.watch(0).connect_to<&Edges::hear>(edges);
    edges.rising.clear();
    go_to(1 + 1193 * 5);
    EXPECT_EQ(edges.rising, (std::vector<u64>{1194, 2387, 3580, 4773, 5966}));
    EXPECT_EQ(edges.falling, (std::vector<u64>{1193, 2386, 3579, 4772, 5965})); // low for one tick
    EXPECT_EQ(latched(0), 1193u);
    go_to(1 + 1193 * 5 + 1000);
    EXPECT_EQ(latched(0), 193u);
}

TEST_F(PitTest, Mode2TakesANewCountAtTheEndOfThePeriod) {
    program(0, 2, 1000);
    go_to(500);
    bus.write(0x40, 100, 1);
    bus.write(0x40, 0, 1);
    EXPECT_TRUE(test_bit(status(0), 6)); // NULL COUNT
    go_to(999);
    EXPECT_EQ(latched(0), 2u);
    go_to(1001);
    EXPECT_EQ(latched(0), 100u);
    EXPECT_FALSE(test_bit(status(0), 6));
    go_to(1051);
    EXPECT_EQ(latched(0), 50u);
}

TEST_F(PitTest, Mode3IsASquareWaveThatCountsByTwo) {
    Edges edges{clock, {}, {}};
    program(0, 3, 101);
    pit.watch(0).connect_to<&Edges::hear>(edges);
    edges.rising.clear();
    go_to(1 + 101 * 2);
    EXPECT_EQ(edges.falling, (std::vector<u64>{52, 153})); // an odd count is high one tick longer
    EXPECT_EQ(edges.rising, (std::vector<u64>{102, 203}));
    go_to(203 + 10);
    EXPECT_EQ(latched(0), 80u);
    program(0, 3, 0);
    clock.advance(20'000'000);
    EXPECT_EQ(latched(0) & 1, 0u);
}

TEST_F(PitTest, Mode3TakesANewCountAtTheEndOfTheHalf) {
    program(0, 3, 1000);
    go_to(101);
    bus.write(0x40, 20, 1);
    bus.write(0x40, 0, 1);
    go_to(500);
    EXPECT_TRUE(pit.out(0));
    go_to(501);
    EXPECT_FALSE(pit.out(0));
    go_to(510);
    EXPECT_FALSE(pit.out(0));
    go_to(511);
    EXPECT_TRUE(pit.out(0));
}

TEST_F(PitTest, Mode4StrobesOnce) {
    Edges edges{clock, {}, {}};
    program(0, 4, 100);
    pit.watch(0).connect_to<&Edges::hear>(edges);
    edges.rising.clear();
    go_to(5000);
    EXPECT_EQ(edges.falling, std::vector<u64>{101});
    EXPECT_EQ(edges.rising, std::vector<u64>{102});
}

TEST_F(PitTest, Modes1And5WaitForTheGate) {
    bus.write(0x61, 0, 1);
    program(2, 1, 100);
    EXPECT_TRUE(pit.out(2));
    go_to(1000);
    EXPECT_TRUE(pit.out(2));
    bus.write(0x61, 1, 1); // gate rises
    EXPECT_FALSE(pit.out(2));
    go_to(1100);
    EXPECT_FALSE(pit.out(2));
    go_to(1101);
    EXPECT_TRUE(pit.out(2));
    bus.write(0x61, 0, 1);
    program(2, 5, 10);
    go_to(2000);
    bus.write(0x61, 1, 1);
    go_to(2011);
    EXPECT_FALSE(pit.out(2));
    go_to(2012);
    EXPECT_TRUE(pit.out(2));
}

TEST_F(PitTest, GateLowStopsCountingAndLiftsPeriodicOutputs) {
    bus.write(0x61, 1, 1);
    program(2, 0, 100);
    go_to(51);
    bus.write(0x61, 0, 1);
    go_to(5000);
    EXPECT_EQ(latched(2), 50u);
    bus.write(0x61, 1, 1);
    go_to(5050);
    EXPECT_TRUE(pit.out(2));
    program(2, 3, 100);
    clock.advance(50'000); // 59 ticks: in the low half
    EXPECT_FALSE(pit.out(2));
    bus.write(0x61, 0, 1);
    EXPECT_TRUE(pit.out(2));
}

TEST_F(PitTest, LatchHoldsUntilBothBytesAreRead) {
    program(0, 2, 0x4321);
    go_to(0x121);
    bus.write(0x43, 0x00, 1);
    go_to(0x2000);
    bus.write(0x43, 0x00, 1); // a second latch command changes nothing
    EXPECT_EQ(both(0), 0x4201u);
    EXPECT_NE(both(0), 0x4201u); // live again
}

TEST_F(PitTest, ReadBackLatchesStatusAndCountTogether) {
    program(0, 2, 1000);
    program(2, 3, 500, true);
    go_to(11);
    bus.write(0x43, 0xC0 | 0x02 | 0x08, 1); // count and status of 0 and 2
    EXPECT_EQ(bus.read(0x40, 1), 0xB4u);    // OUT, both bytes, mode 2
    EXPECT_EQ(both(0), 990u);
    EXPECT_EQ(bus.read(0x42, 1) & 0x3F, 0x37u); // both bytes, mode 3, BCD
}

TEST_F(PitTest, CountsInBcd) {
    program(0, 2, 0x1000, true);
    go_to(1 + 1);
    EXPECT_EQ(latched(0), 0x0999u);
    go_to(1 + 999);
    EXPECT_EQ(latched(0), 0x0001u);
    go_to(1 + 1000);
    EXPECT_EQ(latched(0), 0x1000u);
    program(0, 2, 0, true); // stands for 10,000
    go_to(1001 + 2);
    EXPECT_EQ(latched(0), 0x9999u);
}

TEST_F(PitTest, SingleByteAccess) {
    bus.write(0x43, 0x14, 1); // LSB only, mode 2
    bus.write(0x40, 200, 1);
    go_to(51);
    EXPECT_EQ(bus.read(0x40, 1), 150u);
    EXPECT_EQ(bus.read(0x40, 1), 150u);
    bus.write(0x43, 0x24, 1); // MSB only
    bus.write(0x40, 2, 1);
    go_to(51 + 2);
    EXPECT_EQ(bus.read(0x40, 1), 1u);
}

TEST_F(PitTest, TinyCountsDoNotDrownTheMachine) {
    Edges edges{clock, {}, {}};
    pit.watch(0).connect_to<&Edges::hear>(edges);
    for (unsigned mode : {2u, 3u}) {
        for (unsigned count : {1u, 2u, 3u, 7u}) {
            program(0, mode, count);
            edges.rising.clear();
            clock.advance(10'000'000);
            EXPECT_LE(edges.rising.size(), 1000u) << mode << " " << count;
            EXPECT_GE(edges.rising.size(), 300u) << mode << " " << count;
        }
    }
}

// A machine that is late: time runs on while somebody hears of an edge.
struct SlowListener {
    TestClock& clock;
    Nanoseconds delay;
    unsigned rises = 0;
    void hear(unsigned, bool level) {
        if (!level) return;
        ++rises;
        clock.advance(delay);
    }
};

TEST_F(PitTest, LateMachineStillGetsEdges) {
    for (unsigned mode : {2u, 3u}) {
        for (Nanoseconds delay :
             {Nanoseconds{100}, Nanoseconds{700'000}, Nanoseconds{1'500'000}, Nanoseconds{40'000'000}}) {
            TestClock time;
            Pit8254 chip(time);
            SlowListener listener{time, delay};
            chip.watch(0).connect_to<&SlowListener::hear>(listener);
            chip.write(Pit8254::Reg::ControlWord, static_cast<u8>(0x30 | mode << 1));
            chip.write(Pit8254::Reg::Counter0, 1193 & 0xFF);
            chip.write(Pit8254::Reg::Counter0, 1193 >> 8);
            const Nanoseconds start = time.now();
            listener.rises = 0;
            while (time.now() - start < nanoseconds_per_second) time.advance(1'000'000);
            // One a period while the listener is faster than that, otherwise as often as it comes back.
            const Nanoseconds passed = time.now() - start;
            const Nanoseconds each = std::max<Nanoseconds>(delay, 1'000'000) + 1'000'000;
            EXPECT_GE(listener.rises, passed / each) << mode << " " << delay;
            EXPECT_LE(listener.rises, passed / 999'000 + 2) << mode << " " << delay;
        }
    }
}

TEST_F(PitTest, NobodyListensNoAlarms) {
    program(1, 2, 18);
    program(2, 3, 100);
    EXPECT_EQ(clock.armed_alarms(), 0u);
}

TEST_F(PitTest, HostileSequencesStayBounded) {
    Edges edges{clock, {}, {}};
    pit.watch(0).connect_to<&Edges::hear>(edges);
    u32 random = 99;
    for (int i = 0; i < 100'000; ++i) {
        random = random * 1664525 + 1013904223;
        const u16 port = static_cast<u16>(0x40 + (random >> 30));
        if ((random >> 24 & 3) == 0)
            bus.read(port, 1);
        else if ((random >> 24 & 3) == 1)
            bus.write(0x61, random >> 16 & 3, 1);
        else
            bus.write(port, random >> 16 & 0xFF, 1);
        clock.advance(random >> 20 & 0x3FF);
        edges.rising.clear();
        edges.falling.clear();
    }
    program(0, 2, 100);
    clock.advance(1'000'000);
    EXPECT_GE(edges.rising.size(), 10u);
}

TEST_F(PitTest, SystemControlPortB) {
    program(2, 0, 1000);
    EXPECT_EQ(bus.read(0x61, 1) & 0x20, 0u);
    bus.write(0x61, 0xFF, 1);
    EXPECT_EQ(bus.read(0x61, 1) & 0x0F, 0x0Fu);
    clock.advance(2'000'000);
    EXPECT_EQ(bus.read(0x61, 1) & 0x20, 0x20u);
    EXPECT_TRUE(system.speaker());
    // The refresh bit toggles every 15 microseconds.
    unsigned toggles = 0;
    for (int i = 0; i < 1500; ++i) {
        const u32 before = bus.read(0x61, 1);
        clock.advance(1000);
        toggles += ((bus.read(0x61, 1) ^ before) & 0x10) != 0;
    }
    EXPECT_NEAR(toggles, 99, 2);
}

TEST_F(PitTest, SystemControlNmi) {
    system.parity_error();
    EXPECT_TRUE(system.nmi.level());
    EXPECT_EQ(bus.read(0x61, 1) & 0xC0, 0x80u);
    bus.write(0x61, 0x04, 1);
    EXPECT_FALSE(system.nmi.level());
    system.parity_error();
    EXPECT_FALSE(system.nmi.level());
    system.channel_check();
    EXPECT_TRUE(system.nmi.level());
}

TEST_F(PitTest, SystemControlPortA) {
    Edges resets{clock, {}, {}};
    system.reset_pulse.connect_to<&Edges::hear>(resets);
    bus.write(0x92, 0x02, 1);
    EXPECT_TRUE(system.a20.level());
    EXPECT_EQ(bus.read(0x92, 1), 2u);
    bus.write(0x92, 0x01, 1);
    EXPECT_FALSE(system.a20.level());
    bus.write(0x92, 0x01, 1);
    EXPECT_EQ(resets.rising.size(), 1u); // only the change resets
}

} // namespace
} // namespace truering
