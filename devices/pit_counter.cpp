#include "devices/pit_counter.hpp"

namespace truering {

namespace {

// Status byte
constexpr unsigned OUTPUT = 7;
constexpr unsigned NULL_COUNT = 6;

constexpr bool before(u64 a, u64 b) { return static_cast<i64>(a - b) < 0; }

} // namespace

void PitCounter::reset() {
    const bool gate = gate_;
    *this = PitCounter{};
    gate_ = gate;
}

// A count register's value in ticks: 0 stands for the largest.
u32 PitCounter::decode(u16 count) const {
    u32 n = count;
    if (bcd_) n = (count >> 12) * 1000u + (count >> 8 & 15u) * 100u + (count >> 4 & 15u) * 10u + (count & 15u);
    if (n == 0) n = bcd_ ? 10'000 : 0x1'0000;
    return periodic() && n == 1 ? 2 : n;
}

u16 PitCounter::encode(u64 value) const {
    if (!bcd_) return static_cast<u16>(value);
    const u32 v = static_cast<u32>(value % 10'000);
    return static_cast<u16>(v / 1000 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 | v % 10);
}

u64 PitCounter::elapsed(u64 tick) const {
    if (!counting_) return stopped_after_;
    return before(tick, loaded_at_) ? 0 : tick - loaded_at_;
}

void PitCounter::advance(u64 tick) {
    if (!counting_ || !periodic()) return;
    if (reload_waits_ && !before(tick, reload_at_)) {
        reload_waits_ = false;
        n_ = decode(count_register_);
        // Loaded in the middle of a square wave, the low half of the new count comes next.
        loaded_at_ = reload_at_half_ ? reload_at_ - high_half() : reload_at_;
    }
    const u64 passed = elapsed(tick);
    if (passed >= n_) loaded_at_ = tick - passed % n_;
}

void PitCounter::stop(u64 tick) {
    stopped_after_ = elapsed(tick);
    counting_ = false;
    reload_waits_ = false;
}

// CR goes to the counting element at the next tick.
void PitCounter::load(u64 tick) {
    n_ = decode(count_register_);
    loaded_ = true;
    reload_waits_ = false;
    loaded_at_ = null_until_ = tick + 1;
    stopped_after_ = 0;
    counting_ = gate_ || triggered_by_gate();
}

// Mode 2 takes a new count at the end of the period, mode 3 at the end of the half in which it was written.
void PitCounter::load_at_end_of_cycle(u64 tick) {
    reload_at_half_ = mode_ == 3 && elapsed(tick) < high_half();
    reload_at_ = null_until_ = loaded_at_ + (reload_at_half_ ? high_half() : n_);
    reload_waits_ = true;
}

void PitCounter::count_written(u64 tick) {
    count_register_valid_ = true;
    null_until_ = never;
    if (triggered_by_gate()) return;
    if (!periodic() || !loaded_)
        load(tick);
    else if (counting_)
        load_at_end_of_cycle(tick);
}

void PitCounter::write_control(u8 control, u64 tick) {
    held_count_ = count(tick);
    stop(tick);
    loaded_ = false;
    const u8 mode = bits<u8>(control, 3, 1);
    mode_ = mode > 5 ? mode & 3 : mode; // M2 is "don't care" for modes 2 and 3
    bcd_ = test_bit(control, 0);
    access_ = static_cast<Access>(bits<u8>(control, 5, 4));
    count_register_ = 0;
    count_register_valid_ = msb_next_write_ = msb_next_read_ = status_latched_ = false;
    latched_bytes_ = 0;
    null_until_ = never;
}

void PitCounter::write(u8 value, u64 tick) {
    advance(tick);
    const bool msb = access_ == Access::Msb || (access_ == Access::LsbThenMsb && msb_next_write_);
    if (access_ == Access::LsbThenMsb && !msb) {
        msb_next_write_ = true;
        count_register_ = value;
        if (mode_ != 0) return;
        // The first byte of two stops the counter of mode 0, and its output falls at once.
        held_count_ = count(tick);
        stop(tick);
        loaded_ = false;
        return;
    }
    const u16 low = access_ == Access::LsbThenMsb ? count_register_ & 0xFF : 0;
    count_register_ = msb ? static_cast<u16>(value << 8 | low) : value;
    msb_next_write_ = false;
    count_written(tick);
}

void PitCounter::set_gate(bool level, u64 tick) {
    if (level == gate_) return;
    advance(tick);
    const bool was_null = before(tick, null_until_);
    gate_ = level;
    if (!level) {
        if (triggered_by_gate()) return;
        if (reload_waits_ && was_null) null_until_ = never; // now it waits for the gate
        stop(tick);
    } else if (triggered_by_gate() || periodic()) {
        if (count_register_valid_) load(tick);
    } else if (loaded_) {
        loaded_at_ = tick - stopped_after_;
        counting_ = true;
    }
}

u16 PitCounter::count(u64 tick) {
    if (!loaded_) return held_count_;
    advance(tick);
    const u64 e = elapsed(tick);
    if (mode_ == 2) return encode(n_ - e);
    if (mode_ == 3) return encode((n_ & ~1u) - 2 * (e < high_half() ? e : e - high_half()));
    const u64 modulus = bcd_ ? 10'000 : 0x1'0000;
    return encode(n_ + modulus - e % modulus);
}

bool PitCounter::output(u64 tick) {
    if (!loaded_) return mode_ != 0;
    advance(tick);
    const u64 e = elapsed(tick);
    switch (mode_) {
    case 2: return !gate_ || e != n_ - 1;
    case 3: return !gate_ || e < high_half();
    case 4:
    case 5: return e != n_;
    default: return e >= n_; // 0 and 1
    }
}

u64 PitCounter::next_change(u64 tick) {
    advance(tick);
    if (!counting_) return never;
    const u64 e = elapsed(tick);
    switch (mode_) {
    case 2: return loaded_at_ + (e < n_ - 1 ? n_ - 1 : n_);
    case 3: return loaded_at_ + (e < high_half() ? high_half() : n_);
    case 4:
    case 5: return e > n_ ? never : loaded_at_ + (e < n_ ? n_ : n_ + 1);
    default: return e < n_ ? loaded_at_ + n_ : never;
    }
}

void PitCounter::latch_count(u64 tick) {
    if (latched_bytes_ != 0) return;
    latched_count_ = count(tick);
    latched_bytes_ = access_ == Access::LsbThenMsb ? 2 : 1;
}

void PitCounter::latch_status(u64 tick) {
    if (status_latched_) return;
    status_latched_ = true;
    const u8 control = static_cast<u8>(static_cast<unsigned>(access_) << 4 | unsigned{mode_} << 1 | (bcd_ ? 1u : 0u));
    const u8 with_output = with_bit(control, OUTPUT, output(tick));
    latched_status_ = with_bit(with_output, NULL_COUNT, null_until_ == never || before(tick, null_until_));
}

u8 PitCounter::next_byte(u16 count) {
    bool msb = access_ == Access::Msb;
    if (access_ == Access::LsbThenMsb) {
        msb = msb_next_read_;
        msb_next_read_ = !msb_next_read_;
    }
    return static_cast<u8>(msb ? count >> 8 : count);
}

u8 PitCounter::read(u64 tick) {
    if (status_latched_) {
        status_latched_ = false;
        return latched_status_;
    }
    if (latched_bytes_ == 0) return next_byte(count(tick));
    --latched_bytes_;
    return next_byte(latched_count_);
}

} // namespace truering
