#include "devices/atapi_cdrom.hpp"

#include "devices/bus_master_ide.hpp"
#include "tests/unit/devices/ide_bench.hpp"
#include "tests/unit/devices/memory_medium.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace truering {
namespace {

using namespace ata_status;
using Bytes = std::vector<u8>;

struct AtapiTest : ::testing::Test, IdeBench {
    MemoryMedium disc{4 * 400}; // 400 blocks
    AtapiCdrom drive{clock};
    std::vector<size_t> chunks;

    AtapiTest() {
        channel.attach(0, &drive);
        drive.insert(disc);
        packet({0x00}); // takes the unit attention
    }

    // Sends a command packet; gives what comes back until the command ends. `limit` is the byte count limit.
    Bytes packet(Bytes bytes, u32 limit = 0xFFFE, const Bytes& parameters = {}) {
        Bytes data;
        chunks.clear();
        bytes.resize(12);
        out(AtaReg::ErrorFeatures, 0);
        out(AtaReg::LbaMid, limit);
        out(AtaReg::LbaHigh, limit >> 8);
        command(AtaCommand::Packet);
        EXPECT_EQ(wait() & (DRQ | BSY), DRQ);
        EXPECT_EQ(in(AtaReg::SectorCount)&3, 1); // command
        interrupts = 0;
        write_block(bytes);
        while ((wait() & DRQ) != 0) {
            const size_t count = in(AtaReg::LbaMid) | size_t{in(AtaReg::LbaHigh)} << 8;
            chunks.push_back(count);
            if ((in(AtaReg::SectorCount)&3) == 0) {
                write_block(parameters);
                continue;
            }
            EXPECT_EQ(in(AtaReg::SectorCount)&3, 2); // data to the host
            const Bytes block = read_block(count);
            data.insert(data.end(), block.begin(), block.end());
        }
        EXPECT_EQ(in(AtaReg::SectorCount)&3, 3); // status
        EXPECT_EQ(interrupts, static_cast<int>(chunks.size()) + 1);
        return data;
    }
    bool failed() { return (in(AtaReg::StatusCommand)&ERR) != 0; }
    // Sense key, code, qualifier.
    Bytes sense() {
        const Bytes data = packet({0x03, 0, 0, 0, 18});
        return data.size() == 18 ? Bytes{data[2], data[12], data[13]} : Bytes{};
    }
    Bytes block(u64 number, u64 count = 1) const {
        const auto first = disc.bytes.begin() + static_cast<std::ptrdiff_t>(number * 2048);
        return {first, first + static_cast<std::ptrdiff_t>(count * 2048)};
    }
};

TEST_F(AtapiTest, SignatureTellsAPacketDevice) {
    device_control(4);
    device_control(0);
    EXPECT_EQ(wait(), 0); // not ready before a command
    EXPECT_EQ(in(AtaReg::LbaMid), 0x14);
    EXPECT_EQ(in(AtaReg::LbaHigh), 0xEB);
    out(AtaReg::LbaMid, 0);
    command(AtaCommand::IdentifyDevice);
    EXPECT_EQ(wait() & (ERR | DRQ), ERR);
    EXPECT_EQ(in(AtaReg::LbaMid), 0x14);
    EXPECT_EQ(in(AtaReg::LbaHigh), 0xEB);
    command(AtaCommand::IdentifyPacketDevice);
    EXPECT_EQ(wait() & (ERR | DRQ), DRQ);
    const Bytes id = read_block(512);
    EXPECT_EQ(id[1] & 0xDF, 0x85); // ATAPI, CD-ROM
    EXPECT_EQ(id[0] & 3, 0);       // packets of 12 bytes
}

TEST_F(AtapiTest, DeviceResetWorksWhileBusyAndWithoutInterrupt) {
    packet({0x25});
    out(AtaReg::LbaMid, 0);
    out(AtaReg::LbaHigh, 8);
    command(AtaCommand::Packet);
    write_block(Bytes{0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0});
    EXPECT_EQ(alternate_status() & BSY, BSY);
    interrupts = 0;
    command(AtaCommand::DeviceReset);
    EXPECT_EQ(alternate_status(), 0);
    EXPECT_EQ(in(AtaReg::LbaHigh), 0xEB);
    clock.advance(1'000'000'000);
    EXPECT_EQ(interrupts, 0);
}

TEST_F(AtapiTest, ReadsBlocksInChunksOfTheByteCountLimit) {
    EXPECT_EQ(packet({0x28, 0, 0, 0, 0, 10, 0, 0, 3, 0}, 2048), block(10, 3));
    EXPECT_EQ(chunks, (std::vector<size_t>{2048, 2048, 2048}));
    EXPECT_EQ(packet({0x28, 0, 0, 0, 0, 10, 0, 0, 2, 0}, 0x501), block(10, 2)); // an odd limit, rounded down
    EXPECT_EQ(chunks, (std::vector<size_t>{0x500, 0x500, 0x500, 0x100}));
    EXPECT_EQ(packet({0xA8, 0, 0, 0, 0, 0, 0, 0, 0, 40}), block(0, 40));
    EXPECT_EQ(packet({0x28, 0, 0, 0, 0, 5, 0, 0, 0, 0}), Bytes{}); // nothing is no error
    EXPECT_FALSE(failed());
}

TEST_F(AtapiTest, ReadsByBusMaster) {
    PhysicalMemory memory(1 << 20);
    IdeChannel other(ide_secondary);
    BusMasterIde engine(memory, channel, other);
    bus.map(0xC000, 16, engine, PortWidth::Dword);
    engine.set_enabled(true);
    memory.write({0x1000}, 0x8000, 4);
    memory.write({0x1004}, 0x8000'0000 | 20 * 2048, 4);
    bus.write(0xC004, 0x1000, 4);
    bus.write(0xC000, 9, 1);
    out(AtaReg::ErrorFeatures, 1);
    command(AtaCommand::Packet);
    write_block(Bytes{0x28, 0, 0, 0, 0, 7, 0, 0, 20, 0, 0, 0});
    EXPECT_EQ(wait() & (BSY | DRQ | ERR), 0);
    EXPECT_EQ(bus.read(0xC002, 1) & 7, 4u);
    Bytes read(20 * 2048);
    memory.read({0x8000}, read);
    EXPECT_EQ(read, block(7, 20));
}

TEST_F(AtapiTest, OutOfRangeAndHostErrors) {
    packet({0x28, 0, 0, 0, 1, 0x8F, 0, 0, 2, 0}); // block 399, two of them
    EXPECT_TRUE(failed());
    EXPECT_EQ(in(AtaReg::ErrorFeatures) >> 4, 5);
    EXPECT_EQ(sense(), (Bytes{5, 0x21, 0}));
    EXPECT_EQ(sense(), (Bytes{0, 0, 0})); // told once
    packet({0xA8, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
    EXPECT_EQ(sense(), (Bytes{5, 0x21, 0}));
    disc.bad_sector = 4 * 12 + 1;
    EXPECT_EQ(packet({0x28, 0, 0, 0, 0, 10, 0, 0, 5, 0}), block(10, 2));
    EXPECT_TRUE(failed());
    EXPECT_EQ(sense(), (Bytes{3, 0x11, 0}));
    packet({0xF7});
    EXPECT_EQ(sense(), (Bytes{5, 0x20, 0}));
}

TEST_F(AtapiTest, ChangedDiscIsTold) {
    MemoryMedium other(4 * 50);
    drive.eject();
    packet({0x00});
    EXPECT_TRUE(failed());
    EXPECT_EQ(sense(), (Bytes{2, 0x3A, 1}));
    drive.insert(other);
    packet({0x12, 0, 0, 0, 36}); // asks about the drive: not refused
    EXPECT_FALSE(failed());
    packet({0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0});
    EXPECT_TRUE(failed());
    EXPECT_EQ(sense(), (Bytes{6, 0x28, 0}));
    packet({0x00});
    EXPECT_FALSE(failed());
    const Bytes capacity = packet({0x25});
    EXPECT_EQ(capacity, (Bytes{0, 0, 0, 49, 0, 0, 8, 0}));
}

TEST_F(AtapiTest, TrayEjectsLoadsAndLocks) {
    packet({0x1E, 0, 0, 0, 1});
    packet({0x1B, 0, 0, 0, 2});
    EXPECT_EQ(sense(), (Bytes{5, 0x53, 2}));
    EXPECT_FALSE(drive.press_eject());
    packet({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8});
    packet({0x1E, 0, 0, 0, 0});
    packet({0x1B, 0, 0, 0, 2});
    EXPECT_TRUE(drive.is_tray_open());
    EXPECT_EQ(packet({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8}), (Bytes{0, 6, 4, 0x10, 3, 1, 0, 0}));
    packet({0x00});
    EXPECT_EQ(sense(), (Bytes{2, 0x3A, 2}));
    packet({0x1B, 0, 0, 0, 3});
    packet({0x00});
    EXPECT_EQ(sense(), (Bytes{6, 0x28, 0}));
    EXPECT_EQ(packet({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8}), (Bytes{0, 6, 4, 0x10, 2, 2, 0, 0}));
    EXPECT_EQ(packet({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8}), (Bytes{0, 6, 4, 0x10, 0, 2, 0, 0}));
    EXPECT_TRUE(drive.press_eject());
    EXPECT_FALSE(drive.has_disc());
}

TEST_F(AtapiTest, TableOfContents) {
    EXPECT_EQ(packet({0x43, 0, 0, 0, 0, 0, 0, 0, 100}),
              (Bytes{0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xAA, 0, 0, 0, 1, 0x90}));
    // As times: 400 blocks and two seconds are 00:07:25.
    EXPECT_EQ(packet({0x43, 2, 0, 0, 0, 0, 0xAA, 0, 100}), (Bytes{0, 10, 1, 1, 0, 0x14, 0xAA, 0, 0, 0, 7, 25}));
    EXPECT_EQ(packet({0x43, 0, 0, 0, 0, 0, 0, 0, 100, 0x40}), (Bytes{0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0}));
    const Bytes full = packet({0x43, 0, 2, 0, 0, 0, 0, 0, 100});
    ASSERT_EQ(full.size(), 48u);
    EXPECT_EQ((Bytes{full.begin() + 26, full.begin() + 37}), (Bytes{1, 0x14, 0, 0xA2, 0, 0, 0, 0, 0, 7, 25}));
    EXPECT_EQ(packet({0x43, 0, 0, 0, 0, 0, 0, 0, 6}).size(), 6u); // the allocation length
    packet({0x43, 0, 0, 0, 0, 0, 2, 0, 100});
    EXPECT_EQ(sense(), (Bytes{5, 0x24, 0}));
}

TEST_F(AtapiTest, InquiryAndShortReplies) {
    const Bytes all = packet({0x12, 0, 0, 0, 200});
    ASSERT_EQ(all.size(), 36u);
    EXPECT_EQ(all[0], 5);
    EXPECT_EQ(all[1], 0x80);
    EXPECT_EQ(std::string(all.begin() + 8, all.begin() + 22), "TRUERINGCD-ROM");
    EXPECT_EQ(packet({0x12, 0, 0, 0, 5}), (Bytes{all.begin(), all.begin() + 5})); // an odd length
    EXPECT_EQ(packet({0x12, 0, 0, 0, 0}), Bytes{});
    EXPECT_FALSE(failed());
    packet({0x12, 1, 0x80, 0, 200});
    EXPECT_EQ(sense(), (Bytes{5, 0x24, 0}));
}

TEST_F(AtapiTest, ModesAreSensedAndSelected) {
    Bytes page = packet({0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 200});
    ASSERT_EQ(page.size(), 30u);
    EXPECT_EQ(page[1], 28);
    EXPECT_EQ(page[8], 0x2A);
    EXPECT_EQ(page[14] & 2, 0);
    packet({0x1E, 0, 0, 0, 1});
    EXPECT_EQ(packet({0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 200})[14] & 2, 2); // locked
    EXPECT_EQ(packet({0x5A, 0, 0x3F, 0, 0, 0, 0, 1, 0}).size(), 8u + 8 + 16 + 22);
    const Bytes list{0, 0, 0, 0, 0, 0, 0, 0, 0x0E, 14, 4, 0, 0, 0, 0, 0, 1, 0x55, 2, 0x66, 0, 0, 0, 0};
    packet({0x55, 0x10, 0, 0, 0, 0, 0, 0, 24}, 0xFFFE, list);
    EXPECT_FALSE(failed());
    page = packet({0x5A, 0, 0x0E, 0, 0, 0, 0, 0, 200});
    EXPECT_EQ(page[8 + 9], 0x55);
    EXPECT_EQ(page[8 + 11], 0x66);
    packet({0x55, 0x10, 0, 0, 0, 0, 0, 0, 24}, 0xFFFE,
           Bytes{0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 99, 0, 0,
                 0, 0, 0, 0, 0, 0, 0,    0,    0, 0,  0, 0}); // block descriptors past the end
    EXPECT_FALSE(failed());
    packet({0x15, 0x10, 0, 0, 6}, 0xFFFE, Bytes{0, 0, 0, 0, 1, 99});
    EXPECT_EQ(sense(), (Bytes{5, 0x1A, 0}));
    packet({0x5A, 0, 0xEA, 0, 0, 0, 0, 0, 200});
    EXPECT_EQ(sense(), (Bytes{5, 0x39, 0}));
}

TEST_F(AtapiTest, ProfilesFollowTheDisc) {
    Bytes reply = packet({0x46, 2, 0, 0, 0, 0, 0, 0, 200});
    EXPECT_EQ((Bytes{reply[6], reply[7]}), (Bytes{0, 8})); // CD-ROM
    EXPECT_EQ(reply.size(), 20u);
    reply = packet({0x46, 0, 0, 0, 0, 0, 0, 0, 200});
    EXPECT_EQ(reply.size() - 4, u32{reply[3]});
    drive.eject();
    reply = packet({0x46, 2, 0, 0, 0, 0, 0, 0, 200});
    EXPECT_EQ((Bytes{reply[6], reply[7]}), (Bytes{0, 0}));
}

// ECMA-130 annex A: every code word's bytes add up to zero, plain and weighted with powers of alpha.
u8 weighted_sum(const std::vector<u8>& word) {
    u8 sum = 0;
    for (u8 byte : word) sum = static_cast<u8>((sum << 1) ^ ((sum & 0x80) != 0 ? 0x1D : 0) ^ byte);
    return sum;
}
u8 plain_sum(const std::vector<u8>& word) {
    u8 sum = 0;
    for (u8 byte : word) sum = static_cast<u8>(sum ^ byte);
    return sum;
}

TEST_F(AtapiTest, ReadCdMakesWholeSectors) {
    const Bytes raw = packet({0xBE, 0, 0, 0, 0, 75, 0, 0, 1, 0xF8, 0});
    ASSERT_EQ(raw.size(), 2352u);
    EXPECT_EQ((Bytes{raw.begin(), raw.begin() + 3}), (Bytes{0, 0xFF, 0xFF}));
    EXPECT_EQ((Bytes{raw.begin() + 12, raw.begin() + 16}), (Bytes{0, 3, 0, 1})); // 00:03:00, mode 1
    EXPECT_EQ((Bytes{raw.begin() + 16, raw.begin() + 16 + 2048}), block(75));
    for (size_t column = 0; column < 86; ++column) { // P
        std::vector<u8> word;
        for (size_t row = 0; row < 26; ++row) word.push_back(raw[12 + row * 86 + column]);
        EXPECT_EQ(plain_sum(word), 0) << column;
        EXPECT_EQ(weighted_sum(word), 0) << column;
    }
    for (size_t diagonal = 0; diagonal < 26; ++diagonal) // Q
        for (size_t byte = 0; byte < 2; ++byte) {
            std::vector<u8> word;
            for (size_t i = 0; i < 43; ++i) word.push_back(raw[12 + 2 * ((44 * i + 43 * diagonal) % 1118) + byte]);
            word.push_back(raw[2248 + 2 * diagonal + byte]);
            word.push_back(raw[2300 + 2 * diagonal + byte]);
            EXPECT_EQ(plain_sum(word), 0) << diagonal;
            EXPECT_EQ(weighted_sum(word), 0) << diagonal;
        }
    EXPECT_EQ(packet({0xBE, 0, 0, 0, 0, 75, 0, 0, 2, 0x10, 0}), block(75, 2));
    EXPECT_EQ(packet({0xB9, 0, 0, 0, 3, 0, 0, 3, 2, 0x10, 0}), block(75, 2));
    EXPECT_EQ(packet({0xBE, 0, 0, 0, 0, 75, 0, 0, 3, 0xFC, 0}).size(), 3u * (2352 + 296));
    packet({0xBE, 4, 0, 0, 0, 75, 0, 0, 1, 0x10, 0}); // as audio
    EXPECT_EQ(sense(), (Bytes{5, 0x64, 0}));
}

TEST_F(AtapiTest, SubchannelDiscTrackAndMechanism) {
    EXPECT_EQ(packet({0x42, 2, 0x40, 1, 0, 0, 0, 0, 16}),
              (Bytes{0, 0x15, 0, 12, 1, 0x14, 1, 1, 0, 0, 2, 0, 0, 0, 2, 0}));
    const Bytes disc_information = packet({0x51, 0, 0, 0, 0, 0, 0, 0, 100});
    EXPECT_EQ(disc_information.size(), 34u);
    EXPECT_EQ(disc_information[2] & 0x0F, 0x0E);
    EXPECT_EQ(packet({0x52, 1, 0, 0, 0, 1, 0, 0, 100}).size(), 36u);
    EXPECT_EQ(packet({0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8}).size(), 8u);
    packet({0x2B, 0, 0, 0, 1, 0x90});
    EXPECT_EQ(sense(), (Bytes{5, 0x21, 0}));
}

TEST_F(AtapiTest, RandomPacketsDoNoHarm) {
    u32 seed = 3;
    auto random = [&seed] { return seed = seed * 1664525 + 1013904223, seed >> 8; };
    const u8 codes[] = {0x00, 0x03, 0x12, 0x15, 0x1A, 0x1B, 0x1E, 0x25, 0x28, 0x2B, 0x42, 0x43, 0x46,
                        0x4A, 0x51, 0x52, 0x55, 0x5A, 0xA8, 0xAD, 0xB9, 0xBB, 0xBD, 0xBE, 0x45, 0x4E};
    for (int i = 0; i < 600; ++i) {
        Bytes bytes(12);
        for (u8& byte : bytes) byte = static_cast<u8>(random() % 4 != 0 ? random() % 4 : random());
        bytes[0] = codes[random() % std::size(codes)];
        Bytes parameters(65536);
        for (u8& byte : parameters) byte = static_cast<u8>(random());
        packet(bytes, random(), parameters);
        if (drive.is_tray_open()) packet({0x1B, 0, 0, 0, 3});
    }
    packet({0x00});
    packet({0x00});
    EXPECT_FALSE(failed());
}

} // namespace
} // namespace truering
