// Counts the instructions that a translator executes: stands between the processor and it.
#pragma once

#include "cpu/interpreter/block_runner.hpp"

namespace truering::random_test {

class CountingRunner final : public BlockRunner {
  public:
    CountingRunner(Cpu& cpu, BlockRunner& inner) : cpu_(cpu), inner_(inner) { cpu.set_block_runner(this); }
    ~CountingRunner() override { cpu_.set_block_runner(nullptr); }

    bool run(Left& left) override {
        const u64 before = cpu_.retired();
        const bool ran = inner_.run(left);
        executed += cpu_.retired() - before;
        return ran;
    }
    bool find(const Block& block) override { return inner_.find(block); }
    bool translate(Block& block) override { return inner_.translate(block); }
    void killed(Block& block) override { inner_.killed(block); }
    void all_discarded() override { inner_.all_discarded(); }

    u64 executed = 0;

  private:
    Cpu& cpu_;
    BlockRunner& inner_;
};

} // namespace truering::random_test
