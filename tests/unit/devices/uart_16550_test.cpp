#include "devices/uart_16550.hpp"
#include "tests/unit/devices/test_clock.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

struct Terminal final : SerialSink {
    std::string text;
    void transmit(u8 byte) override { text.push_back(static_cast<char>(byte)); }
};

enum : u16 { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };
constexpr u32 OUT2 = 0x08;

class UartTest : public testing::Test {
  protected:
    UartTest() { uart.map(bus, 0x3F8); }
    void out(u16 reg, u32 value) { bus.write(static_cast<u16>(0x3F8 + reg), value, 1); }
    u32 in(u16 reg) { return bus.read(static_cast<u16>(0x3F8 + reg), 1); }

    TestClock clock;
    PortBus bus;
    Terminal terminal;
    Uart16550 uart{clock, &terminal};
};

TEST_F(UartTest, IsRecognisedAsA16550A) {
    out(SCR, 0x5A);
    EXPECT_EQ(in(SCR), 0x5Au);
    EXPECT_EQ(in(IIR), 0x01u);
    out(IIR, 0x01);
    EXPECT_EQ(in(IIR), 0xC1u);
    out(IIR, 0x00);
    EXPECT_EQ(in(IIR), 0x01u);
    out(IER, 0xFF);
    EXPECT_EQ(in(IER), 0x0Fu);
    // The loopback test of drivers: RTS and OUT2 come back as CTS and DCD.
    out(MCR, 0x10 | 0x0A);
    EXPECT_EQ(in(MSR)&0xF0, 0x90u);
    out(MCR, 0);
    EXPECT_EQ(in(MSR)&0xF0, 0xB0u);
}

