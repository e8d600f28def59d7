// One 8259A programmable interrupt controller.
//
// Eight inputs set bits of IRR; the one of highest priority that is neither masked (IMR) nor held back by a level in
// service (ISR) raises INT; an acknowledge moves it from IRR to ISR and gives the vector; an EOI ends its service.
//
// Life of a request: an edge-triggered input sets its IRR bit when it rises and takes it back when it falls before the
// acknowledge, as the datasheet's priority cell does; the acknowledge then finds nothing and gives level 7, without an
// ISR bit ("default IR7"). A level-triggered input's IRR bit follows the pin.
//
// Invariant: `intr` is high exactly when request() names a level; it falls for a moment in every acknowledge, so that
// a master with edge-triggered inputs hears of the next request.
//
// Freestanding-clean: no port bus, no library; the machine's pair is in pic_pair.hpp.
// Source: Intel 8259A datasheet (231468), PIIX3 (82371SB) for the edge/level register.
#pragma once

#include "base/bits.hpp"
#include "base/types.hpp"
#include "memory/line.hpp"

namespace truering {

class Pic8259 {
  public:
    static constexpr unsigned none = 8; // no level

    // The two addresses of the chip, its pin A0.
    enum class Address : u8 { A0_low = 0, A0_high = 1 };

    Line intr; // INT

    // Uninitialised: everything is masked until ICW1 comes.
    void reset();

    [[nodiscard]] u8 read(Address address);
    void write(Address address, u8 value);

    // Pin IRn, n = 0-7.
    void set_irq(unsigned ir, bool level);

    // The chipset's edge/level control register: a 1 makes the input level-triggered whatever ICW1 says.
    void set_edge_level(u8 elcr);
    [[nodiscard]] u8 edge_level() const { return elcr_; }

    // The interrupt acknowledge cycle: the level that is served now, 7 when the request went away (then `spurious`).
    struct Acknowledged {
        unsigned level;
        bool spurious;
    };
    Acknowledged acknowledge();

    // The byte that the chip puts on the bus for a level in the second cycle.
    [[nodiscard]] u8 vector(unsigned level) const;

    // Is there a slave at this level (ICW3 of a cascaded master)? And which number has this chip as a slave?
    [[nodiscard]] bool has_slave(unsigned level) const { return cascaded() && test_bit(icw3_, level); }
    [[nodiscard]] unsigned slave_number() const { return icw3_ & 7u; }

    // For the monitor, without side effects.
    [[nodiscard]] u8 irr() const { return irr_; }
    [[nodiscard]] u8 isr() const { return isr_; }
    [[nodiscard]] u8 imr() const { return imr_; }
    [[nodiscard]] u8 pins() const { return pins_; }
    [[nodiscard]] u8 vector_base() const { return static_cast<u8>(icw2_ & 0xF8); }
    [[nodiscard]] unsigned lowest_priority() const { return lowest_; }
    [[nodiscard]] bool initialised() const { return expected_ == Expected::Ready; }

  private:
    // The next byte that A0 = 1 takes.
    enum class Expected : u8 { Nothing, ICW2, ICW3, ICW4, Ready };

    [[nodiscard]] bool cascaded() const { return !test_bit(icw1_, 1); }
    [[nodiscard]] unsigned highest(u8 levels) const;
    [[nodiscard]] u8 inhibited_by_service() const;
    [[nodiscard]] unsigned request() const;
    [[nodiscard]] u8 level_triggered() const;

    void write_icw1(u8 value);
    void write_icw(u8 value);
    void write_ocw2(u8 value);
    void write_ocw3(u8 value);
    void end_of_interrupt(unsigned level, bool rotate);
    void serve(unsigned level);
    u8 poll();
    void update();

    u8 pins_ = 0;
    u8 irr_ = 0;
    u8 isr_ = 0;
    u8 imr_ = 0xFF;
    u8 elcr_ = 0;
    u8 icw1_ = 0;
    u8 icw2_ = 0;
    u8 icw3_ = 0;
    u8 icw4_ = 0;
    u8 lowest_ = 7; // the level of lowest priority; the one after it has the highest
    Expected expected_ = Expected::Nothing;
    bool read_isr_ = false;
    bool poll_ = false;
    bool special_mask_ = false;
    bool rotate_in_aeoi_ = false;
};

} // namespace truering
