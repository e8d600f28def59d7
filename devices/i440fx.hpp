// Intel 440FX host bridge (82441FX PMC), as far as software sees it: who answers between C0000H and FFFFFH.
//
// That range is 13 segments, each with a read and a write attribute in the PAM registers. Read enable on: reads come
// from RAM, off: from the ROMs on the ISA bus. Write enable on: writes go to RAM, off: to the bus, where ROM ignores
// them. Firmware copies itself by reading from ROM and writing to the RAM at the same address.
//
// The system ROM also stands, whole, at the top of the first 4 GiB, where the processor starts; its last 128 KiB are
// what the PAM segments E0000H-FFFFFH show.
//
// There is no system management mode, so SMRAM matters only for D_OPEN: while it is set, A0000H-BFFFFH is RAM and not
// the display's. The bridge rises `smram_open` before it takes the range and lowers it after it has given it up.
//
// Firmware made for emulators knows the machine by the subsystem id 1AF4:1100 of this function.
//
// Source: Intel 440FX PCIset datasheet (290549), section 3.2.
#pragma once

#include "devices/pci_function.hpp"

#include <span>
#include <vector>

namespace truering {

class I440fx final : public PciFunction {
  public:
    enum class Reg : u8 {
        PMCCFG = 0x50,
        DRAMC = 0x57,
        DRAMT = 0x58,
        PAM0 = 0x59, // PAM0-PAM6
        DRB0 = 0x60, // DRB0-DRB7
        SMRAM = 0x72,
        ERRCMD = 0x90,
        TRC = 0x93,
    };

    // Both ROM images are copied. `system_bios` is placed so that it ends at 4 GiB (at most 16 MiB); `vga_bios`, which
    // may be empty, so that it starts at C0000H: only a display that is no PCI card needs it there.
    // Maps both at once, as after a reset.
    I440fx(PhysicalMemory& memory, std::span<const u8> system_bios, std::span<const u8> vga_bios);

    void reset() override;

    // High while A0000H-BFFFFH is RAM.
    Line smram_open;

  protected:
    void config_written(u8 offset, unsigned size) override;

  private:
    static constexpr unsigned segment_count = 13;

    void map_top_of_4g();
    void update_segment(unsigned n);
    void update_smram();
    [[nodiscard]] unsigned segment_attributes(unsigned n) const;
    static constexpr u8 at(Reg reg) { return static_cast<u8>(reg); }

    PhysicalMemory& memory_;
    std::vector<u8> flash_;  // the system ROM, padded in front to whole pages
    std::vector<u8> window_; // what the ROMs show at C0000H-FFFFFH
    u8 mapped_attributes_[segment_count] = {};
};

} // namespace truering
