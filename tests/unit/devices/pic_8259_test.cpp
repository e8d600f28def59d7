#include "devices/pic_pair.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

constexpr u8 non_specific_eoi = 0x20;

class PicTest : public testing::Test {
  protected:
    PicTest() {
        pic.map(bus);
        pic.reset();
        initialise(0x11, 0x01, 0x01);
    }

    // As firmware does: vectors 08H and 70H, slave at IR2, everything unmasked.
    void initialise(u8 icw1, u8 icw4_master, u8 icw4_slave) {
        bus.write(0x20, icw1, 1);
        bus.write(0x21, 0x08, 1);
        bus.write(0x21, 0x04, 1);
        bus.write(0x21, icw4_master, 1);
        bus.write(0xA0, icw1, 1);
        bus.write(0xA1, 0x70, 1);
        bus.write(0xA1, 0x02, 1);
        bus.write(0xA1, icw4_slave, 1);
    }
    void pulse(unsigned irq) {
        pic.set_irq(irq, false);
        pic.set_irq(irq, true);
    }
    u8 isr(u16 port) {
        bus.write(port, 0x0B, 1);
        return static_cast<u8>(bus.read(port, 1));
    }
    u8 irr(u16 port) {
        bus.write(port, 0x0A, 1);
        return static_cast<u8>(bus.read(port, 1));
    }
    bool intr() { return pic.intr().level(); }

    PortBus bus;
    PicPair pic;
};

TEST_F(PicTest, UninitialisedChipStaysQuiet) {
    PicPair fresh;
    fresh.set_irq(0, true);
    EXPECT_FALSE(fresh.intr().level());
}

TEST_F(PicTest, ServesInOrderOfPriorityAndNests) {
    pic.set_irq(4, true);
    pic.set_irq(3, true);
    ASSERT_TRUE(intr());
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x0B);
    EXPECT_FALSE(intr()); // 4 waits behind 3
    pic.set_irq(1, true);
    EXPECT_TRUE(intr()); // 1 interrupts 3
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x09);
    EXPECT_EQ(isr(0x20), 0x0A);
    bus.write(0x20, non_specific_eoi, 1); // ends 1, the highest
    EXPECT_EQ(isr(0x20), 0x08);
    EXPECT_FALSE(intr());
    bus.write(0x20, non_specific_eoi, 1);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x0C);
}

TEST_F(PicTest, EdgeIsNeededAgainAfterService) {
    pic.set_irq(4, true);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x0C);
    bus.write(0x20, non_specific_eoi, 1);
    EXPECT_FALSE(intr()); // still high, but no new edge
    pulse(4);
    EXPECT_TRUE(intr());
}

TEST_F(PicTest, LevelTriggeredInputAsksAgainWhileHigh) {
    bus.write(0x4D0, 0xFF, 1);
    bus.write(0x4D1, 0xFF, 1);
    EXPECT_EQ(bus.read(0x4D0, 1), 0xF8u); // 0-2 are the board's
    EXPECT_EQ(bus.read(0x4D1, 1), 0xDEu);
    pic.set_irq(11, true);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x73);
    bus.write(0xA0, non_specific_eoi, 1);
    bus.write(0x20, non_specific_eoi, 1);
    EXPECT_TRUE(intr());
    pic.set_irq(11, false);
    EXPECT_FALSE(intr());
}

TEST_F(PicTest, RequestThatGoesAwayIsSpurious) {
    pic.set_irq(3, true);
    pic.set_irq(3, false);
    EXPECT_FALSE(intr());
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x0F);
    EXPECT_EQ(isr(0x20), 0);
}

TEST_F(PicTest, PollingTheSlaveTakesTheCascadeRequestAway) {
    bus.write(0xA1, 0xFF, 1);
    pic.set_irq(10, true);
    EXPECT_FALSE(intr());
    bus.write(0xA1, 0x00, 1);
    ASSERT_TRUE(intr());

    bus.write(0xA0, 0x0C, 1);
    EXPECT_EQ(bus.read(0xA0, 1), 0x82u);
    EXPECT_FALSE(intr());
}

TEST_F(PicTest, CascadeDeliversEveryRequestOfTheSlave) {
    pic.set_irq(8, true);
    pic.set_irq(12, true);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x70);
    EXPECT_EQ(isr(0x20), 0x04);
    EXPECT_EQ(isr(0xA0), 0x01);
    bus.write(0xA0, non_specific_eoi, 1); // now the slave asks for 12
    bus.write(0x20, non_specific_eoi, 1);
    ASSERT_TRUE(intr());
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x74);
}

