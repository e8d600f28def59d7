#include "devices/ata_disk.hpp"

#include "tests/unit/devices/ide_bench.hpp"
#include "tests/unit/devices/memory_medium.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

using namespace ata_status;
using namespace ata_error;

struct AtaDiskTest : ::testing::Test, IdeBench {
    static constexpr DiskGeometry shape{20, 4, 17};
    MemoryMedium medium{1400}; // some sectors more than the 1360 of the translation
    AtaDisk disk{clock, medium, shape};

    AtaDiskTest() { channel.attach(0, &disk); }

    std::vector<u8> sector(u64 lba) const {
        const auto first = medium.bytes.begin() + static_cast<std::ptrdiff_t>(lba * 512);
        return {first, first + 512};
    }
    u32 lba_registers() { return u32{in(AtaReg::LbaHigh)} << 16 | u32{in(AtaReg::LbaMid)} << 8 | in(AtaReg::LbaLow); }
};

TEST_F(AtaDiskTest, SignatureAfterPowerOn) {
    EXPECT_EQ(in(AtaReg::StatusCommand), DRDY | DSC);
    EXPECT_EQ(in(AtaReg::ErrorFeatures), 1);
    EXPECT_EQ(in(AtaReg::SectorCount), 1);
    EXPECT_EQ(lba_registers(), 1u);
    EXPECT_EQ(in(AtaReg::Device)&0x10, 0);
}

TEST_F(AtaDiskTest, ReadsByChsAndLbaTheSameSector) {
    address_chs(3, 2, 5, 1);
    command(AtaCommand::ReadSectors);
    EXPECT_NE(alternate_status() & BSY, 0);
    EXPECT_EQ(wait(), DRDY | DSC | DRQ);
    const u32 lba = (3 * 4 + 2) * 17 + 4;
    EXPECT_EQ(read_block(512), sector(lba));
    EXPECT_EQ(wait(), DRDY | DSC);
    address_lba28(lba, 1);
    command(AtaCommand::ReadSectors);
    wait();
    EXPECT_EQ(read_block(512), sector(lba));
}

TEST_F(AtaDiskTest, OneInterruptForEachBlockOfAPioRead) {
    address_lba28(10, 3);
    command(AtaCommand::ReadSectors);
    for (u64 i = 0; i < 3; ++i) {
        EXPECT_EQ(wait() & DRQ, DRQ);
        EXPECT_EQ(interrupts, static_cast<int>(i) + 1);
        EXPECT_FALSE(channel.intrq.level());
        EXPECT_EQ(read_block(512), sector(10 + i));
    }
    EXPECT_EQ(wait(), DRDY | DSC);
    EXPECT_EQ(interrupts, 3); // none at the end
}

TEST_F(AtaDiskTest, WritesWithAnInterruptAfterEachBlock) {
    address_lba28(20, 2);
    command(AtaCommand::WriteSectors);
    EXPECT_EQ(alternate_status() & DRQ, DRQ);
    EXPECT_EQ(interrupts, 0); // the first block is not announced
    write_block(std::vector<u8>(512, 0x11));
    EXPECT_EQ(wait() & DRQ, DRQ);
    EXPECT_EQ(interrupts, 1);
    write_block(std::vector<u8>(512, 0x22));
    EXPECT_EQ(wait(), DRDY | DSC);
    EXPECT_EQ(interrupts, 2);
    EXPECT_EQ(sector(20), std::vector<u8>(512, 0x11));
    EXPECT_EQ(sector(21), std::vector<u8>(512, 0x22));
}

TEST_F(AtaDiskTest, DataRegisterIsSixteenOrThirtyTwoBitsWide) {
    address_lba28(77, 1);
    command(AtaCommand::ReadSectors);
    wait();
    const std::vector<u8> expected = sector(77);
    for (size_t i = 0; i < 512; i += 4) {
        const u32 value = bus.read(base, 4);
        const u32 wanted =
            expected[i] | u32{expected[i + 1]} << 8 | u32{expected[i + 2]} << 16 | u32{expected[i + 3]} << 24;
        ASSERT_EQ(value, wanted) << i;
    }
    EXPECT_EQ(wait(), DRDY | DSC);
}

TEST_F(AtaDiskTest, MultipleNeedsItsMode) {
    address_lba28(0, 6);
    command(AtaCommand::ReadMultiple);
    EXPECT_EQ(wait() & ERR, ERR);
    EXPECT_EQ(in(AtaReg::ErrorFeatures), ABRT);
    out(AtaReg::SectorCount, 3); // not a power of two
    command(AtaCommand::SetMultipleMode);
    EXPECT_EQ(wait() & ERR, ERR);
    out(AtaReg::SectorCount, 4);
    command(AtaCommand::SetMultipleMode);
    EXPECT_EQ(wait() & ERR, 0);
    interrupts = 0;
    address_lba28(0, 6);
    command(AtaCommand::ReadMultiple);
    EXPECT_EQ(wait() & DRQ, DRQ);
    read_block(4 * 512);
    EXPECT_EQ(wait() & DRQ, DRQ);
    const std::vector<u8> rest = read_block(2 * 512);
    EXPECT_EQ(rest[0], 4);
    EXPECT_EQ(rest[512], 5);
    EXPECT_EQ(wait(), DRDY | DSC);
    EXPECT_EQ(interrupts, 2);
}

