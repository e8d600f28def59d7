#include "devices/vga_card.hpp"
#include "tests/unit/devices/test_clock.hpp"
#include "tests/unit/devices/vga_modes.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

class VgaPlanes : public testing::Test {
  protected:
    VgaPlanes() { set_vga_mode(ports, vga_mode_12); }
    u8 plane(u32 address, unsigned n) { return card.video_memory()[address * 4 + n]; }
    void fill(u32 address, u32 planes) {
        for (unsigned n = 0; n < 4; ++n) card.video_memory()[address * 4 + n] = static_cast<u8>(planes >> (8 * n));
    }
    u32 all(u32 address) {
        return static_cast<u32>(plane(address, 0) | plane(address, 1) << 8 | plane(address, 2) << 16) |
               static_cast<u32>(plane(address, 3)) << 24;
    }
    void poke(u32 address, u8 value) { memory.write({0xA0000 + address}, value, 1); }
    u8 peek(u32 address) { return static_cast<u8>(memory.read({0xA0000 + address}, 1)); }
    void gfx(Gfx reg, u8 value) { write_graphics(ports, static_cast<u8>(reg), value); }

    TestClock clock;
    PortBus ports;
    PhysicalMemory memory{1 << 20};
    VgaCard card{clock, ports, memory, {}, 1 << 20};
};

TEST_F(VgaPlanes, MapMaskChoosesPlanes) {
    write_sequencer(ports, 2, 0b0101);
    poke(10, 0xA5);
    EXPECT_EQ(all(10), 0x00A500A5u);
}

TEST_F(VgaPlanes, ReadMapSelectChoosesThePlaneRead) {
    fill(7, 0x44332211);
    for (u8 n = 0; n < 4; ++n) {
        gfx(Gfx::ReadMapSelect, n);
        EXPECT_EQ(peek(7), 0x11 * (n + 1));
    }
}

TEST_F(VgaPlanes, WriteMode0RotatesAndSetsAndResets) {
    gfx(Gfx::DataRotate, 3);
    gfx(Gfx::SetReset, 0b0010);
    gfx(Gfx::EnableSetReset, 0b0011);
    poke(0, 0b0000'1001);
    EXPECT_EQ(all(0), 0x2121FF00u); // rotated right by 3: 00100001
}

TEST_F(VgaPlanes, BitMaskKeepsLatchedBits) {
    fill(0, 0x0F0F0F0F);
    static_cast<void>(peek(0));
    gfx(Gfx::BitMask, 0b1100'0011);
    poke(0, 0xF0);
    EXPECT_EQ(all(0), 0xCCCCCCCCu); // 11 from data, 0011 from latch, 00 from data
}

TEST_F(VgaPlanes, LogicalFunctionsCombineWithTheLatches) {
    fill(0, 0x0F33550F);
    static_cast<void>(peek(0));
    gfx(Gfx::DataRotate, 1 << 3);
    poke(1, 0xF0);
    EXPECT_EQ(all(1), 0x00305000u);
    gfx(Gfx::DataRotate, 2 << 3);
    poke(2, 0xF0);
    EXPECT_EQ(all(2), 0xFFF3F5FFu);
    gfx(Gfx::DataRotate, 3 << 3);
    poke(3, 0xF0);
    EXPECT_EQ(all(3), 0xFFC3A5FFu);
}

TEST_F(VgaPlanes, WriteMode1CopiesLatches) {
    fill(100, 0x12345678);
    gfx(Gfx::Mode, 1);
    static_cast<void>(peek(100));
    poke(200, 0xFF);
    EXPECT_EQ(all(200), 0x12345678u);
}

TEST_F(VgaPlanes, WriteMode2SpreadsAColor) {
    fill(0, 0);
    static_cast<void>(peek(0));
    gfx(Gfx::Mode, 2);
    gfx(Gfx::BitMask, 0x80);
    poke(0, 0b1010);
    EXPECT_EQ(all(0), 0x80008000u);
}

TEST_F(VgaPlanes, WriteMode3MasksSetReset) {
    fill(0, 0x11111111);
    static_cast<void>(peek(0));
    gfx(Gfx::Mode, 3);
    gfx(Gfx::SetReset, 0b0001);
    gfx(Gfx::BitMask, 0xF0);
    poke(0, 0x3C);
    EXPECT_EQ(all(0), 0x01010131u); // mask 30H: plane 0 set there, the others cleared
}

TEST_F(VgaPlanes, ReadMode1ComparesColors) {
    fill(0, 0x0F'33'55'FF);
    gfx(Gfx::Mode, 8);
    gfx(Gfx::ColorCompare, 0b1111);
    gfx(Gfx::ColorDontCare, 0b1111);
    EXPECT_EQ(peek(0), 0x0F & 0x33 & 0x55 & 0xFF);
    gfx(Gfx::ColorDontCare, 0b0011);
    EXPECT_EQ(peek(0), 0x55);
    gfx(Gfx::ColorCompare, 0b0001);
    EXPECT_EQ(peek(0), 0xAA);
}

TEST_F(VgaPlanes, OddAndEvenAddressesAreCharactersAndAttributes) {
    set_vga_mode(ports, vga_mode_03);
    memory.write({0xB8000}, 0x1F41, 2);
    EXPECT_EQ(plane(0, 0), 0x41);
    EXPECT_EQ(plane(0, 1), 0x1F);
    EXPECT_EQ(memory.read({0xB8000}, 2), 0x1F41u);
    EXPECT_EQ(memory.read({0xA0000}, 1), 0xFFu) << "text memory is at B8000H only";
    EXPECT_EQ(memory.read({0xB0000}, 1), 0xFFu);
}

TEST_F(VgaPlanes, MonochromeTextIsAtB0000) {
    set_vga_mode(ports, vga_mode_03);
    gfx(Gfx::Miscellaneous, 0x0A);
    memory.write({0xB0000}, 0x0742, 2);
    EXPECT_EQ(memory.read({0xB0000}, 2), 0x0742u);
    EXPECT_EQ(memory.read({0xB8000}, 2), 0xFFFFu);
}

TEST_F(VgaPlanes, Chain4IsLinearAndEachByteIsAPlane) {
    set_vga_mode(ports, vga_mode_13);
    memory.write({0xA0000 + 320}, 0x04030201, 4);
    EXPECT_EQ(memory.read({0xA0000 + 320}, 4), 0x04030201u);
    EXPECT_EQ(all(80), 0x04030201u);
    EXPECT_TRUE(memory.is_ram({0xA0000})) << "plain linear memory is not trapped";
    write_sequencer(ports, 2, 0b0001);
    EXPECT_FALSE(memory.is_ram({0xA0000}));
    memory.write({0xA0000 + 320}, 0xFFFFFFFF, 4);
    EXPECT_EQ(all(80), 0x040302FFu) << "the map mask holds in chain 4 too";
}

TEST_F(VgaPlanes, SmramTakesTheRangeAndGivesItBack) {
    set_vga_mode(ports, vga_mode_13);
    memory.write({0xA0000}, 0x77, 1);
    card.hear_smram_open(0, true);
    memory.map_ram({0xA0000}, 0x20000);
    set_vga_mode(ports, vga_mode_12);
    EXPECT_EQ(memory.read({0xA0000}, 1), 0u);
    memory.unmap({0xA0000}, 0x20000);
    card.hear_smram_open(0, false);
    EXPECT_EQ(memory.read({0xA0000}, 1), 0x77u);
}

} // namespace
} // namespace truering
