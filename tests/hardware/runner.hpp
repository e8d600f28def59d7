// Running captured tests on the processor: a runner for each set, and what they share.
#pragma once

#include "tests/hardware/bench_machine.hpp"
#include "tests/hardware/moo.hpp"

#include <fmt/core.h>
#include <stdexcept>
#include <string>

namespace truering {

inline std::string hex(u32 value) { return fmt::format("{:X}H", value); }

// What differed, in words; empty if nothing did.
struct Comparison {
    std::string differences;
    void check(const std::string& what, u32 actual, u32 expected, u32 mask) {
        if (((actual ^ expected) & mask) != 0)
            differences += fmt::format(" {} is {:X}, not {:X};", what, actual & mask, expected & mask);
    }
};

inline u32 mask_of(const moo::File& file, const moo::Test& test, const char* name) {
    u32 mask = 0xFFFF'FFFF;
    for (const moo::Registers* masks : {&file.masks, &test.final.masks})
        if (const auto found = masks->find(name); found != masks->end()) mask &= found->second;
    return mask;
}

class TestRunner {
  public:
    virtual ~TestRunner() = default;
    // The differences between the processor's and the hardware's final state; empty if the test passes.
    virtual std::string run(const moo::File& file, const moo::Test& test) = 0;
    // Executions of each row of the instruction table.
    [[nodiscard]] virtual const std::vector<u64>& coverage() const = 0;
};

class RealModeRunner final : public TestRunner {
  public:
    RealModeRunner();
    std::string run(const moo::File& file, const moo::Test& test) override;
    [[nodiscard]] const std::vector<u64>& coverage() const override { return machine_.cpu.coverage(); }

  private:
    void load(const moo::Test& test);
    std::string compare(const moo::File& file, const moo::Test& test);
    BenchMachine machine_;
};

class UserModeRunner final : public TestRunner {
  public:
    UserModeRunner();
    std::string run(const moo::File& file, const moo::Test& test) override;
    [[nodiscard]] const std::vector<u64>& coverage() const override { return machine_.cpu.coverage(); }

  private:
    void load(const moo::Test& test);
    std::string compare(const moo::File& file, const moo::Test& test);
    // The program's state after the instruction, or as the exception's handler was given it.
    struct Seen {
        int vector; // -1: no exception
        u32 eip, eflags, esp;
    };
    Seen look();
    static u64 physical(u32 linear);
    [[nodiscard]] bool is_repeating(const moo::Test& test) const;
    BenchMachine machine_;
};

} // namespace truering
