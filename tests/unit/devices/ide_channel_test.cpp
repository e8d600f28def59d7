#include "devices/ata_disk.hpp"

#include "tests/unit/devices/ide_bench.hpp"
#include "tests/unit/devices/memory_medium.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

using namespace ata_status;

struct IdeChannelTest : ::testing::Test, IdeBench {
    MemoryMedium first{100};
    MemoryMedium second{200};
    AtaDisk disk0{clock, first};
    AtaDisk disk1{clock, second};
};

// What a driver writes to find out whether anybody is there.
bool answers_test_pattern(IdeBench& bench, u32 drive) {
    bench.out(AtaReg::Device, 0xA0 | drive << 4);
    bench.out(AtaReg::SectorCount, 0x55);
    bench.out(AtaReg::LbaLow, 0xAA);
    return bench.in(AtaReg::SectorCount) == 0x55 && bench.in(AtaReg::LbaLow) == 0xAA;
}

TEST_F(IdeChannelTest, AbsentDrivesAnswerNoTest) {
    EXPECT_FALSE(answers_test_pattern(*this, 0));
    EXPECT_EQ(in(AtaReg::StatusCommand), 0);
    channel.attach(0, &disk0);
    EXPECT_TRUE(answers_test_pattern(*this, 0));
    EXPECT_FALSE(answers_test_pattern(*this, 1));
    command(AtaCommand::IdentifyDevice); // to drive 1: lost
    EXPECT_EQ(wait(), 0);
    out(AtaReg::Device, 0xA0);
    EXPECT_EQ(alternate_status(), DRDY | DSC);
}

TEST_F(IdeChannelTest, BothDrivesLatchAndTheSelectedOneExecutes) {
    channel.attach(0, &disk0);
    channel.attach(1, &disk1);
    address_lba28(150, 1, 1); // exists on the second drive alone
    command(AtaCommand::ReadSectors);
    EXPECT_EQ(wait() & (DRQ | ERR), DRQ);
    EXPECT_EQ(read_block(512)[0], 150);
    out(AtaReg::Device, 0xE0);
    EXPECT_EQ(in(AtaReg::LbaLow), 150);
    command(AtaCommand::ReadSectors);
    EXPECT_EQ(wait() & (DRQ | ERR), ERR);
}

TEST_F(IdeChannelTest, InterruptFollowsSelectionAndNien) {
    channel.attach(0, &disk0);
    channel.attach(1, &disk1);
    address_lba28(1, 1);
    command(AtaCommand::ReadVerify);
    clock.run_next();
    EXPECT_TRUE(channel.intrq.level());
    out(AtaReg::Device, 0xB0);
    EXPECT_FALSE(channel.intrq.level());
    out(AtaReg::Device, 0xA0);
    EXPECT_TRUE(channel.intrq.level());
    device_control(2);
    EXPECT_FALSE(channel.intrq.level());
    device_control(0);
    EXPECT_TRUE(channel.intrq.level());
    alternate_status();
    EXPECT_TRUE(channel.intrq.level()); // looking there acknowledges nothing
    in(AtaReg::StatusCommand);
    EXPECT_FALSE(channel.intrq.level());
}

TEST_F(IdeChannelTest, SoftResetEndsACommandAndSelectsDriveZero) {
    channel.attach(0, &disk0);
    channel.attach(1, &disk1);
    address_lba28(1, 1, 1);
    command(AtaCommand::ReadSectors);
    wait();
    device_control(4);
    EXPECT_EQ(alternate_status(), BSY);
    device_control(0);
    EXPECT_EQ(alternate_status(), BSY);
    EXPECT_EQ(wait(), DRDY | DSC);
    EXPECT_EQ(in(AtaReg::ErrorFeatures), 1);
    EXPECT_EQ(in(AtaReg::Device)&0x10, 0);
    out(AtaReg::Device, 0xB0);
    EXPECT_EQ(wait(), DRDY | DSC);
    EXPECT_EQ(in(AtaReg::SectorCount), 1);
    EXPECT_EQ(bus.read(base, 2), 0u); // nothing left of the sector
}

TEST_F(IdeChannelTest, DiagnosticIsExecutedByBothAndReportedByTheFirst) {
    channel.attach(0, &disk0);
    channel.attach(1, &disk1);
    out(AtaReg::Device, 0xB0);
    command(AtaCommand::ExecuteDeviceDiagnostic);
    EXPECT_EQ(interrupts, 1);
    wait();
    EXPECT_EQ(in(AtaReg::ErrorFeatures), 1);
    EXPECT_EQ(in(AtaReg::Device)&0x10, 0);
    out(AtaReg::Device, 0xB0);
    EXPECT_EQ(in(AtaReg::ErrorFeatures), 1);
    EXPECT_EQ(interrupts, 1);
}

TEST_F(IdeChannelTest, CommandsWhileBusyAreLost) {
    channel.attach(0, &disk0);
    address_lba28(5, 1);
    command(AtaCommand::ReadSectors);
    out(AtaReg::LbaLow, 9);
    command(AtaCommand::ReadVerify);
    EXPECT_EQ(wait() & DRQ, DRQ);
    EXPECT_EQ(read_block(512)[0], 5);
}

// The host may do anything at any time.
TEST_F(IdeChannelTest, RandomAccessesDoNoHarm) {
    channel.attach(0, &disk0);
    channel.attach(1, &disk1);
    u32 seed = 1;
    auto random = [&seed] { return seed = seed * 1664525 + 1013904223, seed >> 8; };
    for (int i = 0; i < 200000; ++i) {
        const u32 dice = random() % 16;
        const u16 port = static_cast<u16>(base + random() % 8);
        if (dice < 8)
            bus.write(port, random() * 17, 1);
        else if (dice < 10)
            bus.write(port, random() * 17, 4);
        else if (dice < 13)
            bus.read(port, random() % 2 != 0 ? 4 : 2);
        else if (dice < 14)
            device_control(random());
        else
            clock.run_next();
    }
    device_control(4);
    device_control(0);
    EXPECT_EQ(wait(), DRDY | DSC);
}

} // namespace
} // namespace truering
