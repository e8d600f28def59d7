// The PC's way to report x87 errors: the processor's FERR# becomes interrupt request 13, and a write to port F0H takes
// the request away and holds IGNNE# until the error is gone, so that the handler can use the FPU.
//
// Source: Intel 82371SB (PIIX3) datasheet (290550), 2.5.3.1 (coprocessor error); SDM vol. 1, 8.7.
#pragma once

#include "memory/line.hpp"
#include "memory/port_bus.hpp"

namespace truering {

class CoprocessorError final : public PortDevice {
  public:
    static constexpr u16 port = 0xF0;

    void map(PortBus& bus) { bus.map(port, 2, *this); } // F1H, the 287's reset, does the same

    void reset() {
        irq.lower();
        ignne.lower();
    }

    // Connect Cpu::ferr.
    void hear_ferr(unsigned, bool level) {
        if (level) {
            irq.raise();
        } else {
            ignne.lower();
        }
        ferr_ = level;
    }

    Line irq;   // IRQ 13
    Line ignne; // high while IGNNE# is active

    u32 read_port(u16, unsigned) override { return 0xFF; }
    void write_port(u16, u32, unsigned) override {
        irq.lower();
        ignne.set(ferr_);
    }

  private:
    bool ferr_ = false;
};

} // namespace truering
