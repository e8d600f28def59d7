#include "devices/debug_console.hpp"
#include "devices/debug_exit.hpp"
#include "devices/parallel.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace truering {
namespace {

struct Paper final : SerialSink {
    std::string text;
    void transmit(u8 byte) override { text.push_back(static_cast<char>(byte)); }
};

TEST(DebugConsole, WritesGoOutAndReadsIdentify) {
    PortBus bus;
    Paper paper;
    DebugConsole console(paper);
    console.map(bus, 0xE9);
    console.map(bus, 0x402);
    bus.write(0xE9, 'o', 1);
    bus.write(0x402, 'k', 1);
    EXPECT_EQ(paper.text, "ok");
    EXPECT_EQ(bus.read(0x402, 1), 0xE9u);
}

TEST(DebugExit, TellsTheValueInAnySize) {
    PortBus bus;
    std::optional<u32> value;
    DebugExit exit([&](u32 v) { value = v; });
    exit.map(bus, 0xF4);
    bus.write(0xF4, 0x12345678, 4);
    EXPECT_EQ(value, 0x12345678u);
    bus.write(0xF4, 0x10, 1);
    EXPECT_EQ(value, 0x10u);
}

TEST(ParallelPort, StrobePrintsAndInterruptStandsUntilStatusIsRead) {
    PortBus bus;
    Paper paper;
    ParallelPort port(&paper);
    port.map(bus, 0x378);
    port.reset();
    bus.write(0x378, 'A', 1);
    EXPECT_EQ(bus.read(0x378, 1), static_cast<u32>('A'));
    EXPECT_EQ(bus.read(0x379, 1) & 0xF8, 0xD8u); // ready, selected, paper, no error
    bus.write(0x37A, 0x0D, 1);
    bus.write(0x37A, 0x0C, 1);
    EXPECT_EQ(paper.text, "A");
    EXPECT_FALSE(port.irq.level());
    bus.write(0x37A, 0x1D, 1);
    EXPECT_TRUE(port.irq.level());
    EXPECT_EQ(bus.read(0x379, 1) & 4, 0u);
    EXPECT_FALSE(port.irq.level());
    EXPECT_EQ(paper.text, "AA");
    EXPECT_EQ(bus.read(0x37A, 1), 0xDDu);
}

TEST(ParallelPort, NothingPluggedInLooksBusyAndOutOfPaper) {
    PortBus bus;
    ParallelPort port(nullptr);
    port.map(bus, 0x378);
    port.reset();
    EXPECT_EQ(bus.read(0x379, 1) & 0xA0, 0x20u);
    bus.write(0x37A, 0x1D, 1);
    EXPECT_FALSE(port.irq.level());
}

} // namespace
} // namespace truering
