#include "machine/loop_step.hpp"

namespace truering {

RunResult perform(Pc& pc, const LoopStep& step) {
    switch (step.kind) {
    case LoopStep::Kind::Alarms: pc.clock.fire_due(); break;
    case LoopStep::Kind::Run: {
        const RunResult result = pc.cpu.run(step.value);
        pc.time->executed(result.executed);
        return result;
    }
    case LoopStep::Kind::Skip: static_cast<void>(pc.time->skip_to(step.value)); break;
    case LoopStep::Kind::Reset: pc.reset(); break;
    case LoopStep::Kind::ProcessorReset: pc.cpu.reset(); break;
    case LoopStep::Kind::Init: pc.cpu.init_signal(); break;
    case LoopStep::Kind::LoadKernel:
        if (pc.kernels() != nullptr) pc.kernels()->load(pc.memory);
        break;
    case LoopStep::Kind::Input: break;
    }
    return {StopReason::Budget, 0};
}

} // namespace truering
