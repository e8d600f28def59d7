#include "devices/io_apic.hpp"
#include "tests/unit/devices/test_clock.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

class Pics final : public InterruptSource {
  public:
    u8 acknowledge_interrupt() override {
        ++acknowledged;
        return 0x08;
    }
    unsigned acknowledged = 0;
};

struct Edges {
    unsigned rises = 0;
    void hear(unsigned, bool level) { rises += level ? 1 : 0; }
};

class Apic : public testing::Test {
  protected:
    using Reg = LocalApic::Reg;

    Apic() { apic.nmi.connect_to<&Edges::hear>(nmis); }
    void write(Reg reg, u32 value) { apic.write_mmio(static_cast<u32>(reg), value, 4); }
    u32 read(Reg reg) { return apic.read_mmio(static_cast<u32>(reg), 4); }
    u32 read_word(Reg first, unsigned vector) {
        return apic.read_mmio(static_cast<u32>(first) + vector / 32 * 16, 4) >> (vector % 32) & 1;
    }
    void enable() { write(Reg::SVR, 0x1FF); }
    void send_self(u8 vector) { write(Reg::ICR_Low, 1u << 18 | vector); }
    void redirect(unsigned input, u64 entry) {
        io.write_mmio(0, 0x10 + input * 2 + 1, 4);
        io.write_mmio(0x10, static_cast<u32>(entry >> 32), 4);
        io.write_mmio(0, 0x10 + input * 2, 4);
        io.write_mmio(0x10, static_cast<u32>(entry), 4);
    }

    TestClock clock;
    Pics pics;
    LocalApic apic{clock, pics};
    IoApic io{apic};
    Edges nmis;
};

TEST_F(Apic, AfterResetThePicsPassThrough) {
    apic.hear_lint0(0, true);
    EXPECT_TRUE(apic.interrupt.level());
    EXPECT_EQ(apic.acknowledge_interrupt(), 0x08);
    EXPECT_EQ(pics.acknowledged, 1u);
    apic.hear_lint0(0, false);
    EXPECT_FALSE(apic.interrupt.level());
}

TEST_F(Apic, DisabledItIsTransparent) {
    enable();
    write(Reg::LVT_LINT0, 0x10000);
    apic.hear_lint0(0, true);
    EXPECT_FALSE(apic.interrupt.level());
    apic.set_globally_enabled(false);
    EXPECT_TRUE(apic.interrupt.level());
    EXPECT_EQ(apic.acknowledge_interrupt(), 0x08);
    apic.hear_lint1(1, true);
    EXPECT_TRUE(apic.nmi.level());
}

TEST_F(Apic, ResetValues) {
    EXPECT_EQ(read(Reg::SVR), 0xFFu);
    EXPECT_EQ(read(Reg::DFR), 0xFFFFFFFFu);
    EXPECT_EQ(read(Reg::LVT_Timer), 0x10000u);
    EXPECT_EQ(read(Reg::Version) & 0xFF, 0x14u);
    EXPECT_EQ(read(Reg::Version) >> 16, 5u);
}

TEST_F(Apic, LocalVectorsStayMaskedWhileDisabledBySoftware) {
    write(Reg::LVT_Timer, 0x40);
    EXPECT_EQ(read(Reg::LVT_Timer), 0x10040u);
    enable();
    write(Reg::LVT_Timer, 0x40);
    EXPECT_EQ(read(Reg::LVT_Timer), 0x40u);
    write(Reg::SVR, 0xFF);
    EXPECT_EQ(read(Reg::LVT_Timer), 0x10040u);
}

TEST_F(Apic, PriorityClassesNest) {
    enable();
    send_self(0x41);
    send_self(0x52);
    EXPECT_EQ(apic.acknowledge_interrupt(), 0x52);
    EXPECT_EQ(read(Reg::PPR), 0x50u);
    EXPECT_FALSE(apic.interrupt.level()) << "the lower class waits";
    send_self(0x55);
    EXPECT_FALSE(apic.interrupt.level()) << "the same class as well";
    send_self(0x60);
    EXPECT_TRUE(apic.interrupt.level());
    EXPECT_EQ(apic.acknowledge_interrupt(), 0x60);
    write(Reg::EOI, 0);
    EXPECT_EQ(read_word(Reg::ISR, 0x60), 0u);
    EXPECT_EQ(read_word(Reg::ISR, 0x52), 1u);
    write(Reg::EOI, 0);
    EXPECT_EQ(apic.acknowledge_interrupt(), 0x55);
    write(Reg::EOI, 0);
    EXPECT_EQ(apic.acknowledge_interrupt(), 0x41);
}

