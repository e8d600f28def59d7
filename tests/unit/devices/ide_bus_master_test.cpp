#include "devices/ata_disk.hpp"
#include "devices/piix_ide.hpp"
#include "tests/unit/devices/ide_bench.hpp"
#include "tests/unit/devices/memory_medium.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

using namespace ata_status;

struct IdeBusMaster : ::testing::Test, IdeBench {
    static constexpr u16 bm = 0xC000;
    static constexpr u32 table = 0x1000;

    PhysicalMemory memory{1 << 20};
    IdeChannel other{ide_secondary};
    BusMasterIde engine{memory, channel, other};
    MemoryMedium medium{5000};
    AtaDisk disk{clock, medium};

    IdeBusMaster() {
        channel.attach(0, &disk);
        bus.map(bm, 16, engine, PortWidth::Dword);
        engine.set_enabled(true);
        engine.irq[0].connect_to<&IdeBusMaster::hear_irq>(*this);
    }
    int irqs = 0;
    u8 status_at_irq = 0;
    void hear_irq(unsigned, bool level) {
        if (!level) return;
        ++irqs;
        status_at_irq = status();
    }
    void prd(u32 index, u32 address, u32 count, bool last) {
        memory.write({table + index * 8}, address, 4);
        memory.write({table + index * 8 + 4}, (count & 0xFFFF) | (last ? 0x8000'0000 : 0), 4);
    }
    u8 status() { return static_cast<u8>(bus.read(bm + 2, 1)); }
    void start(bool to_memory) {
        bus.write(bm + 4, table, 4);
        bus.write(bm, to_memory ? 8 : 0, 1);
        bus.write(bm, to_memory ? 9 : 1, 1);
    }
    std::vector<u8> ram(u32 address, size_t count) {
        std::vector<u8> bytes(count);
        memory.read({address}, bytes);
        return bytes;
    }
};

TEST_F(IdeBusMaster, ReadsIntoScatteredRegions) {
    prd(0, 0x2FFE, 0x602, false); // odd place, across a page
    prd(1, 0x9000, 0x9FE, true);
    start(true);
    EXPECT_EQ(status() & 7, 1);
    address_lba28(100, 8);
    command(AtaCommand::ReadDma);
    EXPECT_EQ(wait() & (BSY | DRQ | ERR), 0);
    EXPECT_EQ(irqs, 1);
    EXPECT_EQ(status_at_irq & 7, 4); // interrupt, not active: all went as planned
    std::vector<u8> read = ram(0x2FFE, 0x602);
    const std::vector<u8> rest = ram(0x9000, 0x9FE);
    read.insert(read.end(), rest.begin(), rest.end());
    EXPECT_TRUE(std::equal(read.begin(), read.end(), medium.bytes.begin() + 100 * 512));
    bus.write(bm + 2, 4, 1);
    EXPECT_EQ(status() & 7, 0);
}

TEST_F(IdeBusMaster, WritesMoreThanTheDriveBuffers) {
    const u32 sectors = 256;
    std::vector<u8> pattern(sectors * 512);
    for (size_t i = 0; i < pattern.size(); ++i) pattern[i] = static_cast<u8>(i * 31 >> 4);
    memory.write({0x2'0000}, pattern);
    prd(0, 0x2'0000, 0, false); // 64 KiB
    prd(1, 0x3'0000, 0, true);
    address_lba28(1000, 0); // 256 sectors; the command first, then the engine
    command(AtaCommand::WriteDma);
    clock.run_next();
    start(false);
    EXPECT_EQ(wait() & (BSY | DRQ | ERR), 0);
    EXPECT_EQ(status() & 7, 4);
    EXPECT_TRUE(std::equal(pattern.begin(), pattern.end(), medium.bytes.begin() + 1000 * 512));
}

TEST_F(IdeBusMaster, TableLongerThanTheTransferLeavesTheEngineActive) {
    prd(0, 0x2000, 0x1000, true);
    start(true);
    address_lba28(1, 1);
    command(AtaCommand::ReadDma);
    wait();
    EXPECT_EQ(status() & 7, 5);
    bus.write(bm, 0, 1);
    EXPECT_EQ(status() & 7, 4);
}

TEST_F(IdeBusMaster, TableShorterThanTheTransferLeavesTheDriveWaiting) {
    prd(0, 0x2000, 0x200, true);
    start(true);
    address_lba28(1, 2);
    command(AtaCommand::ReadDma);
    wait();
    EXPECT_EQ(status() & 7, 0);
    EXPECT_EQ(irqs, 0);
    EXPECT_EQ(alternate_status() & BSY, BSY);
    device_control(4); // the driver's timeout
    device_control(0);
    EXPECT_EQ(wait(), DRDY | DSC);
}

TEST_F(IdeBusMaster, WrongDirectionAndDisabledMasterMoveNothing) {
    prd(0, 0x2000, 0x200, true);
    start(false);
    address_lba28(1, 1);
    command(AtaCommand::ReadDma);
    wait();
    EXPECT_EQ(ram(0x2000, 512), std::vector<u8>(512));
    device_control(4);
    device_control(0);
    wait();
    bus.write(bm, 0, 1);
    engine.set_enabled(false);
    start(true);
    address_lba28(1, 1);
    command(AtaCommand::ReadDma);
    wait();
    EXPECT_EQ(ram(0x2000, 512), std::vector<u8>(512));
    engine.set_enabled(true);
    EXPECT_EQ(wait() & (BSY | ERR), 0);
    EXPECT_EQ(ram(0x2000, 1)[0], 1);
}

TEST_F(IdeBusMaster, TablesOutsideRamAndWithoutEndAreHarmless) {
    bus.write(bm + 4, 0xF000'0000, 4); // nobody there: PRDs of ones
    bus.write(bm, 9, 1);
    address_lba28(0, 0);
    command(AtaCommand::ReadDma);
    wait();
    bus.write(bm, 0, 1);
    device_control(4);
    device_control(0);
    wait();
    // A table that fills its 64 KiB with regions of two bytes and no end.
    for (u32 i = 0; i < 8192; ++i) {
        memory.write({0x1'0000 + i * 8}, 0x8000, 4);
        memory.write({0x1'0000 + i * 8 + 4}, 2, 4);
    }
    bus.write(bm + 4, 0x1'0000, 4);
    bus.write(bm, 9, 1);
    address_lba28(0, 0);
    command(AtaCommand::ReadDma);
    EXPECT_EQ(wait() & (BSY | ERR), 0);
}

TEST_F(IdeBusMaster, ReadErrorInDmaIsReported) {
    medium.bad_sector = 3;
    prd(0, 0x2000, 0x1000, true);
    start(true);
    address_lba28(0, 8);
    command(AtaCommand::ReadDma);
    EXPECT_EQ(wait() & (BSY | ERR), ERR);
    EXPECT_EQ(in(AtaReg::ErrorFeatures), ata_error::UNC);
    EXPECT_EQ(ram(0x2000 + 2 * 512, 1)[0], 2);
    EXPECT_EQ(status() & 4, 4);
}

TEST(PiixIdeTest, DecodesChannelsAsItsTimingRegistersSay) {
    EventQueue clock;
    PortBus bus;
    PhysicalMemory memory(1 << 20);
    IdeChannel primary(ide_primary);
    IdeChannel secondary(ide_secondary);
    PiixIde ide(PiixModel::Piix3, bus, memory, primary, secondary);
    EXPECT_EQ(ide.read_config(0x00, 4), 0x7010'8086u);
    EXPECT_EQ(ide.read_config(0x08, 4) >> 8, 0x01'0180u);
    ide.write_config(0x20, 0xFFFF'FFFF, 4);
    EXPECT_EQ(ide.read_config(0x20, 4), 0xFFFF'FFF1u);
    EXPECT_TRUE(bus.is_mapped(0x1F7));
    EXPECT_TRUE(bus.is_mapped(0x376));
    ide.write_config(0x42, 0, 2);
    EXPECT_FALSE(bus.is_mapped(0x177));
    EXPECT_TRUE(bus.is_mapped(0x3F6));
    ide.reset();
    EXPECT_TRUE(bus.is_mapped(0x177));
}

} // namespace
} // namespace truering
