// A processor on a workbench: memory, ports that nobody answers, and a clock that stands still.
#pragma once

#include "cpu/cpu.hpp"

namespace truering {

class StoppedClock final : public Clock {
  public:
    [[nodiscard]] Nanoseconds now() const override { return 0; }
    void arm(Alarm&, Nanoseconds) override {}
    void disarm(Alarm&) override {}
};

struct BenchMachine {
    explicit BenchMachine(const CpuModel& model, u64 ram_bytes) : memory(ram_bytes), cpu(model, memory, ports, clock) {
        cpu.enable_coverage();
    }

    StoppedClock clock;
    PhysicalMemory memory;
    PortBus ports;
    Cpu cpu;
};

} // namespace truering
