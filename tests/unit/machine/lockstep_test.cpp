// Two machines in lock-step: alike for as long as they are, and the place where they part found to the instruction.
#include "machine/lockstep.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

struct Nobody final : Frontend {
    void attend() override {}
    void sleep(std::chrono::nanoseconds) override {}
    [[nodiscard]] bool expects_input() const override { return false; }
    void paused(const End&) override {}
};

// What the test's own device answers, and to which of the reads: a machine whose device lies is the one that differs.
struct Oracle final : PortDevice {
    static constexpr u16 port = 0x2F0;
    u64 lies_at = ~u64{0};
    u64 reads = 0;
    u32 read_port(u16, unsigned) override { return ++reads == lies_at ? 1 : 0; }
    void write_port(u16, u32, unsigned) override {}
};

class LockstepTest : public ::testing::Test {
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

    // The translator's machine has a device that lies the nth time it is asked.
    std::unique_ptr<Pc> make(Engine engine) {
        PcConfig config;
        config.memory = 2 << 20;
        config.debug_exit_port = 0xF4;
        auto pc = std::make_unique<Pc>(config, firmware_, PcPlugs{}, Kernels{}, MessageSink{});
        oracles_.push_back(std::make_unique<Oracle>());
        if (engine == Engine::Translator) oracles_.back()->lies_at = lies_at_;
        pc->ports.map(Oracle::port, 1, *oracles_.back());
        return pc;
    }

    End run(const std::vector<u8>& code, u64 lies_at = ~u64{0}, u64 slice = 1000) {
        firmware_ = firmware(code);
        lies_at_ = lies_at;
        first_ = make(Engine::Translator);
        Policy policy;
        policy.instructions = 100'000;
        policy.slice = slice;
        loop_ = std::make_unique<MachineLoop>(*first_, nobody_, policy);
        lockstep_ = std::make_unique<Lockstep>(
            *first_, [this](Engine engine) { return make(engine); },
            [this](const Differences& found) {
                loop_->finish({EndReason::EnginesDiffer, 0, in_short(found)});
            });
        loop_->set_listener(lockstep_.get());
        return loop_->run();
    }

    std::string explanation() {
        return lockstep_->explain([](const std::string&) {});
    }

    // mov dx, port; L: inc cx; in al, dx; add bl, al; jmp L
    static std::vector<u8> asking_loop() { return {0xBA, 0xF0, 0x02, 0x41, 0xEC, 0x00, 0xC3, 0xEB, 0xFA}; }

    Firmware firmware_;
    u64 lies_at_ = 0;
    Nobody nobody_;
    std::vector<std::unique_ptr<Oracle>> oracles_;
    std::unique_ptr<Pc> first_;
    std::unique_ptr<MachineLoop> loop_;
    std::unique_ptr<Lockstep> lockstep_;
};

TEST_F(LockstepTest, EqualMachinesStayEqual) {
    EXPECT_EQ(run(asking_loop()).reason, EndReason::InstructionLimit);
    EXPECT_TRUE(lockstep_->finish());
    EXPECT_GE(lockstep_->comparisons(), 100u);
}

TEST_F(LockstepTest, ADifferenceEndsTheRunInItsSlice) {
    const End end = run(asking_loop(), 5000); // the 5000th IN is instruction 2 + 4 * 4999 + 2
    EXPECT_EQ(end.reason, EndReason::EnginesDiffer);
    EXPECT_NE(end.detail.find("eax 00000001 / 00000000"), std::string::npos) << end.detail;
    EXPECT_LE(first_->cpu.retired(), 21'000u);
    EXPECT_FALSE(lockstep_->finish());
}

TEST_F(LockstepTest, TheFirstDifferentInstructionIsFound) {
    run(asking_loop(), 5000);
    const std::string text = explanation();
    EXPECT_NE(text.find("behind instruction 20000 "), std::string::npos) << text;
    EXPECT_NE(text.find("eax"), std::string::npos) << text;
    EXPECT_NE(text.find("in al, dx"), std::string::npos) << text;
}

TEST_F(LockstepTest, ADifferenceInMemoryAloneIsFoundAtTheEnd) {
    // Five instructions, then a loop of five: no slice of 1000 ends where registers or flags could tell.
    const std::vector<u8> code{0x90, 0x90, 0x90, 0xBA, 0xF0, 0x02,  // nop, nop, nop; mov dx, port
                               0xEC, 0x08, 0x06, 0x00, 0x03,        // L: in al, dx; or [300h], al
                               0xB0, 0x00, 0x38, 0xC0, 0xEB, 0xF5}; // mov al, 0; cmp al, al; jmp L
    EXPECT_EQ(run(code, 3).reason, EndReason::InstructionLimit);
    EXPECT_FALSE(lockstep_->finish());
    EXPECT_NE(explanation().find("The first difference is behind instruction"), std::string::npos);
}

TEST_F(LockstepTest, InputReachesBothAtTheSameMoment) {
    const std::vector<u8> code{0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01, 0x74, 0xFB,  // COM1: until a byte is there
                               0xBA, 0xF8, 0x03, 0xEC, 0x00, 0xC3, 0xEB, 0xF0}; // add bl, the byte; again
    firmware_ = firmware(code);
    first_ = make(Engine::Translator);
    Policy policy;
    policy.instructions = 300'000;
    policy.slice = 1000;
    MachineLoop loop(*first_, nobody_, policy);
    Lockstep lockstep(
        *first_, [this](Engine engine) { return make(engine); }, [](const Differences& d) { FAIL() << in_short(d); });
    loop.set_listener(&lockstep);
    Alarm byte([](void* self) { static_cast<Pc*>(self)->take(SerialInput{0, 'A'}); }, first_.get());
    first_->clock.arm(byte, 1'000'000);
    loop.run();
    EXPECT_EQ(first_->cpu.gpr[reg_EBX] & 0xFF, u32{'A'});
    EXPECT_TRUE(lockstep.finish());
}

TEST(ShadowConfig, LeavesTheHostsFilesAlone) {
    PcConfig config;
    config.drives.resize(3);
    config.drives[1].mode = MediumMode::ReadOnly;
    config.drives[2].mode = MediumMode::Overlay;
    config.drives[2].overlay = "/nonexistent/overlay";
    const PcConfig shadow = shadow_config(config);
    EXPECT_EQ(shadow.drives[0].mode, MediumMode::Snapshot);
    EXPECT_EQ(shadow.drives[1].mode, MediumMode::ReadOnly);
    EXPECT_EQ(shadow.drives[2].mode, MediumMode::Snapshot);
}

} // namespace
} // namespace truering
