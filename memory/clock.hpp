// Time as a chip sees it: a count of nanoseconds that only grows, and alarms set on it.
//
// A chip never asks the host for the time. Under `--clock icount` virtual time is the number of executed instructions,
// so every alarm fires at the same instruction in every run.
#pragma once

#include "base/types.hpp"

namespace truering {

using Nanoseconds = u64;

inline constexpr Nanoseconds nanoseconds_per_second = 1'000'000'000;

class Clock;

// An alarm: owned by a chip as a member, armed and disarmed through the clock. It fires once; the handler may arm it
// again. Its storage must outlive the clock's use of it (chips live as long as their machine).
class Alarm {
  public:
    using Handler = void (*)(void* owner);

    Alarm(Handler handler, void* owner) : handler_(handler), owner_(owner) {}
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;

    // An alarm that calls `void T::method()` of its owner.
    template <auto method, class T> static Alarm calling(T& owner) {
        return Alarm([](void* self) { (static_cast<T*>(self)->*method)(); }, &owner);
    }

    [[nodiscard]] bool armed() const { return armed_; }
    [[nodiscard]] Nanoseconds when() const { return when_; } // meaningful while armed

  private:
    friend class EventQueue; // the clock's implementation, machine/event_queue.hpp

    Handler handler_;
    void* owner_;
    Nanoseconds when_ = 0;
    u64 order_ = 0; // alarms for the same moment fire in the order in which they were armed
    bool armed_ = false;
};

class Clock {
  public:
    // Nanoseconds of virtual time since power-on.
    [[nodiscard]] virtual Nanoseconds now() const = 0;

    // Arms an alarm for a moment (one in the past fires as soon as the machine looks); an armed one moves.
    virtual void arm(Alarm& alarm, Nanoseconds when) = 0;
    virtual void disarm(Alarm& alarm) = 0;

  protected:
    ~Clock() = default;
};

// Ticks of a crystal of `hertz` that have passed at time t, without overflow for 500 years of 1.19 MHz.
constexpr u64 ticks_at(Nanoseconds t, u64 hertz) {
    return t / nanoseconds_per_second * hertz + t % nanoseconds_per_second * hertz / nanoseconds_per_second;
}

// The first moment at which ticks_at() reaches `ticks`.
constexpr Nanoseconds time_of_tick(u64 ticks, u64 hertz) {
    const u64 seconds = ticks / hertz;
    const u64 rest = ticks % hertz;
    return seconds * nanoseconds_per_second + (rest * nanoseconds_per_second + hertz - 1) / hertz;
}

} // namespace truering
