#include "devices/fdc_82078.hpp"

#include "tests/unit/devices/memory_medium.hpp"
#include "tests/unit/devices/test_clock.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace truering {
namespace {

// Channel 2 with `count` bytes of memory to go; TC with the last of them.
struct FakeDma final : DmaChannel {
    std::vector<u8> memory;
    size_t next = 0;
    size_t at_once = ~size_t{0};
    bool masked = false;
    DmaDirection programmed = DmaDirection::Write;

    void program(size_t count, DmaDirection direction, u8 fill = 0) {
        memory.assign(count, fill);
        next = 0;
        programmed = direction;
    }
    DmaResult transfer(std::span<u8> data, DmaDirection direction) override {
        if (!ready(direction)) return {};
        const size_t count = std::min({data.size(), memory.size() - next, at_once});
        for (size_t i = 0; i < count; ++i, ++next) {
            if (direction == DmaDirection::Write)
                memory[next] = data[i];
            else
                data[i] = memory[next];
        }
        return {static_cast<u32>(count), next == memory.size()};
    }
    void set_dreq(bool) override {}
    bool ready(DmaDirection direction) const override {
        return !masked && direction == programmed && next < memory.size();
    }
};

struct Fdc82078Test : ::testing::Test {
    using Bytes = std::vector<u8>;

    EventQueue clock;
    PortBus bus;
    FakeDma dma;
    MemoryMedium disk{2880};
    Fdc82078 fdc{clock, FloppyDriveType::Inch3_1440K, FloppyDriveType::None};
    int interrupts = 0;

    Fdc82078Test() {
        fdc.connect_dma(dma);
        fdc.map(bus);
        fdc.irq.connect_to<&Fdc82078Test::hear>(*this);
        fdc.drive(0).insert(disk);
        start_controller();
    }
    void hear(unsigned, bool level) {
        if (level) ++interrupts;
    }
    u8 in(unsigned offset) { return static_cast<u8>(bus.read(static_cast<u16>(0x3F0 + offset), 1)); }
    void out(unsigned offset, u32 value) { bus.write(static_cast<u16>(0x3F0 + offset), value, 1); }

