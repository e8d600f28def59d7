// A clock for unit tests of chips: time stands still until the test moves it, and alarms fire in their order on the
// way.
//
// Header-only and the same in every test of this program: it defines EventQueue, the one class that Alarm lets in, so a
// test must not define another of that name.
#pragma once

#include "memory/clock.hpp"

#include <algorithm>
#include <vector>

namespace truering {

class EventQueue final : public Clock {
  public:
    [[nodiscard]] Nanoseconds now() const override { return now_; }

    void arm(Alarm& alarm, Nanoseconds when) override {
        disarm(alarm);
        alarm.when_ = std::max(when, now_);
        alarm.order_ = ++order_;
        alarm.armed_ = true;
        armed_.push_back(&alarm);
    }

    void disarm(Alarm& alarm) override {
        std::erase(armed_, &alarm);
        alarm.armed_ = false;
    }

    // Lets time pass; alarms armed on the way fire as well when they are due.
    void advance(Nanoseconds duration) {
        const Nanoseconds end = now_ + duration;
        while (Alarm* next = first_until(end)) fire(*next);
        now_ = end;
    }

    // Goes to the next alarm and fires it; false when none is armed.
    bool run_next() {
        Alarm* next = first_until(~Nanoseconds{0});
        if (next == nullptr) return false;
        fire(*next);
        return true;
    }

    [[nodiscard]] size_t armed_alarms() const { return armed_.size(); }

  private:
    [[nodiscard]] Alarm* first_until(Nanoseconds end) const {
        Alarm* first = nullptr;
        for (Alarm* alarm : armed_) {
            if (alarm->when_ > end) continue;
            if (first == nullptr || alarm->when_ < first->when_ ||
                (alarm->when_ == first->when_ && alarm->order_ < first->order_))
                first = alarm;
        }
        return first;
    }

    void fire(Alarm& alarm) {
        disarm(alarm);
        now_ = std::max(now_, alarm.when_);
        alarm.handler_(alarm.owner_);
    }

    std::vector<Alarm*> armed_;
    Nanoseconds now_ = 0;
    u64 order_ = 0;
};

using TestClock = EventQueue;

} // namespace truering
