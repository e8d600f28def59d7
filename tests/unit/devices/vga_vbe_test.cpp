#include "devices/pci_host.hpp"
#include "devices/vga_card.hpp"
#include "tests/unit/devices/test_clock.hpp"
#include "tests/unit/devices/vga_modes.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

class Vbe : public testing::Test {
  protected:
    Vbe() {
        host.attach(card, 2, 0);
        set_vga_mode(ports, vga_mode_13);
        config(0x10, 0xE0000000);
        config(0x18, 0xFEBF0000);
        config(0x04, 3);
    }
    void config(u8 offset, u32 value) {
        ports.write(0xCF8, 0x80001000u | offset, 4);
        ports.write(0xCFC, value, 4);
    }
    u16 get(VbeDispi::Index index) {
        ports.write(0x1CE, static_cast<u32>(index), 2);
        return static_cast<u16>(ports.read(0x1CF, 2));
    }
    void set(VbeDispi::Index index, u16 value) {
        ports.write(0x1CE, static_cast<u32>(index), 2);
        ports.write(0x1CF, value, 2);
    }
    void set_mode(u16 width, u16 height, u16 bpp, u16 flags = VbeDispi::LFB_ENABLED) {
        set(VbeDispi::Index::ENABLE, 0);
        set(VbeDispi::Index::XRES, width);
        set(VbeDispi::Index::YRES, height);
        set(VbeDispi::Index::BPP, bpp);
        set(VbeDispi::Index::ENABLE, static_cast<u16>(VbeDispi::ENABLED | flags));
    }
    const Frame& draw() {
        card.render(frame);
        return frame;
    }

    static constexpr u32 lfb = 0xE0000000;
    std::vector<u8> rom = {0x55, 0xAA, 0x50};
    TestClock clock;
    PortBus ports;
    PhysicalMemory memory{1 << 20};
    PciHost host{ports, memory};
    VgaCard card{clock, ports, memory, rom, 4 << 20};
    Frame frame;
};

TEST_F(Vbe, TellsItsVersionMemoryAndLimits) {
    EXPECT_EQ(get(VbeDispi::Index::ID), 0xB0C5);
    set(VbeDispi::Index::ID, 0xB0C0);
    EXPECT_EQ(get(VbeDispi::Index::ID), 0xB0C0);
    set(VbeDispi::Index::ID, 0x1234);
    EXPECT_EQ(get(VbeDispi::Index::ID), 0xB0C0);
    EXPECT_EQ(get(VbeDispi::Index::VIDEO_MEMORY_64K), 64);
    set(VbeDispi::Index::ENABLE, VbeDispi::GETCAPS);
    EXPECT_EQ(get(VbeDispi::Index::XRES), 2560);
    EXPECT_EQ(get(VbeDispi::Index::BPP), 32);
    set(VbeDispi::Index::ENABLE, 0);
    EXPECT_EQ(get(VbeDispi::Index::XRES), 640);
}

TEST_F(Vbe, TrueColorThroughTheLinearFrameBuffer) {
    set_mode(800, 600, 32);
    memory.write({lfb + (800 * 5 + 7) * 4}, 0x00123456, 4);
    draw();
    ASSERT_EQ(frame.width, 800u);
    ASSERT_EQ(frame.height, 600u);
    EXPECT_EQ(frame.at(7, 5), 0x123456u);
}

