#include "devices/vga_card.hpp"
#include "devices/vga_timing.hpp"
#include "tests/unit/devices/test_clock.hpp"
#include "tests/unit/devices/vga_modes.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

class VgaPicture : public testing::Test {
  protected:
    void poke(u32 address, u32 value, unsigned size = 1) { memory.write({address}, value, size); }
    const Frame& draw() {
        card.render(frame);
        return frame;
    }
    void put_text(unsigned column, unsigned row, const char* text, u8 attribute = 7) {
        for (u32 at = 0xB8000 + (row * 80 + column) * 2; *text != 0; ++text, at += 2)
            poke(at, static_cast<u32>(static_cast<u8>(*text) | attribute << 8), 2);
    }
    void set_glyph(u8 character, unsigned row, u8 dots) { card.video_memory()[(character * 32u + row) * 4 + 2] = dots; }
    void clear_text() {
        set_vga_mode(ports, vga_mode_03);
        for (unsigned n = 0; n < 80 * 25; ++n) poke(0xB8000 + n * 2, 0x0720, 2);
        write_crtc(ports, 0x0A, 0x20); // no cursor
    }
    u32 attribute_color(unsigned n) { return test_color(card.registers().palette(n)); }

    TestClock clock;
    PortBus ports;
    PhysicalMemory memory{1 << 20};
    VgaCard card{clock, ports, memory, {}, 1 << 20};
    Frame frame;
};