TEST_F(Apic, TaskPriorityHoldsBack) {
    enable();
    write(Reg::TPR, 0x45);
    EXPECT_EQ(read(Reg::PPR), 0x45u);
    send_self(0x4F);
    EXPECT_FALSE(apic.interrupt.level());
    write(Reg::TPR, 0x3F);
    EXPECT_TRUE(apic.interrupt.level());
}

TEST_F(Apic, ARequestThatWentAwayIsSpurious) {
    write(Reg::SVR, 0x1EF);
    write(Reg::LVT_LINT0, 0x10000);
    EXPECT_EQ(apic.acknowledge_interrupt(), 0xEF);
    EXPECT_EQ(read_word(Reg::ISR, 0xEF), 0u);
}

TEST_F(Apic, IllegalVectorsAreErrors) {
    enable();
    write(Reg::LVT_Error, 0xE0);
    send_self(5);
    EXPECT_EQ(apic.acknowledge_interrupt(), 0xE0);
    EXPECT_EQ(read(Reg::ESR), 0u);
    write(Reg::ESR, 0);
    EXPECT_EQ(read(Reg::ESR), 0x20u);
    write(Reg::ESR, 0);
    EXPECT_EQ(read(Reg::ESR), 0u);
    write(Reg::LVT_Error, 0x03); // an illegal vector of its own
    send_self(5);
}

TEST_F(Apic, IpisReachOnlyThisProcessor) {
    enable();
    write(Reg::LDR, 0x02000000);
    write(Reg::ICR_High, 0x03000000);
    write(Reg::ICR_Low, 0x70); // physical 3
    EXPECT_FALSE(apic.interrupt.level());
    write(Reg::ICR_Low, 0x870); // logical, flat: bit 1 is ours
    EXPECT_TRUE(apic.interrupt.level());
    EXPECT_EQ(apic.acknowledge_interrupt(), 0x70);
    write(Reg::EOI, 0);
    write(Reg::ICR_Low, 3u << 18 | 0x70); // all but self
    EXPECT_FALSE(apic.interrupt.level());
    write(Reg::ICR_Low, 2u << 18 | 0x70); // all
    EXPECT_TRUE(apic.interrupt.level());
    write(Reg::ICR_High, 0);
    write(Reg::ICR_Low, 4 << 8);
    EXPECT_EQ(nmis.rises, 1u);
    write(Reg::ICR_Low, 0xC500); // INIT
    write(Reg::ICR_Low, 0xC608); // start-up
}

TEST_F(Apic, ClusterModel) {
    enable();
    write(Reg::DFR, 0);
    write(Reg::LDR, 0x21000000);
    EXPECT_TRUE(apic.deliver({.vector = 0x30, .destination_mode = DestinationMode::Logical, .destination = 0x23}));
    EXPECT_FALSE(apic.deliver({.vector = 0x30, .destination_mode = DestinationMode::Logical, .destination = 0x13}));
    EXPECT_FALSE(apic.deliver({.vector = 0x30, .destination_mode = DestinationMode::Logical, .destination = 0x22}));
}

TEST_F(Apic, OneShotTimer) {
    enable();
    write(Reg::DivideConfig, 0x3); // 16
    write(Reg::LVT_Timer, 0x40);
    write(Reg::InitialCount, 1000);
    clock.advance(8000);
    EXPECT_EQ(read(Reg::CurrentCount), 500u);
    clock.advance(7999);
    EXPECT_FALSE(apic.interrupt.level());
    clock.advance(1);
    EXPECT_EQ(apic.acknowledge_interrupt(), 0x40);
    EXPECT_EQ(read(Reg::CurrentCount), 0u);
    write(Reg::EOI, 0);
    clock.advance(1'000'000);
    EXPECT_FALSE(apic.interrupt.level());
}

