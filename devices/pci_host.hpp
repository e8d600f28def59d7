// The host bridge's window into configuration space (configuration mechanism 1) and the wiring of PCI bus 0.
//
// Port CF8H takes the address of a doubleword (a write of exactly four bytes; narrower accesses belong to other chips,
// such as the reset control register at CF9H), ports CFCH-CFFH are the data window. Nobody at an address, or a bus
// other than 0: reads give ones, writes are lost.
//
// Interrupts: pin p of slot s drives PIRQ (s + p - 1) mod 4, so that four cards that all use INTA# spread over the
// four lines. A PIRQ is high while any of its pins is asserted.
//
// Source: PCI Local Bus Specification 2.1, section 3.7.4.1; 82441FX datasheet, CONFADD and CONFDATA.
#pragma once

#include "devices/pci_function.hpp"

#include <array>

namespace truering {

class PciHost final : public PortDevice {
  public:
    static constexpr u16 first_port = 0xCF8;
    static constexpr unsigned port_count = 8;
    static constexpr unsigned slot_count = 32;
    static constexpr unsigned functions_per_slot = 8;

    // Maps itself at CF8H-CFFH. Map port CF9H (byte) after constructing this.
    PciHost(PortBus& ports, PhysicalMemory& memory);

    // Plugs a function into slot 0-31, function 0-7. It must live as long as the host.
    void attach(PciFunction& function, unsigned slot, unsigned number);

    // Resets the address register and every attached function, and unmaps their regions.
    void reset();

    // PIRQA-PIRQD, level; the ISA bridge routes them.
    std::array<Line, 4> pirq;

    // For the monitor; null where no function is.
    [[nodiscard]] const PciFunction* function(unsigned slot, unsigned number) const;

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

    // Brings the mapped regions in line with the functions' registers; needed by none but a restored snapshot.
    void update_mappings();

  private:
    [[nodiscard]] PciFunction* selected() const;
    void hear_pin(unsigned slot_and_pin, bool level);

    PortBus& ports_;
    PhysicalMemory& memory_;
    u32 address_ = 0;
    std::array<std::array<PciFunction*, functions_per_slot>, slot_count> functions_{};
    std::array<unsigned, 4> asserted_{}; // how many pins drive each PIRQ
};

} // namespace truering