TEST_F(AtaDiskTest, Lba48CountsAndAddressesPast28Bits) {
    address_lba48(1399, 1);
    command(AtaCommand::ReadSectorsExt);
    EXPECT_EQ(wait() & DRQ, DRQ);
    EXPECT_EQ(read_block(512), sector(1399));
    address_lba48(u64{1} << 32 | 5, 1); // would be sector 5 if the upper bytes were lost
    command(AtaCommand::ReadSectorsExt);
    EXPECT_EQ(wait() & ERR, ERR);
    EXPECT_EQ(in(AtaReg::ErrorFeatures), IDNF);
    EXPECT_EQ(lba_registers(), 5u);
    device_control(0x80); // HOB
    EXPECT_EQ(in(AtaReg::LbaMid), 1);
    device_control(0);
    EXPECT_EQ(in(AtaReg::LbaMid), 0);
}

TEST_F(AtaDiskTest, SectorsBeforeTheEndAreDeliveredAndThenIdnf) {
    address_lba28(1398, 5);
    command(AtaCommand::ReadSectors);
    for (u64 lba = 1398; lba < 1400; ++lba) {
        EXPECT_EQ(wait() & (DRQ | ERR), DRQ);
        EXPECT_EQ(read_block(512), sector(lba));
    }
    EXPECT_EQ(wait() & (DRQ | ERR), ERR);
    EXPECT_EQ(in(AtaReg::ErrorFeatures), IDNF);
    EXPECT_EQ(lba_registers(), 1400u);
    EXPECT_EQ(in(AtaReg::SectorCount), 3); // not transferred
}

TEST_F(AtaDiskTest, BadSectorIsNamedByTheAddressRegisters) {
    medium.bad_sector = 42;
    out(AtaReg::SectorCount, 8);
    command(AtaCommand::SetMultipleMode);
    wait();
    address_lba28(40, 8);
    command(AtaCommand::ReadMultiple);
    EXPECT_EQ(wait() & (DRQ | ERR), DRQ);
    read_block(2 * 512);
    EXPECT_EQ(wait() & (DRQ | ERR), ERR);
    EXPECT_EQ(in(AtaReg::ErrorFeatures), UNC);
    EXPECT_EQ(lba_registers(), 42u);
    address_lba28(40, 8);
    command(AtaCommand::ReadVerify);
    EXPECT_EQ(wait() & ERR, ERR);
    EXPECT_EQ(lba_registers(), 42u);
}

TEST_F(AtaDiskTest, WriteErrorsSayWhoseFaultItWas) {
    medium.bad_sector = 7;
    address_lba28(7, 1);
    command(AtaCommand::WriteSectors);
    write_block(std::vector<u8>(512));
    EXPECT_EQ(wait(), DRDY | DSC | DF | ERR);
    medium.read_only = true;
    address_lba28(8, 1);
    command(AtaCommand::WriteSectors);
    EXPECT_EQ(wait() & (ERR | DRQ), ERR);
    EXPECT_EQ(in(AtaReg::ErrorFeatures)&WP, WP);
}

TEST_F(AtaDiskTest, ChsOutsideTheTranslationIsNotFound) {
    for (const auto& [cylinder, head, number] : {std::array<u32, 3>{0, 0, 0}, {0, 0, 18}, {0, 4, 1}, {20, 0, 1}}) {
        address_chs(cylinder, head, number, 1);
        command(AtaCommand::ReadSectors);
        EXPECT_EQ(wait() & ERR, ERR);
        EXPECT_EQ(in(AtaReg::ErrorFeatures), IDNF);
    }
    out(AtaReg::Device, 0xA0 | 6); // 7 heads
    out(AtaReg::SectorCount, 25);
    command(AtaCommand::InitializeDeviceParameters);
    EXPECT_EQ(wait() & ERR, 0);
    address_chs(1, 6, 25, 1);
    command(AtaCommand::ReadSectors);
    wait();
    EXPECT_EQ(read_block(512), sector((1 * 7 + 6) * 25 + 24));
}

