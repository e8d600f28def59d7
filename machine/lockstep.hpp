// Two machines in lock-step: the one that the run loop drives, and its shadow, which does everything again.
//
// The one runs with the translator, the shadow with the interpreter. The shadow performs each step of the loop
// (loop_step.hpp) right behind the first machine and takes the same inputs; after each run of the processor the two
// must be alike in all that a program can see of the processor, and from time to time in their memory. What the shadow
// says goes nowhere, and so does what either writes to its disks: both see the images as they were (shadow_config()).
//
// Time must be made of instructions. What was done is kept as a list, so that it can be done again: at the first
// difference the run ends, and explain() begins anew with two fresh machines to find where exactly it came about.
#pragma once

#include "machine/comparison.hpp"
#include "machine/loop_step.hpp"
#include "machine/run_loop.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace truering {

// Everything that was done to a machine, from its power-on.
struct StepRecord {
    std::vector<LoopStep> steps;
    std::vector<PcInput> inputs;

    // Does one of them to a machine.
    RunResult replay(Pc& pc, const LoopStep& step) const;
};

// Makes a machine like the first, in its power-on state, whose ports lead nowhere.
using MakeShadow = std::function<std::unique_ptr<Pc>(Engine)>;

class Lockstep final : public StepListener {
  public:
    static constexpr u64 default_slice = 10'000;        // instructions between two comparisons, at most
    static constexpr u64 memory_interval = 200'000'000; // and between two of the memory
    using Differ = std::function<void(const Differences&)>;

    // Listens to what reaches `first` from now on; it must not have run. `differ` is called at most once, and no step
    // is followed any more then.
    Lockstep(Pc& first, MakeShadow make_shadow, Differ differ);
    Lockstep(const Lockstep&) = delete;
    Lockstep& operator=(const Lockstep&) = delete;
    ~Lockstep() override;

    void begins(const LoopStep& step) override;
    void performed(const LoopStep& step, const RunResult& result) override;

    // At the end of a run: the last comparison, of memory too. True: never was there a difference.
    bool finish();

    [[nodiscard]] u64 comparisons() const { return comparisons_; }

    // Where the difference came about, for people: takes as long as the run did, several times over.
    [[nodiscard]] std::string explain(const std::function<void(const std::string&)>& progress);

  private:
    void follow(const LoopStep& step);
    void compare();
    void judge(const Differences& found);

    Pc& first_;
    MakeShadow make_shadow_;
    Differ differ_;
    std::unique_ptr<Pc> shadow_;
    StepRecord record_;
    std::vector<PcInput> waiting_; // arrived since the last step began or ended
    bool differs_ = false;
    u64 comparisons_ = 0;
    size_t equal_steps_ = 0; // up to here everything was equal, memory included
    u64 next_memory_look_ = memory_interval;
};

// What a shadow's ports lead to: to nothing, though they look connected.
class SilentSink final : public SerialSink {
  public:
    void transmit(u8) override {}
};

// A configuration whose machine leaves the host's files alone.
[[nodiscard]] PcConfig shadow_config(PcConfig config);

} // namespace truering
