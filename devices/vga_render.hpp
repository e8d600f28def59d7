// Draws what the display shows now: a VGA mode line by line, or a VBE mode from linear memory.
//
// A picture of a VGA mode is as large as the raster, in dots and scan lines: 720 by 400 for text, 640 by 400 for mode
// 13H, whose pixels are two dots wide and two lines high. So a window keeps its proportions. VBE modes are as large as
// they say.
//
// `update` draws only when the picture may have changed. What can change it: registers (they count their changes),
// memory (which the processor may write without anybody being told: a checksum over the part that is shown), and
// blinking.
#pragma once

#include "devices/frame.hpp"
#include "devices/vbe_dispi.hpp"
#include "devices/vga_scanout.hpp"

namespace truering {

class VgaRenderer {
  public:
    VgaRenderer(const Clock& clock, const VgaRegisters& registers, const VbeDispi& dispi, std::span<const u8> vram);

    // Draws into `frame` and returns true if the picture differs from the one that the last call drew; otherwise leaves
    // `frame` alone and returns false. `frame` must be the same one each time.
    bool update(Frame& frame);

    // Draws in any case.
    void render(Frame& frame) const;

    [[nodiscard]] BlinkPhase blink_phase() const;

  private:
    struct Shown {
        u64 registers = 0;
        u64 dispi = 0;
        u64 memory = 0;
        BlinkPhase blink;

        friend bool operator==(const Shown&, const Shown&) = default;
    };

    [[nodiscard]] Shown shown_now() const;
    [[nodiscard]] std::span<const u8> visible_memory() const;
    void render_vga(Frame& frame) const;
    void render_vbe(Frame& frame) const;
    void render_vbe_planar_line(u32 from, u32* to) const;
    void render_vbe_line(u64 from, const std::array<u32, 256>& colors, u32* to) const;

    const Clock& clock_;
    const VgaRegisters& registers_;
    const VbeDispi& dispi_;
    std::span<const u8> vram_;
    Shown last_;
    bool has_drawn_ = false;
};

} // namespace truering
