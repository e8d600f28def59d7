#include "devices/pit_8254.hpp"

namespace truering {

namespace {

// Read-back command: these two are active low
constexpr unsigned COUNT = 5;
constexpr unsigned STATUS = 4;

constexpr unsigned read_back_command = 3; // SC1, SC0

} // namespace

Pit8254::Pit8254(Clock& clock)
    : clock_(clock), alarms_{Alarm::calling<&Pit8254::alarm<0>>(*this), Alarm::calling<&Pit8254::alarm<1>>(*this),
                             Alarm::calling<&Pit8254::alarm<2>>(*this)} {}

void Pit8254::reset() {
    for (unsigned i = 0; i < counters; ++i) {
        counters_[i].reset();
        follow(i);
    }
}

u8 Pit8254::read(Reg reg) {
    if (reg == Reg::ControlWord) return 0xFF; // the pins float
    return counters_[static_cast<unsigned>(reg)].read(tick());
}

void Pit8254::write(Reg reg, u8 value) {
    unsigned counter = static_cast<unsigned>(reg);
    if (reg == Reg::ControlWord) {
        counter = value >> 6;
        if (counter == read_back_command) return read_back(value);
        if (bits<u8>(value, 5, 4) == 0) return counters_[counter].latch_count(tick());
        counters_[counter].write_control(value, tick());
    } else {
        counters_[counter].write(value, tick());
    }
    follow(counter);
}

void Pit8254::read_back(u8 command) {
    for (unsigned i = 0; i < counters; ++i) {
        if (!test_bit(command, i + 1)) continue;
        if (!test_bit(command, COUNT)) counters_[i].latch_count(tick());
        if (!test_bit(command, STATUS)) counters_[i].latch_status(tick());
    }
}

void Pit8254::set_gate(unsigned counter, bool level) {
    counters_[counter % counters].set_gate(level, tick());
    follow(counter % counters);
}

Line& Pit8254::watch(unsigned counter) {
    watched_[counter % counters] = true;
    follow(counter % counters);
    return out_[counter % counters];
}

// The counter was programmed anew: its line goes where its output is.
void Pit8254::follow(unsigned counter) {
    if (!watched_[counter]) return;
    const u64 now = tick();
    out_[counter].set(counters_[counter].output(now));
    schedule(counter, now);
}

// The alarm for a change. If the output is back where the line already is (the machine came late, or the period is too
// short to be followed), the listeners still get their rising edge, and a high level long enough to act on.
void Pit8254::edge(unsigned counter) {
    const u64 present = tick();
    const u64 now = present < next_edge_[counter] ? next_edge_[counter] : present;
    const bool level = counters_[counter].output(now);
    Line& line = out_[counter];
    if (line.level() != level) {
        line.set(level);
    } else if (level) {
        line.lower();
        line.raise();
    } else {
        line.raise();
        return arm(counter, now + shortest_period);
    }
    schedule(counter, now);
}

void Pit8254::schedule(unsigned counter, u64 now) {
    u64 next = counters_[counter].next_change(now);
    if (next == PitCounter::never) return clock_.disarm(alarms_[counter]);
    const bool too_fast = counters_[counter].periodic() && counters_[counter].period() < shortest_period;
    if (too_fast && next < now + shortest_period) next = now + shortest_period;
    arm(counter, next);
}

void Pit8254::arm(unsigned counter, u64 at) {
    next_edge_[counter] = at;
    clock_.arm(alarms_[counter], time_of_tick(at, hertz));
}

} // namespace truering
