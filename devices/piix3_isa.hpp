// Intel PIIX3, function 0: the PCI-to-ISA bridge. What software uses of it is the routing of the four PCI interrupts
// and the reset control register.
//
// PIRQRCA-D (60H-63H): bit 7 off routes PIRQA-D to the interrupt request in bits 3:0. Several may share one; the output
// is high while any of them is. Requests 0, 1, 2, 8 and 13 belong to the board and cannot be routed to.
//
// Reset control (port CF9H): bit 2 going from 0 to 1 resets, with bit 1 set the whole machine (`hard_reset`), otherwise
// the processor alone (`processor_init`). Both lines are pulsed within the write: whoever listens remembers and acts
// when the instruction is over.
//
// Source: Intel 82371FB/82371SB (PIIX/PIIX3) datasheet (290550), sections 3.1 and 3.3.
#pragma once

#include "devices/pci_function.hpp"

#include <array>

namespace truering {

class Piix3Isa final : public PciFunction, public PortDevice {
  public:
    static constexpr u16 reset_control_port = 0xCF9;

    enum class Reg : u8 {
        IORT = 0x4C,
        XBCS = 0x4E,
        PIRQRCA = 0x60, // PIRQRCA-PIRQRCD
        TOM = 0x69,
        MSTAT = 0x6A,
        MBIRQ0 = 0x70,
        MBDMA0 = 0x76,
        PCSC = 0x78,
        APICBASE = 0x80,
        DLC = 0x82,
        SMICNTL = 0xA0,
    };

    // Maps port CF9H; construct it after the PciHost, whose ports surround this one.
    explicit Piix3Isa(PortBus& ports);

    void reset() override;

    // Inputs: connect PciHost::pirq[n] with number n.
    void hear_pirq(unsigned n, bool level);

    // Outputs: the PCI share of interrupt requests 3-15, level. Those that cannot be routed to stay low.
    std::array<Line, 16> irq;
    Line hard_reset;
    Line processor_init;

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

  protected:
    void config_written(u8 offset, unsigned size) override;

  private:
    void update_irqs();
    static constexpr u8 at(Reg reg) { return static_cast<u8>(reg); }

    std::array<bool, 4> pirq_{};
    u8 reset_control_ = 0;
};

} // namespace truering
