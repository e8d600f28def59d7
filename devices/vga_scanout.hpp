// What a VGA's CRT controller fetches and its attribute controller makes of it: one scan line at a time, as indices
// into the DAC.
//
// A line is described by the address counter at its start and the row scan counter; the caller (VgaRenderer) counts
// them from line to line. The width is in dots of the dot clock: 8 or 9 for each character clock. In the 256-colour
// mode a pixel takes two dots.
//
// Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem: attribute controller, modes of operation.
#pragma once

#include "devices/vga_registers.hpp"

#include <span>
#include <vector>

namespace truering {

// Whether things that blink are shown at this moment.
struct BlinkPhase {
    bool cursor_on = true;
    bool characters_on = true;

    friend bool operator==(const BlinkPhase&, const BlinkPhase&) = default;
};

class VgaScanout {
  public:
    // `vram` holds plane p of address a in byte a*4+p, 64 Ki addresses at least. Registers are taken as they are now:
    // make a new one for each picture.
    VgaScanout(const VgaRegisters& registers, std::span<const u8> vram, BlinkPhase blink);

    [[nodiscard]] unsigned dots_per_line() const { return characters_ * dots_per_character_; }

    // Fills `dots` (dots_per_line() of them) for the line that starts at address counter `counter`, shifted to the left
    // by `pan` dots.
    void line(u32 counter, unsigned row_scan, unsigned pan, std::span<u8> dots);

  private:
    void text_line(u32 counter, unsigned row_scan);
    void planar_line(u32 counter, unsigned row_scan);
    void interleaved_line(u32 counter, unsigned row_scan);
    void packed_line(u32 counter, unsigned row_scan);
    [[nodiscard]] u32 fetch(u32 counter, unsigned row_scan) const;
    [[nodiscard]] u8 dac_index(unsigned attribute) const { return dac_indices_[attribute & 15]; }
    [[nodiscard]] u8 glyph_row(u8 character, u8 attribute, unsigned row_scan) const;
    [[nodiscard]] bool cursor_covers(u32 counter, unsigned row_scan) const;

    const VgaRegisters& registers_;
    std::span<const u8> vram_;
    BlinkPhase blink_;
    unsigned characters_;
    unsigned dots_per_character_;
    std::array<u8, 16> dac_indices_{};
    u32 font_base_[2] = {};     // by attribute bit 3
    std::vector<u8> line_dots_; // one character more than shown, for panning
};

} // namespace truering
