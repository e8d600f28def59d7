// The two sources of a machine's time.
//
// InstructionTime (`--clock icount`) counts executed instructions: a guest's run is then a function of its image alone.
// An instruction takes 1/`mips` microseconds; by default 10 ns. A halted processor executes none, so the run loop moves
// the time to the next alarm itself. Exact at every moment, also inside an instruction: Cpu::retired().
//
// HostTime (`--clock host`) follows the host's steady clock from the moment of its first use. While it is not looked at
// for longer than `longest_gap` (the host slept, the process was stopped), the machine stood still: time goes on where
// it was, instead of flooding the guest with the ticks that it missed. Within an instruction time stands still: a chip
// that puts a counter together from several bytes must not see it move in between.
#pragma once

#include "machine/event_queue.hpp"

#include <chrono>

namespace truering {

class Cpu;

class VirtualTime : public TimeSource {
  public:
    virtual ~VirtualTime() = default;

    // What the time is made of: the machine tells once, before it starts.
    virtual void follow(const Cpu& cpu) = 0;

    // Between two runs of the processor: time may go on although no instruction was executed.
    virtual void look() {}

    // How many instructions may be executed before it is time to look at alarms for `when`; at least 1.
    [[nodiscard]] virtual u64 instructions_until(Nanoseconds when) const = 0;

    // The processor is halted until `when`: true if that moment has now come without waiting; false if the caller must
    // wait for it (or for the host's input) and ask again.
    virtual bool skip_to(Nanoseconds when) = 0;

    // The run loop reports each run, for whoever learns from it.
    virtual void executed(u64 instructions) = 0;
};

class InstructionTime final : public VirtualTime {
  public:
    static constexpr u32 default_mips = 100;

    // Instructions a microsecond, 1 to 100,000.
    explicit InstructionTime(u32 mips = default_mips) : mips_(mips) {}
    void follow(const Cpu& cpu) override { cpu_ = &cpu; }

    [[nodiscard]] Nanoseconds now() const override;
    [[nodiscard]] u64 instructions_until(Nanoseconds when) const override;
    bool skip_to(Nanoseconds when) override;
    void executed(u64) override {}

  private:
    const Cpu* cpu_ = nullptr;
    u32 mips_;
    Nanoseconds skipped_ = 0;
};

class HostTime final : public VirtualTime {
  public:
    static constexpr Nanoseconds longest_gap = 250'000'000;

    using SteadyNow = Nanoseconds (*)();
    static Nanoseconds steady_now();

    explicit HostTime(SteadyNow host_now = &steady_now) : host_now_(host_now), last_(host_now()) {}

    void follow(const Cpu& cpu) override { cpu_ = &cpu; }
    void look() override { ask_host(); }

    [[nodiscard]] Nanoseconds now() const override;
    [[nodiscard]] u64 instructions_until(Nanoseconds when) const override;
    bool skip_to(Nanoseconds when) override;
    void executed(u64 instructions) override;

  private:
    // Between two looks at the host a run lasts about a millisecond, whatever the speed.
    static constexpr Nanoseconds longest_run = 1'000'000;
    static constexpr u64 shortest_budget = 1'000;

    void ask_host() const;

    const Cpu* cpu_ = nullptr;
    SteadyNow host_now_;
    mutable u64 asked_at_ = ~u64{0};  // instructions executed at the last look
    mutable Nanoseconds last_;        // the host's time at the last look
    mutable Nanoseconds virtual_ = 0; // and this clock's
    Nanoseconds counted_at_ = 0;      // for the speed
    u64 counted_ = 0;
    u64 per_millisecond_ = 20'000; // instructions, as lately measured
};

} // namespace truering
