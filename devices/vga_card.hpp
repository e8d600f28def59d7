// A PCI display card: a VGA with the VBE extension and linear video memory, as QEMU's standard VGA (1234:1111).
//
// Base address 0 is video memory, base address 2 a page of registers: the VGA's ports from 3C0H at offset 400H, the VBE
// registers as words at offset 500H. The expansion ROM is the video BIOS. The legacy ports 3B0H-3DFH and 1CEH-1D1H and
// the memory at A0000H-BFFFFH answer always: there is one display card in the machine.
#pragma once

#include "devices/pci_function.hpp"
#include "devices/vga_memory.hpp"
#include "devices/vga_render.hpp"
#include "devices/vga_text.hpp"

namespace truering {

class VgaCard final : public PciFunction, public PortDevice, public MmioDevice {
  public:
    static constexpr u32 default_video_memory = 16 << 20;

    // Maps the legacy ports and memory. `rom` is copied; `video_memory` is a power of two from 256 KiB up.
    VgaCard(const Clock& clock, PortBus& ports, PhysicalMemory& memory, std::span<const u8> rom,
            u32 video_memory = default_video_memory);

    void reset() override;

    // Connect I440fx::smram_open.
    void hear_smram_open(unsigned number, bool level) { memory_.hear_smram_open(number, level); }

    // --- what is on the screen ---

    // Redraws `frame` if the picture changed since the last call; false if it did not (vga_render.hpp).
    bool update(Frame& frame) { return renderer_.update(frame); }
    void render(Frame& frame) const { renderer_.render(frame); }
    // Nothing in graphics modes.
    [[nodiscard]] std::optional<TextScreen> text_screen() const {
        return read_text_screen(registers_, dispi_, memory_.bytes());
    }

    [[nodiscard]] const VgaRegisters& registers() const { return registers_; }
    [[nodiscard]] const VbeDispi& dispi() const { return dispi_; }
    [[nodiscard]] std::span<u8> video_memory() { return memory_.bytes(); }

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;
    u32 read_mmio(u32 offset, unsigned size) override;
    void write_mmio(u32 offset, u32 value, unsigned size) override;

  private:
    void after_write(bool clears_memory);

    VgaRegisters registers_;
    VbeDispi dispi_;
    VgaMemory memory_;
    VgaRenderer renderer_;
};

} // namespace truering
