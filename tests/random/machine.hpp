// A processor with memory, chips and tables in the state in which a random program begins, on one of the engines.
#pragma once

#include "tests/random/counting_runner.hpp"
#include "tests/random/devices.hpp"
#include "tests/random/plan.hpp"

#include <memory>

namespace truering::random_test {

enum class Engine : u8 { Interpreter, Translator };

class Machine {
  public:
    // `code_bytes` for translations; 0: as many as the translator takes by itself.
    Machine(Engine engine, std::size_t code_bytes, const Plan& plan, const Image& image);

    PhysicalMemory memory;
    PortBus ports;
    InstructionClock clock;
    NonsenseChip chip;
    InterruptSwitch interrupts;
    Cpu cpu;

    [[nodiscard]] u64 translated() const { return counter_ ? counter_->executed : 0; }

  private:
    void start(const Setup& setup, const Image& image);
    void load_segment(unsigned index, const Setup& setup);

    std::unique_ptr<BlockRunner> translator_;
    std::unique_ptr<CountingRunner> counter_;
};

} // namespace truering::random_test
