// What answers to a random program beside memory: registers in memory and at ports, a clock, interrupts.
//
// All of it is a function of what the program did and when, in instructions: two engines that agree see the same.
#pragma once

#include "cpu/cpu.hpp"

namespace truering::random_test {

// Time is made of instructions: what is asked in the middle of a block must have counted those before it.
class InstructionClock final : public Clock {
  public:
    void follow(const Cpu& cpu) { cpu_ = &cpu; }
    [[nodiscard]] Nanoseconds now() const override { return cpu_ != nullptr ? cpu_->retired() : 0; }
    void arm(Alarm&, Nanoseconds) override {}
    void disarm(Alarm&) override {}

  private:
    const Cpu* cpu_ = nullptr;
};

// A chip whose registers hold nonsense. What is written, where and when, goes into `seen`; now and then it ends a run.
class NonsenseChip final : public MmioDevice, public PortDevice {
  public:
    void follow(Cpu& cpu) { cpu_ = &cpu; }
    u32 read_mmio(u32 offset, unsigned size) override { return note(offset, 0, size, 1); }
    void write_mmio(u32 offset, u32 value, unsigned size) override { note(offset, value, size, 2); }
    u32 read_port(u16 port, unsigned size) override { return note(port, 0, size, 3); }
    void write_port(u16 port, u32 value, unsigned size) override { note(port, value, size, 4); }
    u64 seen = 0;

  private:
    u32 note(u32 where, u32 value, unsigned size, u32 what) {
        seen ^= u64{where} << 32 | value;
        seen += cpu_->retired() * 8 + what;
        seen = (seen ^ seen >> 29) * (0x9E37'79B9'7F4A'7C15 + size);
        if (seen % 16 == 0) cpu_->shorten_run(seen / 16 % 64);
        return static_cast<u32>(seen >> 32);
    }
    Cpu* cpu_ = nullptr;
};

// Raises its line when told, and lowers it when asked for the vector.
class InterruptSwitch final : public InterruptSource {
  public:
    void follow(Cpu& cpu) { cpu_ = &cpu; }
    void raise(u8 vector) {
        vector_ = vector;
        cpu_->set_interrupt_line(0, true);
    }
    u8 acknowledge_interrupt() override {
        cpu_->set_interrupt_line(0, false);
        return vector_;
    }

  private:
    Cpu* cpu_ = nullptr;
    u8 vector_ = 0;
};

} // namespace truering::random_test
