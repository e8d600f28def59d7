#include "machine/run_loop.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

// A front end that nobody looks at.
struct Nobody final : Frontend {
    bool input = false;
    int sleeps = 0;
    int pauses = 0;
    MachineLoop* loop = nullptr;
    void attend() override {}
    void sleep(std::chrono::nanoseconds) override { ++sleeps; }
    [[nodiscard]] bool expects_input() const override { return input; }
    void paused(const End&) override {
        ++pauses;
        loop->finish({EndReason::Quit, 0, {}});
    }
};

struct Recorder final : SerialSink {
    std::string text;
    void transmit(u8 byte) override { text += static_cast<char>(byte); }
};

// A machine whose firmware is the code of a test, at F000:0000 in real mode.
class PcTest : public ::testing::Test {
  protected:
    static Firmware firmware(const std::vector<u8>& code) {
        Firmware result;
        result.system.bytes.assign(64 * 1024, 0xF4);
        std::copy(code.begin(), code.end(), result.system.bytes.begin());
        const u8 jump[] = {0xEA, 0x00, 0x00, 0x00, 0xF0}; // jmp F000:0000
        std::copy(std::begin(jump), std::end(jump), result.system.bytes.end() - 16);
        result.video.bytes.assign(512, 0);
        return result;
    }

    static PcConfig small() {
        PcConfig config;
        config.memory = 2 << 20;
        config.debug_exit_port = 0xF4;
        return config;
    }

    End run(const std::vector<u8>& code, Policy policy = {}) {
        PcPlugs plugs;
        plugs.debug_console = &console;
        pc = std::make_unique<Pc>(small(), firmware(code), plugs, Kernels{}, MessageSink{});
        if (!policy.instructions) policy.instructions = 1'000'000;
        MachineLoop loop(*pc, nobody, policy);
        nobody.loop = &loop;
        return loop.run();
    }

    Recorder console;
    Nobody nobody;
    std::unique_ptr<Pc> pc;
};

TEST_F(PcTest, DebugExitGivesItsValueAtOnce) {
    const End end = run({0xB0, 0x2A,            // mov al, 42
                         0xE6, 0xF4,            // out F4h, al
                         0xB0, 'x', 0xE6, 0xE9, // out E9h, 'x'
                         0xF4});
    EXPECT_EQ(end.reason, EndReason::DebugExit);
    EXPECT_EQ(end.value, 42u);
    EXPECT_EQ(console.text, "") << "nothing behind it was executed";
}

TEST_F(PcTest, HaltedWithInterruptsOffIsTheEnd) { EXPECT_EQ(run({0xFA, 0xF4}).reason, EndReason::Halted); }

TEST_F(PcTest, HaltedWithNothingThatCouldWakeItIsTheEndUnlessTheHostCould) {
    const std::vector<u8> wait{0xB0, 0xFF, 0xE6, 0x21, 0xFB, 0xF4, 0xEB, 0xFD}; // mask all; sti; hlt; jmp $-1
    const End end = run(wait);
    EXPECT_TRUE(end.reason == EndReason::Halted || end.reason == EndReason::InstructionLimit);
}

