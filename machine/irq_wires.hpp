// The sixteen interrupt request wires of the board: several sources may share one, and it is high while any of them
// drives it. They lead to the 8259s and, in parallel, to the I/O APIC, whose input 2 is the timer.
#pragma once

#include "devices/io_apic.hpp"
#include "devices/pic_pair.hpp"

#include <array>

namespace truering {

class IrqWires {
  public:
    enum class Source : u8 { Isa, Pci, Sci };

    // `io_apic` may be null.
    IrqWires(PicPair& pics, IoApic* io_apic) : pics_(pics), io_apic_(io_apic) {}

    // For Line::connect_to: the number that names a wire and who drives it.
    static constexpr unsigned input(unsigned irq, Source source = Source::Isa) {
        return irq | static_cast<unsigned>(source) << 4;
    }

    void drive(unsigned input, bool level) {
        const unsigned irq = input & 15;
        const bool was = drivers_[irq] != 0;
        drivers_[irq] = with_bit<u8>(drivers_[irq], input >> 4, level);
        const bool is = drivers_[irq] != 0;
        if (was == is) return;
        pics_.set_irq(irq, is);
        if (io_apic_ != nullptr) io_apic_->hear_input(irq == 0 ? 2 : irq, is);
    }

  private:
    PicPair& pics_;
    IoApic* io_apic_;
    std::array<u8, 16> drivers_{};
};

} // namespace truering
