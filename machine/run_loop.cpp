#include "machine/run_loop.hpp"

#include <algorithm>

namespace truering {

namespace {

using namespace std::chrono_literals;

constexpr u64 longest_run = 1'000'000;       // instructions between two turns
constexpr u64 instructions_a_look = 200'000; // and between two looks at the host's clock
constexpr unsigned turns_a_look = 64;
constexpr auto attend_interval = 10ms;
constexpr auto longest_sleep = 100ms;

} // namespace

End MachineLoop::run() {
    started_ = attended_ = HostClock::now();
    frontend_.attend();
    while (!end_) {
        if (pause_)
            pause();
        else
            turn();
    }
    pc_.flush_media();
    return *end_;
}

void MachineLoop::finish(End end) {
    if (!end_) end_ = std::move(end);
    pc_.cpu.shorten_run(0);
}

void MachineLoop::turn() {
    pc_.time->look();
    take({LoopStep::Kind::Alarms});
    serve_requests();
    if (end_ || pause_) return;

    const RunResult result = take({LoopStep::Kind::Run, budget()});
    since_look_ += result.executed;
    serve_requests();
    if (!end_ && !pause_) {
        if (result.reason == StopReason::Shutdown)
            shutdown();
        else if (result.reason == StopReason::Halted && pc_.cpu.halted)
            wait_halted();
    }
    if (++turns_ >= turns_a_look || since_look_ >= instructions_a_look) look_around();
}

// Does to the machine whatever must be done to any that follows it.
RunResult MachineLoop::take(LoopStep step) {
    if (listener_ == nullptr) return perform(pc_, step);
    listener_->begins(step);
    const RunResult result = perform(pc_, step);
    // Shortened, perhaps by an alarm that is not the machine's own.
    const bool shortened = result.reason == StopReason::Budget && result.executed < step.value;
    if (step.kind == LoopStep::Kind::Run && (shortened || result.reason == StopReason::Request))
        step.value = result.executed;
    listener_->performed(step, result);
    return result;
}

u64 MachineLoop::budget() const {
    u64 most = std::min(longest_run, pc_.time->instructions_until(pc_.clock.next()));
    if (policy_.slice) most = std::min(most, *policy_.slice);
    if (policy_.instructions) {
        const u64 done = pc_.cpu.retired();
        most = std::min(most, done < *policy_.instructions ? *policy_.instructions - done : 1);
    }
    return most;
}

void MachineLoop::serve_requests() {
    PcRequests& requests = pc_.requests;
    if (requests.debug_exit) finish({EndReason::DebugExit, *std::exchange(requests.debug_exit, std::nullopt)});
    if (std::exchange(requests.power_off, false)) happen(GuestEvent::Shutdown, {EndReason::PowerOff});
    if (std::exchange(requests.reset, false)) {
        requests.processor_reset = false;
        happen(GuestEvent::Reset, {EndReason::Reset});
    }
    if (std::exchange(requests.processor_reset, false)) take({LoopStep::Kind::Init});
    if (std::exchange(requests.load_kernel, false)) take({LoopStep::Kind::LoadKernel});
    if (policy_.instructions && pc_.cpu.retired() >= *policy_.instructions) finish({EndReason::InstructionLimit});
}

void MachineLoop::happen(GuestEvent event, End end) {
    switch (policy_.at(event)) {
    case Action::Reset:
        ++resets_;
        take({LoopStep::Kind::Reset});
        pc_.requests = {}; // what else was asked for in the same moment is void
        break;
    case Action::Exit: finish(std::move(end)); break;
    case Action::Pause: pause_ = std::move(end); break;
    }
}

// The processor's shutdown state; on this board its bus cycle pulses the reset pin.
void MachineLoop::shutdown() {
    if (pc_.resumes_after_reset())
        take({LoopStep::Kind::ProcessorReset});
    else
        happen(GuestEvent::Triple, {EndReason::TripleFault});
}

void MachineLoop::wait_halted() {
    const Cpu& cpu = pc_.cpu;
    if (!cpu.flag(EFLAGS_IF) && !cpu.nmi_pending()) {
        happen(GuestEvent::Halt, {EndReason::Halted, 0, "halted with interrupts off"});
        return;
    }
    const Nanoseconds next = pc_.clock.next();
    if (next == EventQueue::never) {
        if (!frontend_.expects_input()) {
            happen(GuestEvent::Halt, {EndReason::Halted, 0, "halted, and nothing is left that could wake it"});
            return;
        }
        frontend_.sleep(longest_sleep);
        look_around();
        return;
    }
    take({LoopStep::Kind::Skip, next});
    const Nanoseconds present = pc_.clock.now();
    if (next <= present) return;
    frontend_.sleep(std::min<std::chrono::nanoseconds>(std::chrono::nanoseconds(next - present), longest_sleep));
    look_around();
}

void MachineLoop::look_around() {
    turns_ = 0;
    since_look_ = 0;
    const auto present = HostClock::now();
    if (present - attended_ >= attend_interval) {
        attended_ = present;
        frontend_.attend();
    }
    check_limits();
}

void MachineLoop::check_limits() {
    if (policy_.time && HostClock::now() - started_ >= *policy_.time) finish({EndReason::TimeLimit});
}

void MachineLoop::pause() {
    frontend_.paused(*pause_);
    while (!end_) {
        frontend_.attend();
        check_limits();
        if (!end_) frontend_.sleep(longest_sleep / 4);
    }
}

} // namespace truering
