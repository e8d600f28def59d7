// The clock that every chip of a machine shares: what time it is comes from a TimeSource, and alarms wait here.
//
// Invariants: `waiting_` holds the armed alarms, the next one last; alarms for the same moment fire in the order in
// which they were armed, so that under a time made of instructions every run is the same run.
//
// An alarm may be armed from anywhere, most often by a chip while the processor is inside an IN or OUT. If it is due
// before everything else, `on_earlier` tells the run loop, whose present budget of instructions has become too long.
#pragma once

#include "memory/clock.hpp"

#include <functional>
#include <vector>

namespace truering {

// Where virtual time comes from (machine/virtual_time.hpp).
class TimeSource {
  public:
    [[nodiscard]] virtual Nanoseconds now() const = 0; // never decreases

  protected:
    ~TimeSource() = default;
};

class EventQueue final : public Clock {
  public:
    static constexpr Nanoseconds never = ~Nanoseconds{0};

    explicit EventQueue(const TimeSource& time) : time_(time) {}
    EventQueue(const EventQueue&) = delete;
    EventQueue& operator=(const EventQueue&) = delete;

    [[nodiscard]] Nanoseconds now() const override { return time_.now(); }
    void arm(Alarm& alarm, Nanoseconds when) override;
    void disarm(Alarm& alarm) override;

    // The moment of the next alarm, or `never`.
    [[nodiscard]] Nanoseconds next() const { return waiting_.empty() ? never : waiting_.back()->when(); }

    // Fires what is due. An alarm that a handler arms for the present or the past waits for the next call, so this
    // always comes to an end.
    void fire_due();

    // Called when an alarm has become the next one.
    std::function<void()> on_earlier;

  private:
    const TimeSource& time_;
    std::vector<Alarm*> waiting_; // latest first
    u64 armed_so_far_ = 0;
};

} // namespace truering