TEST_F(AtaDiskTest, IdentifyHasSizesNamesAndAChecksum) {
    command(AtaCommand::IdentifyDevice);
    EXPECT_EQ(wait() & DRQ, DRQ);
    const std::vector<u8> id = read_block(512);
    auto word = [&](size_t n) { return id[2 * n] | id[2 * n + 1] << 8; };
    EXPECT_EQ(word(1), 20);
    EXPECT_EQ(word(3), 4);
    EXPECT_EQ(word(5), 512) << "bytes of a sector, for firmware older than ATA-2";
    EXPECT_EQ(word(6), 17);
    EXPECT_EQ(word(60) | word(61) << 16, 1400);
    EXPECT_EQ(word(100), 1400);
    std::string model;
    for (size_t n = 27; n < 47; ++n) {
        model += static_cast<char>(id[2 * n + 1]);
        model += static_cast<char>(id[2 * n]);
    }
    EXPECT_EQ(model, "TRUERING HARDDISK                       ");
    u8 sum = 0;
    for (u8 byte : id) sum = static_cast<u8>(sum + byte);
    EXPECT_EQ(sum, 0);
}

TEST_F(AtaDiskTest, SetFeaturesSelectsOneTransferMode) {
    auto set_mode = [&](u32 mode) {
        out(AtaReg::ErrorFeatures, 3);
        out(AtaReg::SectorCount, mode);
        command(AtaCommand::SetFeatures);
        return (wait() & ERR) == 0;
    };
    auto word = [&](size_t n) {
        command(AtaCommand::IdentifyDevice);
        wait();
        const std::vector<u8> id = read_block(512);
        return id[2 * n] | id[2 * n + 1] << 8;
    };
    EXPECT_TRUE(set_mode(0x42));
    EXPECT_EQ(word(88) >> 8, 1 << 2);
    EXPECT_EQ(word(63) >> 8, 0);
    EXPECT_TRUE(set_mode(0x21));
    EXPECT_EQ(word(63) >> 8, 1 << 1);
    EXPECT_EQ(word(88) >> 8, 0);
    EXPECT_FALSE(set_mode(0x47));
    EXPECT_FALSE(set_mode(0x12));
    EXPECT_EQ(in(AtaReg::ErrorFeatures), ABRT);
}

TEST_F(AtaDiskTest, UnknownSecuritySmartAndPacketCommandsAbort) {
    for (u32 code : {0x00u, 0x08u, 0xB0u, 0xF1u, 0xF6u, 0xA0u, 0xA1u, 0xDEu, 0xFFu}) {
        out(AtaReg::StatusCommand, code);
        EXPECT_EQ(wait() & (ERR | DRQ), ERR) << code;
        EXPECT_EQ(in(AtaReg::ErrorFeatures), ABRT) << code;
    }
}

TEST_F(AtaDiskTest, FlushReachesTheMediumAndItsFailureTheGuest) {
    command(AtaCommand::FlushCache);
    EXPECT_EQ(wait(), DRDY | DSC);
    EXPECT_EQ(medium.flushes, 1);
    medium.fail_flush = true;
    command(AtaCommand::FlushCacheExt);
    EXPECT_EQ(wait() & (DF | ERR), DF | ERR);
}

TEST_F(AtaDiskTest, NativeMaximumInBothWidths) {
    out(AtaReg::Device, 0xE0);
    command(AtaCommand::ReadNativeMax);
    EXPECT_EQ(wait() & ERR, 0);
    EXPECT_EQ(lba_registers(), 1399u);
    command(AtaCommand::ReadNativeMaxExt);
    EXPECT_EQ(wait() & ERR, 0);
    EXPECT_EQ(lba_registers(), 1399u);
}

TEST_F(AtaDiskTest, PowerModes) {
    auto mode = [&] {
        command(AtaCommand::CheckPowerMode);
        wait();
        return in(AtaReg::SectorCount);
    };
    EXPECT_EQ(mode(), 0xFF);
    command(AtaCommand::StandbyImmediate);
    wait();
    EXPECT_EQ(mode(), 0x00);
    command(AtaCommand::Sleep);
    wait();
    address_lba28(1, 1);
    command(AtaCommand::ReadSectors);
    EXPECT_EQ(wait() & DRQ, 0); // asleep
    device_control(4);
    device_control(0);
    EXPECT_EQ(wait(), DRDY | DSC);
    EXPECT_EQ(mode(), 0xFF);
}

TEST_F(AtaDiskTest, BufferCommandsKeepASector) {
    std::vector<u8> pattern(512);
    for (size_t i = 0; i < pattern.size(); ++i) pattern[i] = static_cast<u8>(i * 7);
    command(AtaCommand::WriteBuffer);
    write_block(pattern);
    EXPECT_EQ(wait() & ERR, 0);
    command(AtaCommand::ReadBuffer);
    wait();
    EXPECT_EQ(read_block(512), pattern);
}

} // namespace
} // namespace truering
