#include "devices/pci_host.hpp"
#include "devices/piix4_pm.hpp"
#include "tests/unit/devices/test_clock.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

class Pm : public testing::Test {
  protected:
    Pm() {
        host.attach(pm, 1, 3);
        config(0x40, 0xB001, 4);
        config(0x80, 1, 1);
    }
    void config(u8 offset, u32 value, unsigned size) {
        ports.write(0xCF8, 0x80000000u | 1u << 11 | 3u << 8 | (offset & 0xFCu), 4);
        ports.write(static_cast<u16>(0xCFC + (offset & 3)), value, size);
    }
    u32 in(u16 port, unsigned size) { return ports.read(port, size); }
    void out(u16 port, u32 value, unsigned size) { ports.write(port, value, size); }
    void pass_timer_half_period() { clock.advance(time_of_tick(u64{1} << 23, Piix4Pm::timer_hertz)); }

    TestClock clock;
    PortBus ports;
    PhysicalMemory memory{1 << 20};
    PciHost host{ports, memory};
    Piix4Pm pm{clock, ports, {}};
};

TEST_F(Pm, BlockMovesWithItsBase) {
    EXPECT_NE(in(0xB002, 2), 0xFFFFu);
    config(0x40, 0x0601, 4);
    EXPECT_EQ(in(0xB002, 2), 0xFFFFu);
    EXPECT_EQ(in(0x602, 2), 0u);
    config(0x80, 0, 1);
    EXPECT_EQ(in(0x602, 2), 0xFFFFu);
}

TEST_F(Pm, TimerCountsItsCrystalIn24Bits) {
    const u32 before = in(0xB008, 4);
    clock.advance(nanoseconds_per_second);
    EXPECT_EQ(in(0xB008, 4) - before, 3'579'545u);
    clock.advance(10 * nanoseconds_per_second);
    EXPECT_LT(in(0xB008, 4), u32{1} << 24);
}

TEST_F(Pm, TimerOverflowInterruptsOnlyWhenEnabled) {
    pass_timer_half_period();
    EXPECT_FALSE(pm.sci.level());
    EXPECT_EQ(in(0xB000, 2) & 1, 1u) << "the status latches all the same";
    out(0xB000, 1, 2);
    EXPECT_EQ(in(0xB000, 2) & 1, 0u);
    out(0xB002, 1, 2);
    out(0xB2, 0xF1, 1);
    EXPECT_FALSE(pm.sci.level());
    pass_timer_half_period();
    EXPECT_TRUE(pm.sci.level());
    out(0xB000, 1, 2);
    EXPECT_FALSE(pm.sci.level());
    pass_timer_half_period();
    EXPECT_TRUE(pm.sci.level());
}

TEST_F(Pm, CommandPortTurnsAcpiOnAndOff) {
    EXPECT_EQ(in(0xB004, 2) & 1, 0u);
    out(0xB2, 0xF1, 1);
    EXPECT_EQ(in(0xB004, 2) & 1, 1u);
    EXPECT_EQ(in(0xB2, 1), 0xF1u);
    out(0xB2, 0xF0, 1);
    EXPECT_EQ(in(0xB004, 2) & 1, 0u);
    out(0xB3, 0x5A, 1);
    EXPECT_EQ(in(0xB3, 1), 0x5Au);
}

TEST_F(Pm, PowerButtonRaisesTheSci) {
    EXPECT_FALSE(pm.press_power_button());
    out(0xB000, 0xFFFF, 2);
    out(0xB002, 0x100, 2);
    out(0xB2, 0xF1, 1);
    EXPECT_TRUE(pm.press_power_button());
    EXPECT_TRUE(pm.sci.level());
    EXPECT_EQ(in(0xB000, 2), 0x100u);
    out(0xB000, 0x100, 2);
    EXPECT_FALSE(pm.sci.level());
}

struct Count {
    unsigned pulses = 0;
    void hear(unsigned, bool level) { pulses += level ? 1 : 0; }
};

TEST_F(Pm, SleepTypeZeroTurnsOff) {
    Count off;
    pm.power_off.connect_to<&Count::hear>(off);
    out(0xB004, 0x0001, 2);
    EXPECT_EQ(off.pulses, 0u);
    out(0xB004, 0x2401, 2); // type 1
    EXPECT_EQ(off.pulses, 0u);
    EXPECT_EQ(in(0xB000, 2) & 0x8000, 0x8000u) << "awake again";
    out(0xB004, 0x2001, 2);
    EXPECT_EQ(off.pulses, 1u);
    EXPECT_EQ(in(0xB004, 2) & 0x2000, 0u) << "SLP_EN reads as 0";
}

TEST_F(Pm, GeneralPurposeEventsStandAtTheirFixedPortsToo) {
    out(0xAFE2, 0x0002, 2);
    out(0xB2, 0xF1, 1);
    pm.raise_event(1);
    EXPECT_TRUE(pm.sci.level());
    EXPECT_EQ(in(0xB00C, 2), 2u);
    out(0xAFE0, 2, 1);
    EXPECT_FALSE(pm.sci.level());
}

TEST_F(Pm, FirmwareFindsManagementModeDone) {
    ports.write(0xCF8, 0x80000000u | 1u << 11 | 3u << 8 | 0x58, 4);
    EXPECT_TRUE(test_bit(ports.read(0xCFC, 4), 25));
}

TEST_F(Pm, NothingCanBePlugged) {
    EXPECT_EQ(in(0xAE00, 4), 0u);
    EXPECT_EQ(in(0xAE0C, 4), 0u);
    EXPECT_EQ(in(0xAF00, 1), 1u);
}

TEST_F(Pm, SmbusAnswersThatNobodyIsThere) {
    config(0x90, 0xB101, 4);
    config(0xD2, 9, 1);
    out(0xB104, 0xA1, 1);
    out(0xB102, 0x48, 1);
    EXPECT_EQ(in(0xB100, 1), 4u);
    out(0xB100, 0xFF, 1);
    EXPECT_EQ(in(0xB100, 1), 0u);
}

} // namespace
} // namespace truering
