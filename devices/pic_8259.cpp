#include "devices/pic_8259.hpp"

namespace truering {

namespace {

// ICW1 (bit 4 says that it is one)
constexpr unsigned IC4 = 0;  // ICW4 will come
constexpr unsigned SNGL = 1; // no cascade, ICW3 will not come
constexpr unsigned ADI = 2;  // MCS-80 call address interval of 4
constexpr unsigned LTIM = 3; // all inputs level-triggered
constexpr unsigned is_icw1 = 4;

// ICW4
constexpr unsigned uPM = 0; // 8086 mode: the vector is a number
constexpr unsigned AEOI = 1;
constexpr unsigned SFNM = 4; // special fully nested mode

// OCW2, bits 7-5
enum class Ocw2 : u8 {
    ClearRotateInAeoi = 0,
    NonSpecificEoi = 1,
    NoOperation = 2,
    SpecificEoi = 3,
    SetRotateInAeoi = 4,
    RotateOnNonSpecificEoi = 5,
    SetPriority = 6,
    RotateOnSpecificEoi = 7,
};

// OCW3 (bit 3 says that it is one)
constexpr unsigned RIS = 0;
constexpr unsigned RR = 1;
constexpr unsigned P = 2;
constexpr unsigned is_ocw3 = 3;
constexpr unsigned SMM = 5;
constexpr unsigned ESMM = 6;

} // namespace

void Pic8259::reset() {
    irr_ = isr_ = 0;
    imr_ = 0xFF;
    elcr_ = 0;
    icw1_ = icw2_ = icw3_ = icw4_ = 0;
    lowest_ = 7;
    expected_ = Expected::Nothing;
    read_isr_ = poll_ = special_mask_ = rotate_in_aeoi_ = false;
    update();
}

u8 Pic8259::level_triggered() const { return test_bit(icw1_, LTIM) ? u8{0xFF} : elcr_; }

void Pic8259::set_irq(unsigned ir, bool level) {
    const u8 mask = bit<u8>(ir & 7);
    if (((pins_ & mask) != 0) == level) return;
    pins_ = static_cast<u8>(pins_ ^ mask);
    irr_ = static_cast<u8>(level ? irr_ | mask : irr_ & ~mask);
    update();
}

void Pic8259::set_edge_level(u8 elcr) {
    elcr_ = elcr;
    const u8 levels = level_triggered();
    irr_ = static_cast<u8>((irr_ & ~levels) | (pins_ & levels));
    update();
}

// The level of highest priority among a set.
unsigned Pic8259::highest(u8 levels) const {
    for (unsigned i = 1; i <= 8; ++i) {
        const unsigned level = (lowest_ + i) & 7;
        if (test_bit(levels, level)) return level;
    }
    return none;
}

// Levels that may not interrupt because of what is in service: the highest of those and everything below it.
u8 Pic8259::inhibited_by_service() const {
    // In special mask mode a masked level in service holds nothing back.
    const unsigned serving = highest(static_cast<u8>(special_mask_ ? isr_ & ~imr_ : isr_));
    if (serving == none) return 0;
    u8 inhibited = 0;
    for (unsigned level = serving;; level = (level + 1) & 7) {
        inhibited = static_cast<u8>(inhibited | bit<u8>(level));
        if (level == lowest_) break;
    }
    // In special fully nested mode a slave may interrupt its own service routine with a higher request of its own.
    if (test_bit(icw4_, SFNM) && has_slave(serving)) inhibited = static_cast<u8>(inhibited & ~bit<u8>(serving));
    return inhibited;
}

unsigned Pic8259::request() const {
    const u8 wanting = static_cast<u8>(irr_ & ~imr_);
    return wanting == 0 ? none : highest(static_cast<u8>(wanting & ~inhibited_by_service()));
}

void Pic8259::update() { intr.set(request() != none); }

// Takes a level from IRR into service; with automatic EOI the service ends at once.
void Pic8259::serve(unsigned level) {
    const u8 mask = bit<u8>(level);
    if ((level_triggered() & mask) == 0) irr_ = static_cast<u8>(irr_ & ~mask);
    if (!test_bit(icw4_, AEOI))
        isr_ = static_cast<u8>(isr_ | mask);
    else if (rotate_in_aeoi_)
        lowest_ = static_cast<u8>(level);
}

Pic8259::Acknowledged Pic8259::acknowledge() {
    const unsigned level = request();
    intr.lower();
    if (level == none) return {7, true};
    serve(level);
    update();
    return {level, false};
}

u8 Pic8259::vector(unsigned level) const {
    if (test_bit(icw4_, uPM)) return static_cast<u8>((icw2_ & 0xF8) | level);
    // MCS-80 mode: the second byte is the low half of the call's address.
    return static_cast<u8>(test_bit(icw1_, ADI) ? (icw1_ & 0xE0) | level << 2 : (icw1_ & 0xC0) | level << 3);
}

// A read after the poll command is an acknowledge that gives a number instead of a vector.
u8 Pic8259::poll() {
    poll_ = false;
    const unsigned level = request();
    if (level == none) return 0;
    intr.lower();
    serve(level);
    update();
    return static_cast<u8>(0x80 | level);
}

u8 Pic8259::read(Address address) {
    if (poll_) return poll();
    if (address == Address::A0_high) return imr_;
    return read_isr_ ? isr_ : irr_;
}

void Pic8259::write(Address address, u8 value) {
    if (address == Address::A0_high)
        write_icw(value);
    else if (test_bit(value, is_icw1))
        write_icw1(value);
    else if (test_bit(value, is_ocw3))
        write_ocw3(value);
    else
        write_ocw2(value);
}

void Pic8259::write_icw1(u8 value) {
    icw1_ = value;
    // The edge sense circuit is reset: an input that is high now must fall and rise again to interrupt.
    irr_ = static_cast<u8>(pins_ & level_triggered());
    isr_ = imr_ = 0;
    lowest_ = 7;
    icw3_ = test_bit(value, SNGL) ? u8{0} : u8{7};
    special_mask_ = read_isr_ = poll_ = rotate_in_aeoi_ = false;
    if (!test_bit(value, IC4)) icw4_ = 0;
    expected_ = Expected::ICW2;
    update();
}

void Pic8259::write_icw(u8 value) {
    const Expected after_icw3 = test_bit(icw1_, IC4) ? Expected::ICW4 : Expected::Ready;
    switch (expected_) {
    case Expected::ICW2:
        icw2_ = value;
        expected_ = cascaded() ? Expected::ICW3 : after_icw3;
        break;
    case Expected::ICW3:
        icw3_ = value;
        expected_ = after_icw3;
        break;
    case Expected::ICW4:
        icw4_ = value;
        expected_ = Expected::Ready;
        break;
    case Expected::Nothing:
    case Expected::Ready: imr_ = value; break; // OCW1
    }
    update();
}

void Pic8259::end_of_interrupt(unsigned level, bool rotate) {
    if (level == none) return;
    isr_ = static_cast<u8>(isr_ & ~bit<u8>(level));
    if (rotate) lowest_ = static_cast<u8>(level);
}

void Pic8259::write_ocw2(u8 value) {
    const unsigned named = value & 7u;
    // A non-specific EOI in special mask mode passes over the masked levels.
    const unsigned serving = highest(static_cast<u8>(special_mask_ ? isr_ & ~imr_ : isr_));
    switch (static_cast<Ocw2>(value >> 5)) {
    case Ocw2::ClearRotateInAeoi: rotate_in_aeoi_ = false; break;
    case Ocw2::NonSpecificEoi: end_of_interrupt(serving, false); break;
    case Ocw2::NoOperation: break;
    case Ocw2::SpecificEoi: end_of_interrupt(named, false); break;
    case Ocw2::SetRotateInAeoi: rotate_in_aeoi_ = true; break;
    case Ocw2::RotateOnNonSpecificEoi: end_of_interrupt(serving, true); break;
    case Ocw2::SetPriority: lowest_ = static_cast<u8>(named); break;
    case Ocw2::RotateOnSpecificEoi: end_of_interrupt(named, true); break;
    }
    update();
}

void Pic8259::write_ocw3(u8 value) {
    if (test_bit(value, ESMM)) special_mask_ = test_bit(value, SMM);
    if (test_bit(value, RR)) read_isr_ = test_bit(value, RIS);
    poll_ = test_bit(value, P);
    update();
}

} // namespace truering