TEST_F(Vbe, EveryDepthHasItsPixelFormat) {
    set_mode(640, 480, 16);
    memory.write({lfb}, 0xF81F'07E0, 4);
    draw();
    EXPECT_EQ(frame.at(0, 0), 0x00FF00u);
    EXPECT_EQ(frame.at(1, 0), 0xFF00FFu);
    set_mode(640, 480, 15);
    memory.write({lfb}, 0x7C1F'03E0, 4);
    draw();
    EXPECT_EQ(frame.at(0, 0), 0x00FF00u);
    EXPECT_EQ(frame.at(1, 0), 0xFF00FFu);
    set_mode(640, 480, 24);
    memory.write({lfb + 640 * 3}, 0x99'112233, 4);
    draw();
    EXPECT_EQ(frame.at(0, 1), 0x112233u);
    EXPECT_EQ(frame.at(1, 1), 0x000099u);
    set_mode(640, 480, 8);
    memory.write({lfb + 640}, 0x21, 1);
    EXPECT_EQ(draw().at(0, 1), test_color(0x21));
}

TEST_F(Vbe, FourBitModesArePlanar) {
    set_vga_mode(ports, vga_mode_12);
    set_mode(800, 600, 4);
    write_sequencer(ports, 2, 0b0110);
    memory.write({0xA0000 + 100}, 0x80, 1);
    EXPECT_EQ(draw().at(0, 1), test_color(card.registers().palette(6)));
}

TEST_F(Vbe, BanksShowTheSameMemoryAtA0000) {
    set_mode(1024, 768, 8);
    set(VbeDispi::Index::BANK, 3);
    memory.write({0xA0010}, 0x5A, 1);
    EXPECT_EQ(memory.read({lfb + 0x30010}, 1), 0x5Au);
    set(VbeDispi::Index::BANK, 200); // beyond memory
    EXPECT_EQ(get(VbeDispi::Index::BANK), 3);
    EXPECT_EQ(memory.read({0xA0010}, 1), 0x5Au);
}

TEST_F(Vbe, ModeSetClearsMemoryUnlessToldNotTo) {
    memory.write({lfb + 1000}, 0x55, 1);
    set_mode(640, 480, 8, VbeDispi::NOCLEARMEM);
    EXPECT_EQ(memory.read({lfb + 1000}, 1), 0x55u);
    set_mode(640, 480, 8);
    EXPECT_EQ(memory.read({lfb + 1000}, 1), 0u);
}

TEST_F(Vbe, VirtualWidthAndOffsetsPan) {
    set_mode(640, 480, 32);
    set(VbeDispi::Index::VIRT_WIDTH, 1024);
    EXPECT_EQ(get(VbeDispi::Index::VIRT_WIDTH), 1024);
    EXPECT_EQ(get(VbeDispi::Index::VIRT_HEIGHT), (4 << 20) / 4096);
    set(VbeDispi::Index::X_OFFSET, 10);
    set(VbeDispi::Index::Y_OFFSET, 20);
    memory.write({lfb + (1024 * 21 + 12) * 4}, 0xABCDEF, 4);
    EXPECT_EQ(draw().at(2, 1), 0xABCDEFu);
}

TEST_F(Vbe, EightBitDac) {
    set_mode(640, 480, 8, VbeDispi::DAC_8BIT);
    ports.write(0x3C8, 0, 1);
    for (const u8 v : {u8{0xFE}, u8{0x81}, u8{0x03}}) ports.write(0x3C9, v, 1);
    EXPECT_EQ(draw().at(0, 0), 0xFE8103u);
}

TEST_F(Vbe, DisablingGivesTheVgaModeBack) {
    set_mode(640, 480, 32);
    set(VbeDispi::Index::ENABLE, 0);
    EXPECT_EQ(draw().height, 400u);
}

TEST_F(Vbe, RegisterPageMirrorsBothRegisterFiles) {
    memory.write({0xFEBF0508}, 0, 2);
    memory.write({0xFEBF0502}, 1280, 2);
    EXPECT_EQ(get(VbeDispi::Index::XRES), 1280);
    EXPECT_EQ(memory.read({0xFEBF0500}, 2), 0xB0C5u);
    memory.write({0xFEBF0404}, 0x0104, 2); // sequencer: index 4, data 1
    memory.write({0xFEBF0404}, 0x0602, 2);
    EXPECT_EQ(card.registers().get(Seq::MapMask), 6);
}

TEST_F(Vbe, RomIsAnExpansionRom) {
    config(0x30, 0xFEBE0001);
    EXPECT_EQ(memory.read({0xFEBE0000}, 2), 0xAA55u);
}

TEST_F(Vbe, PicturesBeyondMemoryAreBlackThere) {
    set_mode(2560, 1600, 32);
    card.update(frame);
    set(VbeDispi::Index::Y_OFFSET, 0xFFFF);
    set(VbeDispi::Index::X_OFFSET, 0xFFFF);
    card.update(frame);
    EXPECT_EQ(frame.at(2559, 1599), 0u);
}

} // namespace
} // namespace truering