    void start_controller() {
        out(2, 0x00);
        out(2, 0x1C);
        out(7, 0);
        clock.run_next();
        for (int i = 0; i < 4; ++i) sense_interrupt();
        interrupts = 0;
    }
    void send(const Bytes& bytes) {
        for (u8 byte : bytes) {
            ASSERT_EQ(in(4) & 0xC0, 0x80) << "controller not ready for a command byte";
            out(5, byte);
        }
    }
    Bytes results() {
        Bytes bytes;
        while ((in(4) & 0xD0) == 0xD0 && bytes.size() < 20) bytes.push_back(in(5));
        return bytes;
    }
    Bytes sense_interrupt() {
        send({0x08});
        return results();
    }
    Bytes run(const Bytes& bytes) {
        send(bytes);
        for (int i = 0; i < 10000 && (in(4) & 0xD0) != 0xD0; ++i)
            if (!clock.run_next()) break;
        return results();
    }
    void seek(u8 cylinder) {
        send({0x0F, 0x00, cylinder});
        clock.run_next();
        EXPECT_EQ(sense_interrupt(), (Bytes{0x20, cylinder}));
    }
    Bytes sector(u64 lba) const {
        const auto first = disk.bytes.begin() + static_cast<std::ptrdiff_t>(lba * 512);
        return {first, first + 512};
    }
};

TEST_F(Fdc82078Test, ResetLeavesFourStatusesAndOneInterrupt) {
    out(2, 0x00);
    EXPECT_EQ(in(4), 0x00);
    out(2, 0x0C);
    clock.run_next();
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(in(4), 0x80);
    for (u8 i = 0; i < 4; ++i) EXPECT_EQ(sense_interrupt(), (Bytes{static_cast<u8>(0xC0 | i), 0}));
    EXPECT_FALSE(fdc.irq.level());
    EXPECT_EQ(sense_interrupt(), Bytes{0x80}); // nothing left: an invalid command
}

TEST_F(Fdc82078Test, DataRateSelectResetsAndClearsItself) {
    out(4, 0x80);
    EXPECT_EQ(in(4), 0x00);
    clock.run_next();
    EXPECT_EQ(in(4), 0x80);
    EXPECT_EQ(interrupts, 1);
}

TEST_F(Fdc82078Test, InterruptsNeedDmagate) {
    out(2, 0x14);
    send({0x07, 0x00});
    clock.run_next();
    EXPECT_FALSE(fdc.irq.level());
    out(2, 0x1C);
    EXPECT_TRUE(fdc.irq.level());
}

TEST_F(Fdc82078Test, SeekAndRecalibrate) {
    send({0x0F, 0x00, 40});
    EXPECT_EQ(in(4), 0x81); // ready for commands, drive 0 busy
    clock.run_next();
    EXPECT_EQ(in(4), 0x80);
    EXPECT_TRUE(fdc.irq.level());
    EXPECT_EQ(sense_interrupt(), (Bytes{0x20, 40}));
    EXPECT_EQ(run({0x04, 0x00}), Bytes{0x28});
    send({0x07, 0x00});
    clock.run_next();
    EXPECT_EQ(sense_interrupt(), (Bytes{0x20, 0}));
    EXPECT_EQ(run({0x04, 0x00}), Bytes{0x38}); // track 0
}

TEST_F(Fdc82078Test, RecalibratingADriveThatIsNotThereFindsNoTrackZero) {
    send({0x07, 0x01});
    clock.run_next();
    EXPECT_EQ(sense_interrupt(), (Bytes{0x71, 0}));
}

TEST_F(Fdc82078Test, ReadsUntilTerminalCount) {
    seek(2);
    dma.program(3 * 512, DmaDirection::Write);
    interrupts = 0;
    // Cylinder 2, head 1, from sector 4.
    EXPECT_EQ(run({0x46, 0x04, 2, 1, 4, 2, 18, 0x1B, 0xFF}), (Bytes{0x04, 0, 0, 2, 1, 7, 2}));
    EXPECT_EQ(interrupts, 1);
    EXPECT_FALSE(fdc.irq.level()); // reading the result took it back
    const u64 lba = (2 * 2 + 1) * 18 + 3;
    for (u64 i = 0; i < 3; ++i)
        EXPECT_TRUE(std::equal(dma.memory.begin() + static_cast<std::ptrdiff_t>(i * 512),
                               dma.memory.begin() + static_cast<std::ptrdiff_t>(i * 512 + 512),
                               sector(lba + i).begin()));
}

TEST_F(Fdc82078Test, MultiTrackGoesOnOnTheOtherSide) {
    dma.program(36 * 512, DmaDirection::Write);
    EXPECT_EQ(run({0xE6, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF}), (Bytes{0x04, 0, 0, 1, 0, 1, 2}));
    EXPECT_EQ(dma.memory[35 * 512], 35);
    dma.program(18 * 512, DmaDirection::Write);
    // TC with the last sector of side 0: the next one would be on side 1.
    const Bytes result = run({0xE6, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF});
    EXPECT_EQ(result[0] & 0xC0, 0);
    EXPECT_EQ((Bytes{result.begin() + 3, result.end()}), (Bytes{0, 1, 1, 2}));
}

TEST_F(Fdc82078Test, EndOfCylinderWithoutTerminalCountIsAnError) {
    dma.program(19 * 512, DmaDirection::Write);
    EXPECT_EQ(run({0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF}), (Bytes{0x40, 0x80, 0, 1, 0, 1, 2}));
}

TEST_F(Fdc82078Test, WritesAndFillsASectorCutShortByTerminalCount) {
    dma.program(512 + 100, DmaDirection::Read, 0xA5);
    EXPECT_EQ(run({0x45, 0x00, 0, 0, 5, 2, 18, 0x1B, 0xFF})[0], 0x00);
    EXPECT_EQ(sector(4), Bytes(512, 0xA5));
    Bytes cut(512);
    std::fill_n(cut.begin(), 100, u8{0xA5});
    EXPECT_EQ(sector(5), cut);
}

TEST_F(Fdc82078Test, WriteProtectAndHostErrors) {
    disk.read_only = true;
    dma.program(512, DmaDirection::Read);
    Bytes result = run({0x45, 0x00, 0, 0, 5, 2, 18, 0x1B, 0xFF});
    EXPECT_EQ((Bytes{result[0], result[1]}), (Bytes{0x40, 0x02}));
    EXPECT_EQ(run({0x04, 0x00}), Bytes{0x78}); // WP and T0
    disk.bad_sector = 1;
    dma.program(1024, DmaDirection::Write);
    result = run({0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF});
    EXPECT_EQ(result, (Bytes{0x40, 0x20, 0x20, 0, 0, 2, 2}));
}

TEST_F(Fdc82078Test, WrongSectorSizeCylinderModeAndRateFindNothing) {
    dma.program(512, DmaDirection::Write);
    EXPECT_EQ(run({0x46, 0, 0, 0, 19, 2, 18, 0x1B, 0xFF})[1], 0x04); // ND: no sector 19
    EXPECT_EQ(run({0x46, 0, 0, 0, 1, 1, 18, 0x1B, 0xFF})[1], 0x04);  // ND: 256 bytes
    const Bytes wrong_cylinder = run({0x46, 0, 5, 0, 1, 2, 18, 0x1B, 0xFF});
    EXPECT_EQ((Bytes{wrong_cylinder[1], wrong_cylinder[2]}), (Bytes{0x04, 0x10}));
    EXPECT_EQ(run({0x06, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF})[1], 0x01); // MA: FM
    out(7, 2);                                                      // 250 kbit/s on a disk of 500
    EXPECT_EQ(run({0x4A, 0x00})[1], 0x01);
    out(7, 0);
    EXPECT_EQ(run({0x4A, 0x00})[0], 0x00);
    EXPECT_EQ(dma.next, 0u);
}

TEST_F(Fdc82078Test, DmaThatComesLateIsWaitedForAndThatNeverComesIsAnOverrun) {
    dma.program(1024, DmaDirection::Write);
    dma.masked = true;
    send({0x46, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF});
    clock.advance(2'000'000);
    EXPECT_EQ(in(4) & 0xD0, 0x10);
    dma.masked = false;
    dma.at_once = 100; // and goes in pieces
    for (int i = 0; i < 100 && (in(4) & 0xD0) != 0xD0; ++i) clock.run_next();
    EXPECT_EQ(results()[0], 0x00);
    EXPECT_EQ(dma.memory[512], 1);
    dma.masked = true;
    const Bytes result = run({0x46, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF});
    EXPECT_EQ((Bytes{result[0], result[1]}), (Bytes{0x40, 0x10}));
}

TEST_F(Fdc82078Test, WithoutDmaBytesGoThroughTheFifoRegister) {
    send({0x03, 0xDF, 0x03}); // SPECIFY with ND
    send({0x46, 0, 0, 0, 1, 2, 2, 0x1B, 0xFF});
    Bytes read;
    for (int i = 0; i < 10000 && read.size() < 1024; ++i) {
        const u8 status = in(4);
        if ((status & 0xA0) == 0xA0) {
            EXPECT_EQ(status & 0x50, 0x50);
            read.push_back(in(5));
        } else {
            clock.run_next();
        }
    }
    EXPECT_EQ(read.size(), 1024u);
    EXPECT_EQ(read[512], 1);
    const Bytes result = results();
    EXPECT_EQ((Bytes{result[0], result[1]}), (Bytes{0x40, 0x80})); // EOT without TC

    send({0x45, 0, 0, 0, 3, 2, 3, 0x1B, 0xFF});
    for (size_t sent = 0; sent < 512;) {
        if ((in(4) & 0xE0) == 0xA0) {
            out(5, 0x77);
            ++sent;
        } else {
            ASSERT_TRUE(clock.run_next());
        }
    }
    EXPECT_EQ(results().size(), 7u);
    EXPECT_EQ(sector(2), Bytes(512, 0x77));
}

TEST_F(Fdc82078Test, FormatFillsTheSectorsThatItIsGiven) {
    seek(1);
    dma.program(18 * 4, DmaDirection::Read);
    for (size_t i = 0; i < 18; ++i) {
        const u8 id[] = {1, 1, static_cast<u8>(i + 1), 2};
        std::copy_n(id, 4, dma.memory.begin() + static_cast<std::ptrdiff_t>(i * 4));
    }
    EXPECT_EQ(run({0x4D, 0x04, 2, 18, 0x50, 0xF6})[0], 0x04);
    const u64 first = (1 * 2 + 1) * 18;
    for (u64 i = 0; i < 18; ++i) EXPECT_EQ(sector(first + i), Bytes(512, 0xF6)) << i;
    EXPECT_NE(sector(first - 1)[511], 0xF6);
    EXPECT_NE(sector(first + 18)[511], 0xF6);
}

TEST_F(Fdc82078Test, VerifyAndReadTrackEndByThemselves) {
    EXPECT_EQ(run({0x56, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF})[0], 0x00);
    EXPECT_EQ(run({0x56, 0x80, 0, 0, 3, 2, 18, 0x1B, 4}), (Bytes{0, 0, 0, 0, 0, 7, 2}));
    dma.program(100 * 512, DmaDirection::Write);
    EXPECT_EQ(run({0x42, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF})[0], 0x00);
    EXPECT_EQ(dma.next, 18u * 512);
    EXPECT_EQ(dma.memory[17 * 512], 17);
}

TEST_F(Fdc82078Test, IdentityConfigurationAndLock) {
    EXPECT_EQ(run({0x10}), Bytes{0x90});
    EXPECT_EQ(run({0x18}), Bytes{0x41});
    send({0x13, 0x00, 0x57, 0x11});
    EXPECT_EQ(run({0x94}), Bytes{0x10});
    EXPECT_EQ(run({0x0E}).size(), 10u);
    start_controller();
    Bytes dump = run({0x0E});
    EXPECT_EQ(dump[7] & 0x80, 0x80);
    EXPECT_EQ(dump[8], 0x07); // FIFO kept by LOCK, implied seek and polling back at their defaults
    EXPECT_EQ(dump[9], 0x11);
    EXPECT_EQ(run({0x14}), Bytes{0x00});
    start_controller();
    dump = run({0x0E});
    EXPECT_EQ(dump[8], 0x20);
    for (const u32 code : {0x00u, 0x01u, 0x0Bu, 0x11u, 0x15u, 0x19u, 0x1Du, 0x1Fu, 0x25u, 0xFFu})
        EXPECT_EQ(run({static_cast<u8>(code)}), Bytes{0x80});
}

TEST_F(Fdc82078Test, ImpliedSeekMovesTheHead) {
    send({0x13, 0x00, 0x47, 0x00});
    dma.program(512, DmaDirection::Write);
    EXPECT_EQ(run({0x46, 0x00, 7, 0, 1, 2, 18, 0x1B, 0xFF})[0], 0x00);
    EXPECT_EQ(dma.memory[0], 7 * 36);
}

TEST_F(Fdc82078Test, ChangeLineFallsWithAStepAndOnlyWithADisk) {
    EXPECT_EQ(in(7), 0x80); // since power-on
    seek(1);
    EXPECT_EQ(in(7), 0x00);
    fdc.drive(0).eject();
    EXPECT_EQ(in(7), 0x80);
    seek(2);
    EXPECT_EQ(in(7), 0x80);
    EXPECT_EQ(run({0x4A, 0x00})[1], 0x01);
    MemoryMedium other(1440); // 720 KB
    EXPECT_TRUE(fdc.drive(0).insert(other));
    EXPECT_EQ(in(7), 0x80);
    seek(2); // no step, no change
    EXPECT_EQ(in(7), 0x80);
    seek(3);
    EXPECT_EQ(in(7), 0x00);
    out(7, 2);
    dma.program(512, DmaDirection::Write);
    EXPECT_EQ(run({0x46, 0x00, 3, 0, 1, 2, 9, 0x1B, 0xFF})[0], 0x00);
    EXPECT_EQ(dma.memory[0], 3 * 18);
    MemoryMedium odd(1000);
    EXPECT_FALSE(fdc.drive(0).insert(odd));
    EXPECT_FALSE(fdc.drive(0).has_disk());
}

TEST_F(Fdc82078Test, EveryFormatIsReadableToItsLastSector) {
    for (const FloppyFormat& format : floppy_formats) {
        MemoryMedium medium(format.total());
        fdc.drive(0).insert(medium);
        out(7, static_cast<u32>(format.rate));
        const u8 cylinder = static_cast<u8>(format.cylinders - 1);
        const u8 head = static_cast<u8>(format.heads - 1);
        seek(cylinder);
        dma.program(512, DmaDirection::Write);
        const Bytes result =
            run({0x46, static_cast<u8>(head << 2), cylinder, head, format.sectors, 2, format.sectors, 0x1B, 0xFF});
        EXPECT_EQ(result[0] & 0xC0, 0) << format.total();
        const u32 last = format.total() - 1;
        EXPECT_EQ(dma.memory[0] | dma.memory[1] << 8, static_cast<int>(last));
        const Bytes beyond = run({0x46, static_cast<u8>(head << 2), cylinder, head, static_cast<u8>(format.sectors + 1),
                                  2, 0xFF, 0x1B, 0xFF});
        EXPECT_EQ(beyond[1], 0x04);
    }
}

TEST(FloppyDrive, DoubleDensityIn1200KDriveStepsTwiceAndTurnsFaster) {
    MemoryMedium medium(720); // 360 KB
    FloppyDrive drive(FloppyDriveType::Inch5_1200K);
    ASSERT_TRUE(drive.insert(medium));
    EXPECT_EQ(drive.rate(), FloppyRate::Kbps300);
    drive.step_in(20);
    EXPECT_EQ(drive.track(), 10);
    drive.step_in(100);
    EXPECT_EQ(drive.track(), std::nullopt);
}

TEST_F(Fdc82078Test, RandomAccessesDoNoHarm) {
    u32 seed = 7;
    auto random = [&seed] { return seed = seed * 1664525 + 1013904223, seed >> 9; };
    for (int i = 0; i < 300000; ++i) {
        const u32 dice = random() % 32;
        if (dice < 20)
            out(5, random());
        else if (dice < 24)
            in(random() % 8);
        else if (dice < 25)
            out(random() % 8, random());
        else if (dice < 26)
            dma.program(random() % 3000, random() % 2 != 0 ? DmaDirection::Write : DmaDirection::Read);
        else
            clock.run_next();
        if (i % 1000 == 0) out(2, 0x1C);
    }
    start_controller();
    EXPECT_EQ(in(4), 0x80);
}

} // namespace
} // namespace truering
