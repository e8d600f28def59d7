// One counter of an 8254, in ticks of its CLK pin; it knows neither time nor its neighbours.
//
// Idea: a counter is not stepped. It is a function of the tick at which its counting element was loaded: count, output
// and the next change of the output are computed when somebody asks. Before anything is read or changed it is brought
// up to the present (whole periods folded away, a waiting count loaded), in constant time.
//
// Choices where the datasheet is silent: a count takes effect one tick after the write that completes it, but output
// and count show it at once; modes 2 and 3 take the illegal count of 1 for 2; a BCD digit above 9 counts as its value.
//
// Freestanding-clean: no library.
// Source: Intel 8254 datasheet (231164).
#pragma once

#include "base/bits.hpp"
#include "base/types.hpp"

namespace truering {

class PitCounter {
  public:
    static constexpr u64 never = ~u64{0};

    // Stopped until it is programmed, output low. The gate keeps its level: it is a pin.
    void reset();

    // In all that follows `tick` is the present; it must not decrease from call to call.

    void write_control(u8 control, u64 tick); // bits 5-0 of the control word
    void write(u8 value, u64 tick);
    [[nodiscard]] u8 read(u64 tick);
    void latch_count(u64 tick);
    void latch_status(u64 tick);

    void set_gate(bool level, u64 tick);
    [[nodiscard]] bool gate() const { return gate_; }

    [[nodiscard]] bool output(u64 tick);
    [[nodiscard]] u64 next_change(u64 tick); // the first later tick at which the output differs, or never

    // For the monitor as well: what the counting element holds.
    [[nodiscard]] u16 count(u64 tick);
    [[nodiscard]] unsigned mode() const { return mode_; }
    [[nodiscard]] u32 period() const { return n_; } // ticks, 1-65536
    [[nodiscard]] bool periodic() const { return mode_ == 2 || mode_ == 3; }

  private:
    enum class Access : u8 { Latch = 0, Lsb = 1, Msb = 2, LsbThenMsb = 3 };

    void advance(u64 tick);
    void stop(u64 tick);
    void load(u64 tick);
    void load_at_end_of_cycle(u64 tick);
    void count_written(u64 tick);
    [[nodiscard]] bool triggered_by_gate() const { return mode_ == 1 || mode_ == 5; }
    [[nodiscard]] u32 high_half() const { return (n_ + 1) / 2; }
    [[nodiscard]] u64 elapsed(u64 tick) const;
    [[nodiscard]] u32 decode(u16 count) const;
    [[nodiscard]] u16 encode(u64 value) const;
    [[nodiscard]] u8 next_byte(u16 count);

    // Control word
    u8 mode_ = 0;
    bool bcd_ = false;
    Access access_ = Access::LsbThenMsb;

    // Count register (CR)
    u16 count_register_ = 0;
    bool count_register_valid_ = false; // a whole count came since the control word
    bool msb_next_write_ = false;
    u64 null_until_ = 0; // NULL COUNT: from this tick the counting element has it; never: waits for gate or period

    // Counting element (CE). Ticks before zero occur in loaded_at_: differences are taken modulo 2^64.
    u32 n_ = 0x1'0000;
    bool loaded_ = false;       // a count arrived since the control word
    bool counting_ = false;     // implies loaded_
    u64 loaded_at_ = 0;         // while counting: the tick at which it held n_
    u64 stopped_after_ = 0;     // while not: how many ticks it had counted
    u16 held_count_ = 0;        // while not loaded: what it shows
    bool reload_waits_ = false; // modes 2, 3: CR is loaded at reload_at_
    bool reload_at_half_ = false;
    u64 reload_at_ = 0;

    bool gate_ = true;

    // Output latches
    u16 latched_count_ = 0;
    u8 latched_bytes_ = 0; // how many are still to be read
    bool msb_next_read_ = false;
    u8 latched_status_ = 0;
    bool status_latched_ = false;
};

} // namespace truering
