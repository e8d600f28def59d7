#include "machine/virtual_time.hpp"

#include "cpu/cpu.hpp"

#include <algorithm>

namespace truering {

Nanoseconds InstructionTime::now() const { return skipped_ + (cpu_ == nullptr ? 0 : cpu_->retired() * 1000 / mips_); }

u64 InstructionTime::instructions_until(Nanoseconds when) const {
    const Nanoseconds present = now();
    if (when <= present) return 1;
    const Nanoseconds distance = std::min<Nanoseconds>(when - present, nanoseconds_per_second);
    // Rounded up, so that the moment has come when they are executed.
    return (distance * mips_ + 999) / 1000;
}

bool InstructionTime::skip_to(Nanoseconds when) {
    const Nanoseconds present = now();
    if (when > present) skipped_ += when - present;
    return true;
}

Nanoseconds HostTime::steady_now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<Nanoseconds>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

Nanoseconds HostTime::now() const {
    if (cpu_ == nullptr || cpu_->retired() != asked_at_) ask_host();
    return virtual_;
}

bool HostTime::skip_to(Nanoseconds when) {
    ask_host();
    return virtual_ >= when;
}

void HostTime::ask_host() const {
    if (cpu_ != nullptr) asked_at_ = cpu_->retired();
    const Nanoseconds host = host_now_();
    const Nanoseconds passed = host > last_ ? host - last_ : 0;
    last_ = std::max(last_, host);
    if (passed <= longest_gap) virtual_ += passed;
}

u64 HostTime::instructions_until(Nanoseconds when) const {
    const Nanoseconds present = now();
    const Nanoseconds distance = when <= present ? 0 : std::min<Nanoseconds>(when - present, longest_run);
    return std::max(shortest_budget, distance * per_millisecond_ / longest_run);
}

void HostTime::executed(u64 instructions) {
    counted_ += instructions;
    const Nanoseconds present = now();
    const Nanoseconds passed = present - counted_at_;
    constexpr Nanoseconds interval = 20'000'000;
    if (passed < interval) return;
    // Half of the old value stays: a moment of waiting must not make the budgets tiny.
    const u64 latest = counted_ * 1'000'000 / passed;
    per_millisecond_ = std::max<u64>(shortest_budget, (per_millisecond_ + latest) / 2);
    counted_ = 0;
    counted_at_ = present;
}

} // namespace truering
