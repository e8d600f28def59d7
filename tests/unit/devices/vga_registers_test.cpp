#include "devices/vga_card.hpp"
#include "devices/vga_timing.hpp"
#include "tests/unit/devices/test_clock.hpp"
#include "tests/unit/devices/vga_modes.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

class VgaPorts : public testing::Test {
  protected:
    VgaPorts() { set_vga_mode(ports, vga_mode_03); }
    u32 in(u16 port) { return ports.read(port, 1); }
    void out(u16 port, u8 value) { ports.write(port, value, 1); }

    TestClock clock;
    PortBus ports;
    PhysicalMemory memory{1 << 20};
    VgaCard card{clock, ports, memory, {}, 1 << 20};
};

TEST_F(VgaPorts, AttributeControllerTakesIndexAndDataInTurn) {
    in(0x3DA);
    out(0x3C0, 5);
    out(0x3C0, 0x2A);
    out(0x3C0, 6);
    out(0x3C0, 0x15);
    in(0x3DA);
    out(0x3C0, 5);
    EXPECT_EQ(in(0x3C1), 0x2Au);
    in(0x3DA);
    out(0x3C0, 6);
    EXPECT_EQ(in(0x3C1), 0x15u);
}

TEST_F(VgaPorts, AddressSelectMovesTheCrtController) {
    out(0x3D4, 0x0E);
    EXPECT_EQ(in(0x3D4), 0x0Eu);
    EXPECT_EQ(in(0x3B4), 0xFFu);
    out(0x3C2, 0x66);
    EXPECT_EQ(in(0x3B4), 0x0Eu);
    EXPECT_EQ(in(0x3D4), 0xFFu);
    EXPECT_EQ(in(0x3CC), 0x66u);
}

TEST_F(VgaPorts, TimingIsLockedButForLineCompare) {
    write_crtc(ports, 0x11, 0x8E);
    write_crtc(ports, 0, 0x11);
    write_crtc(ports, 7, 0x00);
    out(0x3D4, 0);
    EXPECT_EQ(in(0x3D5), 0x5Fu);
    out(0x3D4, 7);
    EXPECT_EQ(in(0x3D5), 0x0Fu) << "bit 4 alone took the zero";
}

TEST_F(VgaPorts, DacTakesAndGivesThreeComponents) {
    out(0x3C8, 200);
    for (const u8 v : {u8{1}, u8{2}, u8{0xFF}, u8{4}, u8{5}, u8{6}}) out(0x3C9, v);
    EXPECT_EQ(in(0x3C7), 0u);
    out(0x3C7, 200);
    EXPECT_EQ(in(0x3C7), 3u);
    for (const u32 v : {1u, 2u, 0x3Fu, 4u, 5u, 6u}) EXPECT_EQ(in(0x3C9), v);
}

TEST_F(VgaPorts, RetraceComesOnceAFrame) {
    const Nanoseconds frame = frame_time(card.registers());
    EXPECT_NEAR(static_cast<double>(frame), 1e9 / 70.087, 2e4);
    unsigned retraces = 0;
    Nanoseconds in_retrace = 0, displaying = 0;
    bool before = true;
    constexpr Nanoseconds step = 1000;
    for (Nanoseconds t = 0; t < 10 * frame; t += step, clock.advance(step)) {
        const u32 status = in(0x3DA);
        const bool retrace = (status & 8) != 0;
        retraces += retrace && !before ? 1 : 0;
        in_retrace += retrace ? step : 0;
        displaying += (status & 1) == 0 ? step : 0;
        EXPECT_FALSE(retrace && (status & 1) == 0) << "retrace lies outside the picture";
        before = retrace;
    }
    EXPECT_EQ(retraces, 10u);
    EXPECT_NEAR(static_cast<double>(in_retrace) / 10, 2 * 31778, 2000) << "two lines of 31.8 microseconds";
    EXPECT_NEAR(static_cast<double>(displaying) / static_cast<double>(10 * frame), 400.0 / 449 * 0.8, 0.01);
}

TEST_F(VgaPorts, AnUnprogrammedCardRetracesToo) {
    card.reset();
    bool seen[2] = {};
    for (unsigned n = 0; n < 2000; ++n, clock.advance(10'000)) seen[in(0x3DA) >> 3 & 1] = true;
    EXPECT_TRUE(seen[0] && seen[1]);
}

TEST_F(VgaPorts, SecondFunctionOfIndexPortsIsReadBack) {
    write_sequencer(ports, 4, 0xFF);
    EXPECT_EQ(in(0x3C5), 0x0Eu) << "only bits that exist";
    write_graphics(ports, 8, 0xA5);
    EXPECT_EQ(in(0x3CF), 0xA5u);
    out(0x3CE, 0x0F);
    out(0x3CF, 0x12);
    EXPECT_EQ(in(0x3CF), 0u);
}

} // namespace
} // namespace truering
