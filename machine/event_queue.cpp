#include "machine/event_queue.hpp"

#include <algorithm>

namespace truering {

void EventQueue::arm(Alarm& alarm, Nanoseconds when) {
    const Nanoseconds before = next();
    if (alarm.armed_) std::erase(waiting_, &alarm);
    alarm.when_ = when;
    alarm.order_ = armed_so_far_++;
    alarm.armed_ = true;
    // Behind all that come later: those with the same moment were armed before and stay nearer to the end.
    const auto place = std::find_if(waiting_.begin(), waiting_.end(), [&](const Alarm* a) { return a->when_ <= when; });
    waiting_.insert(place, &alarm);
    if (when < before && on_earlier) on_earlier();
}

void EventQueue::disarm(Alarm& alarm) {
    if (!alarm.armed_) return;
    alarm.armed_ = false;
    std::erase(waiting_, &alarm);
}

void EventQueue::fire_due() {
    const Nanoseconds present = now();
    const u64 armed_before = armed_so_far_;
    while (true) {
        // Handlers change the queue, so each round looks anew.
        const auto due = std::find_if(waiting_.rbegin(), waiting_.rend(),
                                      [&](const Alarm* a) { return a->order_ < armed_before || a->when_ > present; });
        if (due == waiting_.rend() || (*due)->when_ > present) return;
        Alarm& alarm = **due;
        disarm(alarm);
        alarm.handler_(alarm.owner_);
    }
}

} // namespace truering