TEST_F(PicTest, MaskHoldsTheRequestBack) {
    bus.write(0x21, 0x02, 1);
    pic.set_irq(1, true);
    EXPECT_FALSE(intr());
    EXPECT_EQ(irr(0x20), 0x02); // IRR does not know of masks
    bus.write(0x21, 0x00, 1);
    EXPECT_TRUE(intr());
    EXPECT_EQ(bus.read(0x21, 1), 0u);
}

TEST_F(PicTest, RotatesPriorities) {
    bus.write(0x20, 0xC0 | 4, 1); // set priority: 4 is lowest, 5 highest
    pic.set_irq(5, true);
    pic.set_irq(1, true);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x0D);
    bus.write(0x20, 0xA0, 1); // rotate on non-specific EOI: 5 is lowest
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x09);
    pulse(5);
    EXPECT_FALSE(intr());
    bus.write(0x20, 0xE0 | 1, 1); // rotate on specific EOI: 1 is lowest
    pulse(1);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x0D);
}

TEST_F(PicTest, AutomaticEoiEndsAndRotates) {
    initialise(0x11, 0x03, 0x01);
    pic.set_irq(3, true);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x0B);
    EXPECT_EQ(isr(0x20), 0);
    bus.write(0x20, 0x80, 1); // rotate in automatic EOI
    pulse(3);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x0B); // now lowest
    pulse(3);
    pulse(6);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x0E);
}

TEST_F(PicTest, SpecialMaskModeLetsLowerLevelsIn) {
    pic.set_irq(1, true);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x09);
    pic.set_irq(6, true);
    EXPECT_FALSE(intr());
    bus.write(0x21, 0x02, 1); // mask the level in service
    EXPECT_FALSE(intr());
    bus.write(0x20, 0x68, 1); // special mask mode
    EXPECT_TRUE(intr());
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x0E);
    bus.write(0x20, non_specific_eoi, 1); // passes over the masked level
    EXPECT_EQ(isr(0x20), 0x02);
    bus.write(0x20, 0x60 | 1, 1);
    EXPECT_EQ(isr(0x20), 0);
}

TEST_F(PicTest, SpecialFullyNestedModeLetsTheSlaveInterruptItself) {
    pic.set_irq(12, true);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x74);
    pic.set_irq(8, true); // higher in the slave
    EXPECT_FALSE(intr()); // but the master holds IR2 back
    pic.reset();
    pic.set_irq(12, false);
    pic.set_irq(8, false);
    initialise(0x11, 0x11, 0x01);
    pic.set_irq(12, true);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x74);
    pic.set_irq(8, true);
    EXPECT_TRUE(intr());
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x70);
    pic.set_irq(5, true); // lower than IR2: still held back
    EXPECT_FALSE(intr());
}

TEST_F(PicTest, PollTakesTheRequest) {
    pic.set_irq(3, true);
    bus.write(0x20, 0x0C, 1);
    EXPECT_EQ(bus.read(0x20, 1), 0x83u);
    EXPECT_EQ(isr(0x20), 0x08);
    bus.write(0x20, 0x0C, 1);
    EXPECT_EQ(bus.read(0x20, 1) & 0x80, 0u);
}

TEST_F(PicTest, Icw1ForgetsRequestsUntilTheNextEdge) {
    pic.set_irq(3, true);
    pic.set_irq(4, true);
    pic.acknowledge_interrupt();
    initialise(0x11, 0x01, 0x01);
    EXPECT_EQ(irr(0x20), 0);
    EXPECT_EQ(isr(0x20), 0);
    EXPECT_FALSE(intr());
    pulse(4);
    EXPECT_TRUE(intr());
}

TEST_F(PicTest, LtimMakesAllInputsLevelTriggered) {
    pic.set_irq(4, true);
    initialise(0x19, 0x01, 0x01);
    EXPECT_TRUE(intr()); // no new edge was needed
    pic.set_irq(4, false);
    EXPECT_FALSE(intr());
}

TEST_F(PicTest, HostileSequencesKeepTheInvariant) {
    u32 random = 12345;
    for (int i = 0; i < 200'000; ++i) {
        random = random * 1664525 + 1013904223;
        const u16 ports[] = {0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1};
        switch (random >> 29) {
        case 0: pic.acknowledge_interrupt(); break;
        case 1: bus.read(ports[(random >> 8) % 6], 1); break;
        case 2:
        case 3: bus.write(ports[(random >> 8) % 6], random >> 16 & 0xFF, 1); break;
        default: pic.set_irq(random >> 8 & 15, (random & 0x1000'0000) != 0); break;
        }
    }
    // Whatever happened: with everything unmasked and initialised it works again.
    pic.reset();
    for (unsigned i = 0; i < 16; ++i) pic.set_irq(i, false);
    initialise(0x11, 0x01, 0x01);
    pic.set_irq(15, true);
    EXPECT_EQ(pic.acknowledge_interrupt(), 0x77);
}

} // namespace
} // namespace truering
