// The IDE function of PIIX3 and PIIX4 (function 1 of the chip): configuration space around two channels in legacy mode
// and the bus master at base address 4.
//
// The timing registers are kept and have no effect: an emulated cable has no cycles. The decode enable bits (IDETIM
// bit 15) do: without it a channel's ports are not there. After power-on they are set, which on a board the firmware
// does, so that a kernel started without firmware finds its disks.
//
// Source: Intel 82371SB (PIIX3) datasheet (290550) section 2.3; 82371AB (PIIX4) datasheet (290562) section 6.
#pragma once

#include "devices/bus_master_ide.hpp"
#include "devices/pci_function.hpp"

namespace truering {

enum class PiixModel : u16 { Piix3 = 0x7010, Piix4 = 0x7111 }; // PCI device IDs

class PiixIde final : public PciFunction {
  public:
    // Maps the channels' legacy ports itself. Connect bus_master().irq[0] and [1] to IRQ 14 and 15.
    PiixIde(PiixModel model, PortBus& ports, PhysicalMemory& memory, IdeChannel& primary, IdeChannel& secondary);

    // Power-on, channels and drives included.
    void reset() override;

    [[nodiscard]] BusMasterIde& bus_master() { return bus_master_; }

  protected:
    void config_written(u8 offset, unsigned size) override;

  private:
    enum class Reg : u8 { IDETIM = 0x40, SIDETIM = 0x44, UDMACTL = 0x48, UDMATIM = 0x4A };

    [[nodiscard]] bool decodes(unsigned channel) const;
    void follow_decode_enables();

    PortBus& ports_;
    std::array<IdeChannel*, 2> channels_;
    std::array<bool, 2> mapped_{};
    BusMasterIde bus_master_;
};

} // namespace truering