TEST_F(VgaPicture, TextIsNineDotsWide) {
    clear_text();
    set_glyph('A', 3, 0b1000'0001);
    set_glyph(0xC4, 3, 0b1111'1111);
    put_text(2, 1, "A\xC4", 0x1E);
    draw();
    ASSERT_EQ(frame.width, 720u);
    ASSERT_EQ(frame.height, 400u);
    const u32 y = 16 + 3, x = 18;
    EXPECT_EQ(frame.at(x, y), attribute_color(14));
    EXPECT_EQ(frame.at(x + 1, y), attribute_color(1));
    EXPECT_EQ(frame.at(x + 7, y), attribute_color(14));
    EXPECT_EQ(frame.at(x + 8, y), attribute_color(1)) << "the ninth dot of a letter is background";
    EXPECT_EQ(frame.at(x + 17, y), attribute_color(14)) << "line drawing goes on into it";
    EXPECT_EQ(frame.at(x, y + 1), attribute_color(1));
}

TEST_F(VgaPicture, CursorAndBlinkingCharactersComeAndGo) {
    clear_text();
    set_glyph('B', 0, 0xFF);
    put_text(0, 0, "B", 0x87);
    write_crtc(ports, 0x0A, 0x0D);
    write_crtc(ports, 0x0F, 5);
    const Nanoseconds frame_length = frame_time(card.registers());
    draw();
    EXPECT_EQ(frame.at(0, 0), attribute_color(7));
    EXPECT_EQ(frame.at(5 * 9, 13), attribute_color(7));
    EXPECT_EQ(frame.at(5 * 9, 12), attribute_color(0));
    clock.advance(8 * frame_length + 1);
    draw();
    EXPECT_EQ(frame.at(0, 0), attribute_color(7));
    EXPECT_EQ(frame.at(5 * 9, 13), attribute_color(0));
    clock.advance(8 * frame_length);
    draw();
    EXPECT_EQ(frame.at(0, 0), attribute_color(0));
    EXPECT_EQ(frame.at(5 * 9, 13), attribute_color(7));
}

TEST_F(VgaPicture, WithoutBlinkingTheBackgroundIsBright) {
    clear_text();
    put_text(0, 0, " ", 0x97);
    draw();
    EXPECT_EQ(frame.at(0, 0), attribute_color(1));
    write_attribute(ports, 0x10, 0x04);
    draw();
    EXPECT_EQ(frame.at(0, 0), attribute_color(9));
}

TEST_F(VgaPicture, SecondFontFollowsAttributeBit3) {
    clear_text();
    card.video_memory()[(0x4000 + 'C' * 32u) * 4 + 2] = 0x80; // the second of eight
    write_sequencer(ports, 3, 0x04);                          // map A (bit 3 set): 1, map B: 0
    put_text(0, 0, "C", 0x0F);
    put_text(1, 0, "C", 0x07);
    draw();
    EXPECT_EQ(frame.at(0, 0), attribute_color(15));
    EXPECT_EQ(frame.at(9, 0), attribute_color(0));
}

TEST_F(VgaPicture, TextScreenIsReadableAsText) {
    clear_text();
    put_text(0, 0, "SeaBIOS \x80\xDB");
    put_text(3, 24, "end");
    write_crtc(ports, 0x0A, 0x0D);
    write_crtc(ports, 0x0E, (24 * 80 + 6) >> 8);
    write_crtc(ports, 0x0F, (24 * 80 + 6) & 0xFF);
    const auto screen = card.text_screen();
    ASSERT_TRUE(screen.has_value());
    EXPECT_EQ(screen->columns, 80u);
    EXPECT_EQ(screen->rows, 25u);
    EXPECT_EQ(screen->row(0), "SeaBIOS Ç█");
    EXPECT_EQ(screen->row(1), "");
    EXPECT_EQ(screen->row(24), "   end");
    EXPECT_EQ(screen->cursor_row, 24u);
    EXPECT_EQ(screen->cursor_column, 6u);
    EXPECT_TRUE(screen->cursor_visible);
    set_vga_mode(ports, vga_mode_13);
    EXPECT_FALSE(card.text_screen().has_value());
}

TEST_F(VgaPicture, ScrollingByStartAddressMovesTheText) {
    clear_text();
    put_text(0, 1, "second");
    write_crtc(ports, 0x0D, 80);
    EXPECT_EQ(card.text_screen()->row(0), "second");
}

TEST_F(VgaPicture, PlanarPixelsTakeABitOfEachPlane) {
    set_vga_mode(ports, vga_mode_12);
    write_sequencer(ports, 2, 0b1001);
    poke(0xA0000 + 80 * 100 + 1, 0b0100'0000);
    draw();
    ASSERT_EQ(frame.width, 640u);
    ASSERT_EQ(frame.height, 480u);
    EXPECT_EQ(frame.at(9, 100), attribute_color(9));
    EXPECT_EQ(frame.at(10, 100), attribute_color(0));
    EXPECT_EQ(frame.at(9, 101), attribute_color(0));
}

TEST_F(VgaPicture, LowResolutionPixelsAreDoubledBothWays) {
    set_vga_mode(ports, vga_mode_0d);
    poke(0xA0000 + 40 * 3, 0x80);
    draw();
    ASSERT_EQ(frame.width, 640u);
    ASSERT_EQ(frame.height, 400u);
    for (const u32 y : {6u, 7u})
        for (const u32 x : {0u, 1u}) EXPECT_EQ(frame.at(x, y), attribute_color(15));
    EXPECT_EQ(frame.at(2, 6), attribute_color(0));
    EXPECT_EQ(frame.at(0, 8), attribute_color(0));
}

TEST_F(VgaPicture, Mode13ShowsBytes) {
    set_vga_mode(ports, vga_mode_13);
    poke(0xA0000 + 320 * 10 + 7, 0x2B);
    poke(0xA0000 + 320 * 199 + 319, 0x11);
    draw();
    ASSERT_EQ(frame.width, 640u);
    ASSERT_EQ(frame.height, 400u);
    EXPECT_EQ(frame.at(14, 20), test_color(0x2B));
    EXPECT_EQ(frame.at(15, 21), test_color(0x2B));
    EXPECT_EQ(frame.at(16, 20), test_color(0));
    EXPECT_EQ(frame.at(639, 399), test_color(0x11));
}

TEST_F(VgaPicture, UnchainedModeHasFourPages) {
    set_vga_mode(ports, vga_mode_13);
    write_sequencer(ports, 4, 0x06);
    write_crtc(ports, 0x14, 0x00);
    write_crtc(ports, 0x17, 0xE3);
    write_sequencer(ports, 2, 0b0010); // every fourth pixel, the second
    poke(0xA0000 + 16000 + 80, 0x1C);  // the second page, second row
    write_crtc(ports, 0x0C, 16000 >> 8);
    write_crtc(ports, 0x0D, 16000 & 0xFF);
    draw();
    EXPECT_EQ(frame.at(2, 2), test_color(0x1C));
    EXPECT_EQ(frame.at(0, 2), test_color(0));
}

TEST_F(VgaPicture, CgaGraphicsInterleavesRows) {
    set_vga_mode(ports, vga_mode_04);
    poke(0xB8000, 0b01'10'11'00);
    poke(0xB8000 + 0x2000 + 1, 0b11'00'00'00); // row 1, fifth pixel
    draw();
    ASSERT_EQ(frame.width, 640u);
    EXPECT_EQ(frame.at(0, 0), attribute_color(1));
    EXPECT_EQ(frame.at(2, 1), attribute_color(2));
    EXPECT_EQ(frame.at(4, 0), attribute_color(3));
    EXPECT_EQ(frame.at(8, 2), attribute_color(3));
    EXPECT_EQ(frame.at(8, 0), attribute_color(0));
}

TEST_F(VgaPicture, CgaTwoColorMode) {
    set_vga_mode(ports, vga_mode_06);
    poke(0xB8000 + 80, 0x01);
    poke(0xB8000 + 0x2000, 0x80);
    draw();
    EXPECT_EQ(frame.at(0, 2), attribute_color(1));
    EXPECT_EQ(frame.at(7, 4), attribute_color(1));
    EXPECT_EQ(frame.at(0, 0), attribute_color(0));
}

TEST_F(VgaPicture, PanningShiftsAndTheSplitScreenStays) {
    set_vga_mode(ports, vga_mode_12);
    poke(0xA0000, 0b0001'0000);       // address 0: top of the lower part
    poke(0xA0000 + 800, 0b0001'0000); // start of the upper part
    write_crtc(ports, 0x0C, 800 >> 8);
    write_crtc(ports, 0x0D, 800 & 0xFF);
    write_crtc(ports, 0x18, 199); // line compare 199, bits 8 and 9 off
    write_crtc(ports, 0x07, 0x2E);
    write_crtc(ports, 0x09, 0x00);
    write_attribute(ports, 0x13, 3);
    write_attribute(ports, 0x10, 0x21);
    draw();
    EXPECT_EQ(frame.at(0, 0), attribute_color(15));
    EXPECT_EQ(frame.at(3, 200), attribute_color(15));
    EXPECT_EQ(frame.at(0, 200), attribute_color(0));
}

TEST_F(VgaPicture, PaletteOffMeansBlack) {
    set_vga_mode(ports, vga_mode_13);
    static_cast<void>(ports.read(0x3DA, 1));
    ports.write(0x3C0, 0, 1);
    draw();
    EXPECT_EQ(frame.at(0, 0), 0u);
}

TEST_F(VgaPicture, IsRedrawnOnlyWhenItChanged) {
    set_vga_mode(ports, vga_mode_13);
    EXPECT_TRUE(card.update(frame));
    EXPECT_FALSE(card.update(frame));
    poke(0xA0000 + 1234, 9);
    EXPECT_TRUE(card.update(frame));
    EXPECT_FALSE(card.update(frame));
    ports.write(0x3C8, 9, 1);
    ports.write(0x3C9, 1, 1);
    EXPECT_TRUE(card.update(frame));
    clock.advance(nanoseconds_per_second);
    EXPECT_FALSE(card.update(frame)) << "nothing blinks in graphics";
}

TEST_F(VgaPicture, AnyRegistersDrawSomething) {
    u32 random = 1;
    const auto next = [&] { return static_cast<u8>((random = random * 1664525 + 1013904223) >> 24); };
    for (unsigned round = 0; round < 200; ++round) {
        ports.write(0x3C2, next(), 1);
        ports.write(0x3C2, ports.read(0x3CC, 1) | 1, 1);
        for (u8 n = 0; n < 5; ++n) write_sequencer(ports, n, next());
        write_crtc(ports, 0x11, 0);
        for (u8 n = 0; n < 25; ++n) write_crtc(ports, n, next());
        for (u8 n = 0; n < 9; ++n) write_graphics(ports, n, next());
        for (u8 n = 0; n < 21; ++n) write_attribute(ports, n, next());
        for (unsigned n = 0; n < 64; ++n) {
            const u32 at = 0xA0000 + ((next() << 9 | next() << 1) & 0x1FFFC);
            poke(at, next() * 0x01010101u, 4);
            static_cast<void>(memory.read({at}, 4));
        }
        card.update(frame);
        static_cast<void>(card.text_screen());
    }
}

} // namespace
} // namespace truering