TEST_F(Apic, PeriodicTimerKeepsItsBeat) {
    enable();
    write(Reg::DivideConfig, 0xB); // 1
    write(Reg::LVT_Timer, 0x20040);
    write(Reg::InitialCount, 10'000);
    unsigned ticks = 0;
    for (unsigned n = 0; n < 1000; ++n) {
        clock.advance(1000);
        if (!apic.interrupt.level()) continue;
        EXPECT_EQ(apic.acknowledge_interrupt(), 0x40);
        write(Reg::EOI, 0);
        ++ticks;
    }
    EXPECT_EQ(ticks, 100u);
    EXPECT_EQ(read(Reg::CurrentCount), 10'000u);
    write(Reg::InitialCount, 0);
    EXPECT_EQ(clock.armed_alarms(), 0u);
}

TEST_F(Apic, ATimerFasterThanTheMachineDoesNotStopIt) {
    enable();
    write(Reg::DivideConfig, 0xB);
    write(Reg::LVT_Timer, 0x20040);
    write(Reg::InitialCount, 1);
    clock.advance(1'000'000);
    EXPECT_TRUE(apic.interrupt.level());
}

TEST_F(Apic, MaskedTimerCountsSilently) {
    enable();
    write(Reg::DivideConfig, 0xB);
    write(Reg::InitialCount, 1'000'000);
    EXPECT_EQ(clock.armed_alarms(), 0u);
    clock.advance(250'000);
    EXPECT_EQ(read(Reg::CurrentCount), 750'000u);
}

TEST_F(Apic, Lint1IsTheNmi) {
    enable();
    write(Reg::LVT_LINT1, 0x400);
    apic.hear_lint1(1, true);
    EXPECT_EQ(nmis.rises, 1u);
    apic.hear_lint1(1, false);
    write(Reg::LVT_LINT1, 0x10400);
    apic.hear_lint1(1, true);
    EXPECT_EQ(nmis.rises, 1u);
}

TEST_F(Apic, EdgeInputSendsOnceAndIsLostWhileMasked) {
    enable();
    io.hear_input(4, true);
    redirect(4, 0x34);
    EXPECT_FALSE(apic.interrupt.level());
    io.hear_input(4, false);
    io.hear_input(4, true);
    EXPECT_EQ(apic.acknowledge_interrupt(), 0x34);
    EXPECT_EQ(read_word(Reg::TMR, 0x34), 0u);
    write(Reg::EOI, 0);
    EXPECT_FALSE(apic.interrupt.level());
}

TEST_F(Apic, LevelInputComesAgainUntilItFalls) {
    enable();
    redirect(10, 0x8000 | 0x3A);
    io.hear_input(10, true);
    EXPECT_EQ(io.entry(10) >> 14 & 1, 1u) << "Remote IRR";
    EXPECT_EQ(apic.acknowledge_interrupt(), 0x3A);
    EXPECT_EQ(read_word(Reg::TMR, 0x3A), 1u);
    EXPECT_FALSE(apic.interrupt.level());
    write(Reg::EOI, 0);
    EXPECT_EQ(apic.acknowledge_interrupt(), 0x3A);
    io.hear_input(10, false);
    write(Reg::EOI, 0);
    EXPECT_FALSE(apic.interrupt.level());
    EXPECT_EQ(io.entry(10) >> 14 & 1, 0u);
}

TEST_F(Apic, LevelInputWaitsBehindItsMask) {
    enable();
    redirect(11, 0x18000 | 0x3B);
    io.hear_input(11, true);
    EXPECT_FALSE(apic.interrupt.level());
    redirect(11, 0x8000 | 0x3B);
    EXPECT_TRUE(apic.interrupt.level());
}

TEST_F(Apic, ExtIntThroughTheIoApic) {
    enable();
    write(Reg::LVT_LINT0, 0x10000);
    redirect(0, 0x700);
    io.hear_input(0, true);
    EXPECT_TRUE(apic.interrupt.level());
    EXPECT_EQ(apic.acknowledge_interrupt(), 0x08);
    EXPECT_FALSE(apic.interrupt.level());
}

TEST_F(Apic, IoApicRegisters) {
    io.write_mmio(0, 1, 4);
    EXPECT_EQ(io.read_mmio(0x10, 4), 0x00170011u);
    io.write_mmio(0, 0, 4);
    io.write_mmio(0x10, 0xFFFFFFFF, 4);
    EXPECT_EQ(io.read_mmio(0x10, 4), 0x0F000000u);
    redirect(23, 0xFFFFFFFF'FFFFFFFF);
    EXPECT_EQ(io.entry(23), 0xFF000000'0001AFFFu);
    io.write_mmio(0, 0xFF, 4);
    io.write_mmio(0x10, 0xFFFFFFFF, 4);
    EXPECT_EQ(io.read_mmio(0x10, 4), 0u);
}

} // namespace
} // namespace truering
