#include "machine/lockstep.hpp"

#include "machine/difference_search.hpp"

#include <filesystem>

namespace truering {

RunResult StepRecord::replay(Pc& pc, const LoopStep& step) const {
    if (step.kind == LoopStep::Kind::Input) {
        pc.take(inputs[step.value]);
        return {StopReason::Budget, 0};
    }
    const RunResult result = perform(pc, step);
    pc.requests = {}; // the loop has served them: that is among the steps
    return result;
}

Lockstep::Lockstep(Pc& first, MakeShadow make_shadow, Differ differ)
    : first_(first), make_shadow_(std::move(make_shadow)), differ_(std::move(differ)),
      shadow_(make_shadow_(Engine::Interpreter)) {
    first_.on_input = [this](const PcInput& input) { waiting_.push_back(input); };
}

Lockstep::~Lockstep() { first_.on_input = nullptr; }

void Lockstep::begins(const LoopStep&) {
    if (differs_) return;
    for (const PcInput& input : waiting_) {
        record_.inputs.push_back(input);
        follow({LoopStep::Kind::Input, record_.inputs.size() - 1});
    }
    waiting_.clear();
}

void Lockstep::performed(const LoopStep& step, const RunResult&) {
    if (differs_) return;
    follow(step);
    if (step.kind == LoopStep::Kind::Run) compare();
}

void Lockstep::follow(const LoopStep& step) {
    record_.steps.push_back(step);
    record_.replay(*shadow_, step);
}

void Lockstep::compare() {
    ++comparisons_;
    judge(differences_of_processors(first_, *shadow_));
    if (differs_ || first_.cpu.retired() < next_memory_look_) return;
    next_memory_look_ = first_.cpu.retired() + memory_interval;
    judge(differences_of_memory(first_, *shadow_));
    if (!differs_) equal_steps_ = record_.steps.size();
}

void Lockstep::judge(const Differences& found) {
    if (found.empty() || differs_) return;
    differs_ = true;
    differ_(found);
}

bool Lockstep::finish() {
    if (!differs_) judge(differences_of_processors(first_, *shadow_));
    if (!differs_) judge(differences_of_memory(first_, *shadow_));
    return !differs_;
}

std::string Lockstep::explain(const std::function<void(const std::string&)>& progress) {
    shadow_.reset();
    return DifferenceSearch(record_, make_shadow_, progress).explain(equal_steps_);
}

PcConfig shadow_config(PcConfig config) {
    for (DriveRequest& drive : config.drives) {
        if (drive.mode == MediumMode::Overlay && std::filesystem::exists(drive.overlay)) {
            drive.file = drive.overlay; // it knows the image below
            drive.format = ImageFormat::Qcow2;
        }
        if (drive.mode != MediumMode::ReadOnly) drive.mode = MediumMode::Snapshot;
    }
    return config;
}

} // namespace truering