TEST_F(UartTest, DivisorLatch) {
    out(LCR, 0x83);
    out(RBR, 1);
    out(IER, 0);
    EXPECT_EQ(in(RBR), 1u);
    EXPECT_EQ(uart.baud(), 115'200u);
    out(LCR, 0x03);
    EXPECT_EQ(in(IER), 0u);
    EXPECT_EQ(terminal.text, "");
}

TEST_F(UartTest, TransmitsWithPollingAndWithoutSetUp) {
    for (char c : std::string("hi\xC3")) {
        EXPECT_EQ(in(LSR)&0x60, 0x60u);
        out(RBR, static_cast<u8>(c));
    }
    EXPECT_EQ(terminal.text, "hi\xC3");
}

TEST_F(UartTest, TransmitterInterrupt) {
    out(MCR, OUT2);
    out(IER, 0x02);
    EXPECT_TRUE(uart.irq.level()); // enabling it with THR empty gives one
    EXPECT_EQ(in(IIR)&0x0F, 0x02u);
    EXPECT_FALSE(uart.irq.level()); // told
    EXPECT_EQ(in(IIR)&0x0F, 0x01u);
    out(IER, 0);
    out(IER, 0x02); // and again
    EXPECT_TRUE(uart.irq.level());
    out(RBR, 'x');
    EXPECT_FALSE(uart.irq.level());
    clock.advance(20'000'000);
    EXPECT_TRUE(uart.irq.level());
    EXPECT_EQ(in(IIR)&0x0F, 0x02u);
}

TEST_F(UartTest, Out2GatesTheInterrupt) {
    out(IER, 0x02);
    EXPECT_FALSE(uart.irq.level());
    EXPECT_EQ(in(IIR)&0x0F, 0x02u);
}

TEST_F(UartTest, ReceivesWithoutFifoOneByteAtATime) {
    out(LCR, 3);
    out(MCR, OUT2);
    out(IER, 0x05);
    ASSERT_TRUE(uart.can_receive());
    uart.receive('a');
    EXPECT_FALSE(uart.can_receive());
    EXPECT_TRUE(uart.irq.level());
    EXPECT_EQ(in(IIR), 0x04u);
    uart.receive('b'); // overrun: the first is lost
    EXPECT_EQ(in(IIR), 0x06u);
    EXPECT_EQ(in(LSR)&0x1F, 0x03u);
    EXPECT_EQ(in(LSR)&0x1F, 0x01u);
    EXPECT_EQ(in(RBR), static_cast<u32>('b'));
    EXPECT_FALSE(uart.irq.level());
    EXPECT_EQ(in(LSR)&1, 0u);
}

TEST_F(UartTest, FifoTriggerAndTimeout) {
    out(LCR, 0x83);
    out(RBR, 12); // 9600 baud: 1.04 ms a character
    out(IER, 0);
    out(LCR, 3);
    out(MCR, OUT2);
    out(IIR, 0x41); // trigger at 4
    out(IER, 0x01);
    for (char c : std::string("abc")) uart.receive(static_cast<u8>(c));
    EXPECT_FALSE(uart.irq.level());
    clock.advance(4'100'000);
    EXPECT_FALSE(uart.irq.level());
    clock.advance(100'000);
    EXPECT_TRUE(uart.irq.level());
    EXPECT_EQ(in(IIR), 0xCCu);
    EXPECT_EQ(in(RBR), static_cast<u32>('a'));
    EXPECT_FALSE(uart.irq.level());
    uart.receive('d');
    uart.receive('e');
    EXPECT_EQ(in(IIR), 0xC4u);
    for (char c : std::string("bcde")) EXPECT_EQ(in(RBR), static_cast<u32>(c));
    EXPECT_EQ(in(IIR), 0xC1u);
    clock.advance(10'000'000);
    EXPECT_FALSE(uart.irq.level()); // nothing is left to time out
}

TEST_F(UartTest, FifoHoldsSixteenAndResets) {
    out(LCR, 3);
    out(IIR, 0x01);
    for (unsigned i = 0; i < 16; ++i) {
        ASSERT_TRUE(uart.can_receive());
        uart.receive(static_cast<u8>(i));
    }
    EXPECT_FALSE(uart.can_receive());
    uart.receive(99);
    EXPECT_EQ(in(LSR)&2, 2u);
    EXPECT_EQ(in(RBR), 0u);
    out(IIR, 0x03);
    EXPECT_EQ(in(LSR)&1, 0u);
}

TEST_F(UartTest, BreakShowsWhenItIsNext) {
    out(LCR, 3);
    out(MCR, OUT2);
    out(IIR, 0x01);
    out(IER, 0x04);
    uart.receive('a');
    uart.receive_break();
    EXPECT_FALSE(uart.irq.level());
    EXPECT_EQ(in(LSR)&0x91, 0x81u); // an error is in the FIFO, not yet at its top
    in(RBR);
    EXPECT_TRUE(uart.irq.level());
    EXPECT_EQ(in(IIR), 0xC6u);
    EXPECT_EQ(in(LSR)&0x11, 0x11u);
    EXPECT_EQ(in(RBR), 0u);
    EXPECT_EQ(in(LSR)&0x91, 0u);
}

TEST_F(UartTest, LoopbackKeepsBytesInside) {
    out(LCR, 3);
    out(MCR, 0x10 | OUT2);
    out(IER, 0x01);
    out(RBR, 0xAE);
    EXPECT_EQ(terminal.text, "");
    uart.receive('z'); // the outside is cut off
    EXPECT_EQ(in(IIR)&0x0F, 0x04u);
    EXPECT_FALSE(uart.irq.level());
    EXPECT_EQ(in(RBR), 0xAEu);
    EXPECT_EQ(in(LSR)&1, 0u);
}

TEST_F(UartTest, ModemStatusDeltas) {
    out(MCR, OUT2 | 3);
    EXPECT_TRUE(uart.dtr.level());
    EXPECT_TRUE(uart.rts.level());
    in(MSR);
    out(IER, 0x08);
    uart.set_modem_inputs(Uart16550::DSR | Uart16550::RI);
    EXPECT_TRUE(uart.irq.level());
    EXPECT_EQ(in(IIR), 0x00u);
    EXPECT_EQ(in(MSR), 0x69u); // CTS and DCD changed; RI rose: no TERI
    EXPECT_FALSE(uart.irq.level());
    uart.set_modem_inputs(Uart16550::DSR);
    EXPECT_EQ(in(MSR), 0x24u); // TERI
}

TEST_F(UartTest, HostileSequencesStayBounded) {
    u32 random = 3;
    for (int i = 0; i < 100'000; ++i) {
        random = random * 1664525 + 1013904223;
        const u16 reg = static_cast<u16>(random >> 8 & 7);
        if ((random >> 30) == 0) in(reg);
        if ((random >> 30) == 1) out(reg, random >> 16 & 0xFF);
        if ((random >> 30) == 2) uart.receive(static_cast<u8>(random >> 16));
        if ((random >> 30) == 3) uart.receive_break();
        clock.advance(random >> 12 & 0xFFFF);
    }
    EXPECT_LE(clock.armed_alarms(), 2u);
}

} // namespace
} // namespace truering
