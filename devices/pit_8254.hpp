// The 8254 programmable interval timer: three counters that divide 1.193182 MHz.
//
// An output that somebody listens to (`watch`) is a Line, driven by an alarm at every change; the others are computed
// when somebody looks. A counter with a period shorter than `shortest_period` has its line moved only that often: a
// guest cannot drown the machine in alarms, and no processor could have taken more interrupts.
//
// Freestanding-clean: no port bus, no library; the PC's ports are in pit_ports.hpp.
// Source: Intel 8254 datasheet (231164).
#pragma once

#include "devices/pit_counter.hpp"
#include "memory/clock.hpp"
#include "memory/line.hpp"

namespace truering {

class Pit8254 {
  public:
    static constexpr unsigned counters = 3;
    static constexpr u64 hertz = 1'193'182;
    static constexpr u32 shortest_period = 12; // ticks: 10 microseconds

    // The address pins A1, A0: three counters and the control word register.
    enum class Reg : u8 { Counter0 = 0, Counter1 = 1, Counter2 = 2, ControlWord = 3 };

    explicit Pit8254(Clock& clock);
    Pit8254(const Pit8254&) = delete;
    Pit8254& operator=(const Pit8254&) = delete;

    // Counters stopped and outputs low until they are programmed; gates keep their levels.
    void reset();

    [[nodiscard]] u8 read(Reg reg);
    void write(Reg reg, u8 value);

    // Pin GATEn, n = 0-2; high unless the board says otherwise.
    void set_gate(unsigned counter, bool level);
    [[nodiscard]] bool gate(unsigned counter) const { return counters_[counter % counters].gate(); }

    // The present level of pin OUTn, for whoever only looks now and then.
    [[nodiscard]] bool out(unsigned counter) { return counters_[counter % counters].output(tick()); }

    // Pin OUTn as a line that tells every change at its moment; from now on the counter uses alarms.
    [[nodiscard]] Line& watch(unsigned counter);

    // For the monitor: changes nothing that a guest could see.
    [[nodiscard]] u16 count(unsigned counter) { return counters_[counter % counters].count(tick()); }
    [[nodiscard]] const PitCounter& counter(unsigned number) const { return counters_[number % counters]; }

  private:
    template <unsigned n> void alarm() { edge(n); }

    [[nodiscard]] u64 tick() const { return ticks_at(clock_.now(), hertz); }
    void read_back(u8 command);
    void edge(unsigned counter);
    void follow(unsigned counter);
    void schedule(unsigned counter, u64 now);
    void arm(unsigned counter, u64 at);

    Clock& clock_;
    PitCounter counters_[counters];
    Line out_[counters];
    bool watched_[counters] = {};
    u64 next_edge_[counters] = {}; // the tick for which the counter's alarm is armed
    Alarm alarms_[counters];
};

} // namespace truering
