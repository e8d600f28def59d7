#include "devices/dma_controller.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace truering {
namespace {

class DmaTest : public testing::Test {
  protected:
    DmaTest() {
        dma.map(bus);
        dma.reset();
    }
    void out(u16 port, u32 value) { bus.write(port, value, 1); }
    u32 in(u16 port) { return bus.read(port, 1); }

    // Channel 2, as a floppy driver does it.
    void program2(u32 address, u32 count, u8 mode) {
        out(0x0A, 6);
        out(0x0C, 0);
        out(0x0B, mode);
        out(0x04, address & 0xFF);
        out(0x04, address >> 8 & 0xFF);
        out(0x81, address >> 16);
        out(0x05, (count - 1) & 0xFF);
        out(0x05, (count - 1) >> 8);
        out(0x0A, 2);
    }
    std::vector<u8> sequence(size_t n) {
        std::vector<u8> bytes(n);
        std::iota(bytes.begin(), bytes.end(), u8{1});
        return bytes;
    }

    PhysicalMemory memory{1 << 20};
    PortBus bus;
    DmaController dma{memory};
};

TEST_F(DmaTest, MovesASectorAndReportsTerminalCountOnce) {
    program2(0x12340, 512, 0x46);
    std::vector<u8> sector = sequence(300);
    DmaResult result = dma.channel(2).transfer(sector, DmaDirection::Write);
    EXPECT_EQ(result.bytes, 300u);
    EXPECT_FALSE(result.terminal_count);
    EXPECT_EQ(in(0x08), 0u);
    result = dma.channel(2).transfer(sector, DmaDirection::Write);
    EXPECT_EQ(result.bytes, 212u);
    EXPECT_TRUE(result.terminal_count);
    EXPECT_EQ(memory.read({0x12340}, 4), 0x04030201u);
    EXPECT_EQ(memory.read({0x12340 + 300}, 1), 1u);
    EXPECT_EQ(memory.read({0x12340 + 512}, 1), 0u);
    EXPECT_EQ(in(0x08), 4u);
    EXPECT_EQ(in(0x08), 0u);                                                   // reading cleared it
    EXPECT_EQ(dma.channel(2).transfer(sector, DmaDirection::Write).bytes, 0u); // masked by its end
    EXPECT_EQ(in(0x0F) & 4, 4u);
}

TEST_F(DmaTest, ReadsMemoryAndChecksDirectionMaskAndEnable) {
    memory.write({0x8000}, 0x44332211, 4);
    program2(0x8000, 4, 0x4A);
    std::vector<u8> bytes(4);
    EXPECT_FALSE(dma.channel(2).ready(DmaDirection::Write));
    EXPECT_EQ(dma.channel(2).transfer(bytes, DmaDirection::Write).bytes, 0u);
    out(0x08, 4); // controller disable
    EXPECT_FALSE(dma.channel(2).ready(DmaDirection::Read));
    out(0x08, 0);
    out(0x0A, 6);
    EXPECT_FALSE(dma.channel(2).ready(DmaDirection::Read));
    out(0x0E, 0);
    ASSERT_TRUE(dma.channel(2).ready(DmaDirection::Read));
    dma.channel(2).transfer(bytes, DmaDirection::Read);
    EXPECT_EQ(bytes, (std::vector<u8>{0x11, 0x22, 0x33, 0x44}));
}

TEST_F(DmaTest, VerifyCountsOnly) {
    program2(0x8000, 16, 0x42);
    std::vector<u8> bytes = sequence(16);
    const DmaResult result = dma.channel(2).transfer(bytes, DmaDirection::Write);
    EXPECT_EQ(result.bytes, 16u);
    EXPECT_TRUE(result.terminal_count);
    EXPECT_EQ(memory.read({0x8000}, 4), 0u);
}

TEST_F(DmaTest, AutoinitialiseDecrementAndFlipFlop) {
    program2(0x8010, 4, 0x76); // decrement, autoinitialise
    std::vector<u8> bytes = sequence(4);
    EXPECT_TRUE(dma.channel(2).transfer(bytes, DmaDirection::Write).terminal_count);
    EXPECT_EQ(memory.read({0x800D}, 4), 0x01020304u);
    out(0x0C, 0);
    EXPECT_EQ(in(0x04), 0x10u);
    EXPECT_EQ(in(0x04), 0x80u);
    EXPECT_EQ(in(0x05), 3u);
    EXPECT_EQ(in(0x05), 0u);
    EXPECT_TRUE(dma.channel(2).ready(DmaDirection::Write));
    dma.channel(2).transfer(std::span(bytes).first(1), DmaDirection::Write);
    EXPECT_EQ(in(0x04), 0x0Fu);
    out(0x0C, 0);
    EXPECT_EQ(in(0x04), 0x0Fu);
}

TEST_F(DmaTest, WrapsWithinThePage) {
    program2(0x2FFFE, 4, 0x46);
    std::vector<u8> bytes = sequence(4);
    dma.channel(2).transfer(bytes, DmaDirection::Write);
    EXPECT_EQ(memory.read({0x2FFFE}, 2), 0x0201u);
    EXPECT_EQ(memory.read({0x20000}, 2), 0x0403u);
    EXPECT_EQ(memory.read({0x30000}, 2), 0u);
}

TEST_F(DmaTest, WordChannel) {
    out(0xD6, 0x45); // channel 5, single, write
    out(0xD8, 0);
    out(0xC4, 0x00);
    out(0xC4, 0x40); // word 4000H is byte 8000H
    out(0xC6, 1);
    out(0xC6, 0);
    out(0x8B, 0x03); // the page's bit 0 does not count
    out(0xD4, 1);
    std::vector<u8> bytes = sequence(5);
    const DmaResult result = dma.channel(5).transfer(bytes, DmaDirection::Write);
    EXPECT_EQ(result.bytes, 4u);
    EXPECT_TRUE(result.terminal_count);
    EXPECT_EQ(memory.read({0x28000}, 4), 0x04030201u);
    EXPECT_EQ(in(0xD0) & 0x0F, 2u);
    out(0xD6, 0x40);
    out(0xDC, 0);
    EXPECT_FALSE(dma.channel(4).ready(DmaDirection::Write)); // the cascade
}

TEST_F(DmaTest, MemoryToMemory) {
    for (u32 i = 0; i < 8; ++i) memory.write({0x4000 + i}, 0xA0 + i, 1);
    out(0x08, 0x01);
    out(0x0C, 0);
    out(0x00, 0x00);
    out(0x00, 0x40);
    out(0x02, 0x00);
    out(0x02, 0x50);
    out(0x03, 7);
    out(0x03, 0);
    out(0x0B, 0x88);
    out(0x0B, 0x85);
    out(0x09, 4); // request channel 0
    EXPECT_EQ(memory.read({0x5000}, 4), 0xA3A2A1A0u);
    EXPECT_EQ(memory.read({0x5004}, 4), 0xA7A6A5A4u);
    EXPECT_EQ(memory.read({0x5008}, 1), 0u);
    EXPECT_EQ(in(0x08), 2u);
    EXPECT_EQ(in(0x0D), 0xA7u); // temporary register
}

TEST_F(DmaTest, StatusShowsRequestsAndMasterClearMasks) {
    dma.channel(2).set_dreq(true);
    EXPECT_EQ(in(0x08), 0x40u);
    out(0x0E, 0);
    EXPECT_EQ(in(0x0F), 0xF0u);
    out(0x0D, 0);
    EXPECT_EQ(in(0x0F), 0xFFu);
    out(0x80, 0x5A);
    EXPECT_EQ(in(0x80), 0x5Au);
    EXPECT_EQ(dma.post_code(), 0x5A);
}

TEST_F(DmaTest, OutsideMemoryIsHarmless) {
    program2(0xFFFFF0, 64, 0x46);
    std::vector<u8> bytes = sequence(64);
    EXPECT_EQ(dma.channel(2).transfer(bytes, DmaDirection::Write).bytes, 64u);
    program2(0xFFFFF0, 64, 0x4A);
    dma.channel(2).transfer(bytes, DmaDirection::Read);
    EXPECT_EQ(bytes[0], 0xFF);
    u32 random = 5;
    for (int i = 0; i < 20'000; ++i) {
        random = random * 1664525 + 1013904223;
        const u32 ports[] = {random >> 8 & 15, 0x80 + (random >> 8 & 15), 0xC0 + (random >> 8 & 31), 0x08};
        const u16 port = static_cast<u16>(ports[random >> 30]);
        if ((random & 0x100000) != 0 && port != 0x09 && port != 0xD2)
            out(port, random >> 16 & 0xFF);
        else
            in(port);
        dma.channel(random >> 5 & 7).transfer(bytes, DmaDirection::Write);
        dma.channel(random >> 5 & 7).transfer(bytes, DmaDirection::Read);
    }
}

} // namespace
} // namespace truering
