#include "devices/local_apic.hpp"

#include <algorithm>

namespace truering {

namespace {

constexpr u32 version = 0x0005'0014; // six local vectors, an APIC on the processor
constexpr u32 mask_bit = 1 << 16;
constexpr u32 remote_irr_bit = 1 << 14;
constexpr u32 level_bit = 1 << 15;
constexpr u32 periodic_bit = 1 << 17;
constexpr u32 svr_bits = 0x3FF;
constexpr u32 icr_bits = 0x000C'CFFF;
constexpr u32 lint_at_reset = 7 << 8; // ExtINT
constexpr unsigned lowest_vector = 16;

// The timer may be told to fire faster than any software could serve it.
constexpr Nanoseconds shortest_period = 1000;

// Which bits of each local vector can be written.
constexpr std::array<u32, 6> lvt_bits{0x300FF, 0x107FF, 0x107FF, 0x1A7FF, 0x1A7FF, 0x100FF};

constexpr unsigned error_send_illegal_vector = 5;
constexpr unsigned error_receive_illegal_vector = 6;
constexpr unsigned error_illegal_register = 7;

template <class Bitmap> void set_vector(Bitmap& map, unsigned vector, bool on) {
    map[vector / 32] = with_bit(map[vector / 32], vector % 32, on);
}
template <class Bitmap> bool has_vector(const Bitmap& map, unsigned vector) {
    return test_bit(map[vector / 32], vector % 32);
}
template <class Bitmap> int highest_vector(const Bitmap& map) {
    for (int word = 7; word >= 0; --word)
        if (const u32 set = map[static_cast<size_t>(word)]; set != 0) return word * 32 + 31 - __builtin_clz(set);
    return -1;
}

constexpr DeliveryMode delivery_of(u32 value) { return static_cast<DeliveryMode>(bits(value, 10, 8)); }

} // namespace

LocalApic::LocalApic(Clock& clock, InterruptSource& pics, u8 id)
    : clock_(clock), pics_(pics), alarm_(Alarm::calling<&LocalApic::timer_alarm>(*this)), initial_id_(id) {
    reset();
}

void LocalApic::reset() {
    id_ = u32{initial_id_} << 24;
    tpr_ = ldr_ = 0;
    dfr_ = ~u32{0};
    svr_ = 0xFF;
    esr_ = esr_pending_ = 0;
    icr_low_ = icr_high_ = 0;
    lvt_.fill(mask_bit);
    lvt_[LINT0] = lint_at_reset;
    isr_ = tmr_ = irr_ = {};
    initial_count_ = divide_config_ = 0;
    ext_int_message_ = false;
    clock_.disarm(alarm_);
    update_output();
}

void LocalApic::set_globally_enabled(bool enabled) {
    if (enabled == globally_enabled_) return;
    globally_enabled_ = enabled;
    if (enabled) {
        nmi.lower();
        reset();
    } else {
        clock_.disarm(alarm_);
        nmi.set(lint1_);
    }
    update_output();
}

// --- pins ---

void LocalApic::hear_lint0(unsigned, bool level) {
    const bool was = lint0_;
    lint0_ = level;
    if (globally_enabled_) update_pin(LINT0, was, level);
    update_output();
}

void LocalApic::hear_lint1(unsigned, bool level) {
    const bool was = lint1_;
    lint1_ = level;
    if (globally_enabled_)
        update_pin(LINT1, was, level);
    else
        nmi.set(level);
    update_output();
}

// NMI is sensitive to edges whatever the entry says; ExtINT is looked at as a level (ext_int_waits).
void LocalApic::update_pin(Lvt entry, bool was, bool is) {
    const u32 lvt = lvt_[entry];
    const bool fixed = delivery_of(lvt) == DeliveryMode::Fixed;
    if (fixed && (lvt & level_bit) != 0) {
        if (is && (lvt & (mask_bit | remote_irr_bit)) == 0 && accept_fixed(static_cast<u8>(lvt), TriggerMode::Level))
            lvt_[entry] |= remote_irr_bit;
    } else if (is && !was) {
        fire_local(entry);
    }
}

bool LocalApic::ext_int_waits() const {
    if (!globally_enabled_) return lint0_;
    for (const Lvt entry : {LINT0, LINT1}) {
        const bool level = entry == LINT0 ? lint0_ : lint1_;
        if (level && (lvt_[entry] & mask_bit) == 0 && delivery_of(lvt_[entry]) == DeliveryMode::ExtINT) return true;
    }
    return ext_int_message_;
}

void LocalApic::fire_local(Lvt entry) {
    const u32 lvt = lvt_[entry];
    if ((lvt & mask_bit) != 0) return;
    // The timer's and the error entry's mode field does not exist and reads as fixed.
    switch (delivery_of(lvt)) {
    case DeliveryMode::Fixed: accept_fixed(static_cast<u8>(lvt), TriggerMode::Edge); break;
    case DeliveryMode::NMI: nmi.pulse(); break;
    default: break;
    }
}

// --- requests ---

bool LocalApic::is_meant(const InterruptMessage& message) const {
    if (message.destination == 0xFF) return true;
    if (message.destination_mode == DestinationMode::Physical) return message.destination == id_ >> 24;
    const u32 logical = ldr_ >> 24;
    if (bits(dfr_, 31, 28) == 15) return (logical & message.destination) != 0; // flat model
    return (logical >> 4) == (message.destination >> 4u) && (logical & message.destination & 15) != 0;
}

bool LocalApic::deliver(const InterruptMessage& message) {
    if (!globally_enabled_ || !is_meant(message)) return false;
    bool taken = true;
    switch (message.delivery) {
    case DeliveryMode::Fixed:
    case DeliveryMode::LowestPriority: taken = accept_fixed(message.vector, message.trigger); break;
    case DeliveryMode::NMI: nmi.pulse(); break;
    case DeliveryMode::ExtINT: ext_int_message_ = true; break;
    default: break; // there is no management mode, and the only processor is neither reset nor started by others
    }
    update_output();
    return taken;
}

bool LocalApic::accept_fixed(u8 vector, TriggerMode trigger) {
    if (!is_software_enabled()) return false;
    if (vector < lowest_vector) {
        note_error(error_receive_illegal_vector);
        return false;
    }
    set_vector(irr_, vector, true);
    set_vector(tmr_, vector, trigger == TriggerMode::Level);
    return true;
}

void LocalApic::note_error(unsigned n) {
    const bool is_new = !test_bit(esr_pending_, n);
    esr_pending_ |= bit(n);
    // An error entry with an illegal vector of its own must not call itself for ever.
    if (is_new) fire_local(Error);
}

unsigned LocalApic::processor_priority() const {
    const unsigned in_service = static_cast<unsigned>(std::max(highest_vector(isr_), 0)) & 0xF0;
    return (tpr_ & 0xF0) >= in_service ? tpr_ & 0xFF : in_service;
}

int LocalApic::deliverable_vector() const {
    if (!globally_enabled_ || !is_software_enabled()) return -1;
    const int vector = highest_vector(irr_);
    return vector >= 0 && (static_cast<unsigned>(vector) & 0xF0) > (processor_priority() & 0xF0) ? vector : -1;
}

void LocalApic::update_output() { interrupt.set(deliverable_vector() >= 0 || ext_int_waits()); }

u8 LocalApic::acknowledge_interrupt() {
    u8 vector = static_cast<u8>(svr_); // spurious: the request went away
    if (const int fixed = deliverable_vector(); fixed >= 0) {
        vector = static_cast<u8>(fixed);
        set_vector(irr_, vector, false);
        set_vector(isr_, vector, true);
    } else if (ext_int_waits() || !globally_enabled_) {
        ext_int_message_ = false;
        vector = pics_.acknowledge_interrupt();
    }
    update_output();
    return vector;
}

void LocalApic::end_interrupt() {
    const int in_service = highest_vector(isr_);
    if (in_service < 0) return;
    const u8 vector = static_cast<u8>(in_service);
    set_vector(isr_, vector, false);
    if (!has_vector(tmr_, vector)) return;
    for (const Lvt entry : {LINT0, LINT1}) {
        if ((lvt_[entry] & remote_irr_bit) == 0 || static_cast<u8>(lvt_[entry]) != vector) continue;
        lvt_[entry] &= ~remote_irr_bit;
        const bool level = entry == LINT0 ? lint0_ : lint1_;
        update_pin(entry, level, level);
    }
    if (eoi_listener_ != nullptr) eoi_listener_->end_of_interrupt(vector);
}

// --- timer ---

u64 LocalApic::divisor() const {
    const unsigned code = (divide_config_ & 3) | bits(divide_config_, 3, 3) << 2;
    return u64{1} << ((code + 1) & 7);
}

u32 LocalApic::current_count() const {
    if (initial_count_ == 0) return 0;
    const Nanoseconds now = clock_.now();
    Nanoseconds remaining = timer_end_ - now;
    if (now >= timer_end_) {
        if ((lvt_[Timer] & periodic_bit) == 0) return 0;
        const u64 period = initial_count_ * divisor();
        remaining = period - (now - timer_end_) % period;
    }
    return static_cast<u32>((remaining + divisor() - 1) / divisor());
}

void LocalApic::start_timer(u32 count) {
    timer_end_ = clock_.now() + count * divisor();
    arm_timer();
}

// The alarm runs only while it would interrupt; the count is computed when asked for.
void LocalApic::arm_timer() {
    clock_.disarm(alarm_);
    if (initial_count_ == 0 || (lvt_[Timer] & mask_bit) != 0) return;
    const Nanoseconds now = clock_.now();
    if (timer_end_ > now) {
        clock_.arm(alarm_, timer_end_);
    } else if ((lvt_[Timer] & periodic_bit) != 0) {
        const u64 period = initial_count_ * divisor();
        const Nanoseconds next = now + period - (now - timer_end_) % period;
        clock_.arm(alarm_, std::max(next, now + shortest_period));
    }
}

void LocalApic::timer_alarm() {
    fire_local(Timer);
    if ((lvt_[Timer] & periodic_bit) != 0) arm_timer();
    update_output();
}

// --- registers ---

u32 LocalApic::read_register(u32 offset) const {
    const size_t word = (offset >> 4) & 7;
    switch (static_cast<Reg>(offset & 0xFF80)) {
    case Reg::ISR: return isr_[word];
    case Reg::TMR: return tmr_[word];
    case Reg::IRR: return irr_[word];
    default: break;
    }
    switch (static_cast<Reg>(offset)) {
    case Reg::ID: return id_;
    case Reg::Version: return version;
    case Reg::TPR: return tpr_;
    case Reg::APR:
    case Reg::PPR: return processor_priority();
    case Reg::LDR: return ldr_;
    case Reg::DFR: return dfr_;
    case Reg::SVR: return svr_;
    case Reg::ESR: return esr_;
    case Reg::ICR_Low: return icr_low_;
    case Reg::ICR_High: return icr_high_;
    case Reg::LVT_Timer:
    case Reg::LVT_Thermal:
    case Reg::LVT_PerfMon:
    case Reg::LVT_LINT0:
    case Reg::LVT_LINT1:
    case Reg::LVT_Error: return lvt_[(offset - static_cast<u32>(Reg::LVT_Timer)) >> 4];
    case Reg::InitialCount: return initial_count_;
    case Reg::CurrentCount: return current_count();
    case Reg::DivideConfig: return divide_config_;
    default: return 0;
    }
}

void LocalApic::write_register(u32 offset, u32 value) {
    switch (static_cast<Reg>(offset)) {
    case Reg::ID: id_ = value & 0xFF00'0000; break;
    case Reg::TPR: tpr_ = value & 0xFF; break;
    case Reg::EOI: end_interrupt(); break;
    case Reg::LDR: ldr_ = value & 0xFF00'0000; break;
    case Reg::DFR: dfr_ = value | 0x0FFF'FFFF; break;
    case Reg::SVR: write_svr(value); break;
    case Reg::ESR:
        esr_ = esr_pending_; // a write shows the errors since the last one
        esr_pending_ = 0;
        break;
    case Reg::ICR_Low: write_icr(value); break;
    case Reg::ICR_High: icr_high_ = value & 0xFF00'0000; break;
    case Reg::LVT_Timer:
    case Reg::LVT_Thermal:
    case Reg::LVT_PerfMon:
    case Reg::LVT_LINT0:
    case Reg::LVT_LINT1:
    case Reg::LVT_Error: write_lvt(static_cast<Lvt>((offset - static_cast<u32>(Reg::LVT_Timer)) >> 4), value); break;
    case Reg::InitialCount:
        initial_count_ = value;
        start_timer(value);
        break;
    case Reg::DivideConfig: {
        const u32 count = current_count();
        divide_config_ = value & 0xB;
        if (count != 0) start_timer(count);
        break;
    }
    default: break; // read-only, or checked by write_mmio
    }
    update_output();
}

void LocalApic::write_lvt(Lvt entry, u32 value) {
    u32 written = value & lvt_bits[entry];
    if (!is_software_enabled()) written |= mask_bit;
    if ((written & level_bit) != 0) written |= lvt_[entry] & remote_irr_bit;
    lvt_[entry] = written;
    if (entry == Timer) arm_timer();
    if (entry == LINT0) update_pin(entry, lint0_, lint0_);
    if (entry == LINT1) update_pin(entry, lint1_, lint1_);
}

// Disabling by software masks all local vectors; they stay masked until they are written anew.
void LocalApic::write_svr(u32 value) {
    svr_ = value & svr_bits;
    if (is_software_enabled()) return;
    for (u32& lvt : lvt_) lvt |= mask_bit;
    arm_timer();
}

void LocalApic::write_icr(u32 value) {
    icr_low_ = value & icr_bits;
    enum Shorthand : u32 { None, Self, All, Others };
    InterruptMessage message;
    message.vector = static_cast<u8>(value);
    message.delivery = delivery_of(value);
    message.destination_mode = test_bit(value, 11) ? DestinationMode::Logical : DestinationMode::Physical;
    message.destination = static_cast<u8>(icr_high_ >> 24);
    const u32 shorthand = bits(value, 19, 18);
    if (shorthand == Others) return;
    if (shorthand != None) {
        message.destination_mode = DestinationMode::Physical;
        message.destination = 0xFF;
    }
    const bool has_vector = message.delivery == DeliveryMode::Fixed || message.delivery == DeliveryMode::LowestPriority;
    if (has_vector && message.vector < lowest_vector)
        note_error(error_send_illegal_vector);
    else if (message.delivery != DeliveryMode::ExtINT)
        deliver(message);
}

// Accesses other than aligned doublewords are not architectural; narrow reads give the part that was asked for.
u32 LocalApic::read_mmio(u32 offset, unsigned) {
    offset &= page_bytes - 1;
    if ((offset & 0xF) >= 4) return 0;
    return read_register(offset & ~u32{0xF}) >> (8 * (offset & 3));
}

void LocalApic::write_mmio(u32 offset, u32 value, unsigned) {
    offset &= page_bytes - 1;
    if ((offset & 0xF) != 0) return;
    if (offset < static_cast<u32>(Reg::ID) || offset > static_cast<u32>(Reg::DivideConfig)) {
        note_error(error_illegal_register);
        update_output();
        return;
    }
    write_register(offset, value);
}

} // namespace truering
