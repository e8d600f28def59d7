// What the run loop does to a machine, as a list of steps.
//
// Under instruction time a machine is a function of its configuration and of its steps: another machine of the same
// configuration that performs the same ones is in the same state after each. Why the loop chose them (alarms of whoever
// watches the guest's words, limits, the host's keys) need not be known to follow.
#pragma once

#include "machine/pc.hpp"

namespace truering {

struct LoopStep {
    enum class Kind : u8 {
        Alarms,         // what is due
        Run,            // the processor: at most `value` instructions
        Skip,           // a halted processor: the time goes on to `value`
        Reset,          // the whole machine
        ProcessorReset, // the processor alone, by its reset pin
        Init,           // its INIT# pin
        LoadKernel,     // places the next one
        Input,          // `value`: which of those that were recorded
    };
    Kind kind = Kind::Alarms;
    u64 value = 0;
};

// A Run's result; other steps have none. Kind::Input is the business of whoever has the inputs. Throws KernelError.
RunResult perform(Pc& pc, const LoopStep& step);

// Hears of every step.
class StepListener {
  public:
    virtual ~StepListener() = default;
    virtual void begins(const LoopStep& step) = 0;
    // A Run that was cut short by something outside the machine has the instructions that were executed as its value.
    virtual void performed(const LoopStep& step, const RunResult& result) = 0;
};

} // namespace truering