TEST_F(PcTest, ATripleFaultEndsTheRunOrResets) {
    // lidt [cs:limit 0]; int3
    const std::vector<u8> crash{0x2E, 0x0F, 0x01, 0x1E, 0x08, 0x00, 0xCC, 0xF4, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(run(crash).reason, EndReason::TripleFault);
    Policy policy;
    policy.on[static_cast<unsigned>(GuestEvent::Triple)] = Action::Reset;
    EXPECT_EQ(run(crash, policy).reason, EndReason::InstructionLimit) << "over and over";
    policy.on[static_cast<unsigned>(GuestEvent::Triple)] = Action::Pause;
    nobody.pauses = 0;
    EXPECT_EQ(run(crash, policy).reason, EndReason::Quit);
    EXPECT_EQ(nobody.pauses, 1);
}

TEST_F(PcTest, AResetStartsTheFirmwareAgain) {
    // The first time RAM at 0 is 0: mark it and reset by CF9H; the second time say so and halt.
    const std::vector<u8> code{0x31, 0xC0, 0x8E, 0xD8,              // xor ax, ax; mov ds, ax
                               0xFE, 0x06, 0x00, 0x05,              // inc byte [500h]
                               0x80, 0x3E, 0x00, 0x05, 0x02,        // cmp byte [500h], 2
                               0x74, 0x0B,                          // je done
                               0xBA, 0xF9, 0x0C,                    // mov dx, CF9h
                               0xB0, 0x02, 0xEE, 0xB0, 0x06, 0xEE,  // out dx, 2; out dx, 6
                               0xEB, 0xFE,                          // jmp $
                               0xB0, 'R',  0xE6, 0xE9, 0xFA, 0xF4}; // done: out E9h, 'R'; cli; hlt
    EXPECT_EQ(run(code).reason, EndReason::Halted);
    EXPECT_EQ(console.text, "R");
    Policy policy;
    policy.on[static_cast<unsigned>(GuestEvent::Reset)] = Action::Exit;
    EXPECT_EQ(run(code, policy).reason, EndReason::Reset);
}

TEST_F(PcTest, TheKeyboardControllersResetComesBackWithMemoryForThe286sWay) {
    // CMOS 0FH = 0AH (jump by 40:67): the processor alone is reset, the machine is not; so the A20 gate and the console
    // show nothing, but the PIC's mask stays.
    const std::vector<u8> code{0x31, 0xC0, 0x8E, 0xD8,       // xor ax, ax; mov ds, ax
                               0xFE, 0x06, 0x00, 0x05,       // inc byte [500h]
                               0x80, 0x3E, 0x00, 0x05, 0x02, // cmp byte [500h], 2
                               0x74, 0x12,                   // je done
                               0xB0, 0x0F, 0xE6, 0x70,       // CMOS index 0Fh
                               0xB0, 0x0A, 0xE6, 0x71, 0xB0, 0x5A,
                               0xE6, 0x80,                          // page register 80h = 5Ah: lost in a whole reset
                               0xB0, 0xFE, 0xE6, 0x64,              // pulse reset
                               0xEB, 0xFE, 0xE4, 0x80, 0xE6, 0xF4}; // done: what is in 80h?
    const End end = run(code);
    EXPECT_EQ(end.reason, EndReason::DebugExit);
    EXPECT_EQ(end.value, 0x5Au);
}

TEST_F(PcTest, TheTimerWakesAHaltedProcessorInVirtualTime) {
    // The counter first: its output rises when it is programmed. Then IRQ 0 at 100 Hz through the 8259 to vector 8,
    // whose handler ends the run.
    const std::vector<u8> code{0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xD0, 0xBC, 0x00, 0x70, // ds = ss = 0, sp = 7000h
                               0xC7, 0x06, 0x20, 0x00, 0x40, 0x00,                   // [20h] = 40h
                               0xC7, 0x06, 0x22, 0x00, 0x00, 0xF0,                   // [22h] = F000h
                               0xB0, 0x34, 0xE6, 0x43,                               // counter 0, mode 2
                               0xB0, 0x9C, 0xE6, 0x40, 0xB0, 0x2E, 0xE6, 0x40,       // 11932
                               0xB0, 0x11, 0xE6, 0x20, 0xB0, 0x08, 0xE6, 0x21,       // ICW1, ICW2
                               0xB0, 0x04, 0xE6, 0x21, 0xB0, 0x01, 0xE6, 0x21,       // ICW3, ICW4
                               0xB0, 0xFE, 0xE6, 0x21,                               // only IRQ 0
                               0xFB, 0xF4, 0xF4};
    std::vector<u8> whole = code;
    whole.resize(0x40, 0xF4);
    whole.insert(whole.end(), {0xB0, 0x07, 0xE6, 0xF4}); // handler: debug exit 7
    const End end = run(whole);
    EXPECT_EQ(end.reason, EndReason::DebugExit);
    EXPECT_EQ(end.value, 7u);
    EXPECT_GT(pc->clock.now(), 9'000'000u);
    EXPECT_LT(pc->clock.now(), 11'000'000u);
    EXPECT_LT(pc->cpu.retired(), 1000u) << "HLT costs time, not instructions";
}

TEST_F(PcTest, TheInstructionLimitIsExactWithinABlock) {
    Policy policy;
    policy.instructions = 12'345;
    EXPECT_EQ(run({0xEB, 0xFE}, policy).reason, EndReason::InstructionLimit);
    EXPECT_EQ(pc->cpu.retired(), 12'345u);
}

TEST_F(PcTest, A20IsEitherGate) {
    EXPECT_EQ(run({0xFA, 0xF4}).reason, EndReason::Halted);
    const u64 through = ~u64{0};
    pc->ports.write(0x92, 0x00, 1);
    EXPECT_EQ(pc->cpu.a20_mask, through) << "the keyboard controller's gate is still open";
    pc->ports.write(0x64, 0xD1, 1);
    pc->ports.write(0x60, 0xDD, 1); // output port with A20 off
    EXPECT_NE(pc->cpu.a20_mask, through);
    pc->ports.write(0x92, 0x02, 1);
    EXPECT_EQ(pc->cpu.a20_mask, through);
}

TEST_F(PcTest, TheTimerIsInput2OfTheIoApic) {
    EXPECT_EQ(run({0xFA, 0xF4}).reason, EndReason::Halted);
    pc->ports.write(0x43, 0x34, 1); // counter 0, mode 2: its output is high from now on
    EXPECT_TRUE(pc->io_apic->is_asserted(2));
    EXPECT_FALSE(pc->io_apic->is_asserted(0));
    // And the firmware is told so (fw_cfg item 8002H).
    pc->ports.write(0x510, 0x8002, 2);
    EXPECT_EQ(pc->ports.read(0x511, 1), 1u);
}

TEST_F(PcTest, TheHostsTimeStandsStillWithinAnInstruction) {
    PcConfig config = small();
    config.time = TimeMode::Host;
    pc = std::make_unique<Pc>(config, firmware({0x90, 0x90}), PcPlugs{}, Kernels{}, MessageSink{});
    const Nanoseconds first = pc->clock.now();
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < std::chrono::microseconds(50)) continue;
    EXPECT_EQ(pc->clock.now(), first);
    static_cast<void>(pc->cpu.run(1));
    const Nanoseconds second = pc->clock.now();
    EXPECT_GE(second, first + 50'000);
    while (std::chrono::steady_clock::now() - begin < std::chrono::microseconds(100)) continue;
    pc->time->look();
    EXPECT_GT(pc->clock.now(), second);
}

TEST_F(PcTest, CmosTellsTheMemory) {
    EXPECT_EQ(run({0xFA, 0xF4}).reason, EndReason::Halted);
    EXPECT_EQ(pc->rtc.cmos(0x15) | pc->rtc.cmos(0x16) << 8, 640);
    EXPECT_EQ(pc->rtc.cmos(0x17) | pc->rtc.cmos(0x18) << 8, 1024);
    EXPECT_EQ(pc->rtc.cmos(0x10) >> 4, 4) << "drive A is 1.44 MB";
}

} // namespace
} // namespace truering
