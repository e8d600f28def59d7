#include "devices/vga_scanout.hpp"

#include <algorithm>
#include <cstring>

namespace truering {

namespace {

constexpr unsigned character_plane = 0;
constexpr unsigned attribute_plane = 1;
constexpr unsigned font_plane = 2;
constexpr unsigned glyph_bytes = 32;

// Bits of the attribute controller's mode control.
constexpr u8 line_graphics = 1 << 2;
constexpr u8 blink_enable = 1 << 3;
constexpr u8 palette_from_color_select = 1 << 7;

constexpr u8 byte_of(u32 cell, unsigned plane) { return static_cast<u8>(cell >> (8 * plane)); }

// Three bits choose one of eight fonts; the order grew from the EGA's four.
constexpr u32 font_address(unsigned select) { return (select & 3) * 0x4000 + (select >> 2) * 0x2000; }

} // namespace

VgaScanout::VgaScanout(const VgaRegisters& registers, std::span<const u8> vram, BlinkPhase blink)
    : registers_(registers), vram_(vram), blink_(blink), characters_(registers.characters_per_line()),
      dots_per_character_(registers.is_graphics() ? 8 : registers.dots_per_character()),
      line_dots_((characters_ + 1) * dots_per_character_) {
    const unsigned color_select = registers.get(Attr::ColorSelect);
    for (unsigned n = 0; n < 16; ++n) {
        unsigned index = registers.palette(n & registers.get(Attr::ColorPlaneEnable)) | (color_select & 12) << 4;
        if ((registers.get(Attr::ModeControl) & palette_from_color_select) != 0)
            index = (index & 0xCF) | (color_select & 3) << 4;
        dac_indices_[n] = static_cast<u8>(index);
    }
    const unsigned map = registers.get(Seq::CharacterMapSelect);
    font_base_[0] = font_address((map & 3) | bits(map, 4, 4) << 2);
    font_base_[1] = font_address(bits(map, 3, 2) | bits(map, 5, 5) << 2);
}

u32 VgaScanout::fetch(u32 counter, unsigned row_scan) const {
    u32 cell = 0;
    std::memcpy(&cell, &vram_[size_t{registers_.plane_address(counter, row_scan)} * 4], 4);
    return cell;
}

void VgaScanout::line(u32 counter, unsigned row_scan, unsigned pan, std::span<u8> dots) {
    const u8 mode = registers_.get(Gfx::Mode);
    counter += bits<unsigned>(registers_.get(Crtc::PresetRowScan), 6, 5); // byte panning
    if (!registers_.is_graphics())
        text_line(counter, row_scan);
    else if ((mode & 0x40) != 0)
        packed_line(counter, row_scan);
    else if ((mode & 0x20) != 0)
        interleaved_line(counter, row_scan);
    else
        planar_line(counter, row_scan);
    const size_t first = std::min<size_t>(pan, dots_per_character_);
    std::copy_n(line_dots_.begin() + static_cast<ptrdiff_t>(first), dots.size(), dots.begin());
}

u8 VgaScanout::glyph_row(u8 character, u8 attribute, unsigned row_scan) const {
    const u32 base = font_base_[bits<unsigned>(attribute, 3, 3)];
    const u32 address = (base + character * glyph_bytes + row_scan) & 0xFFFF;
    return vram_[size_t{address} * 4 + font_plane];
}

bool VgaScanout::cursor_covers(u32 counter, unsigned row_scan) const {
    const unsigned start = registers_.get(Crtc::CursorStart);
    const unsigned end = registers_.get(Crtc::CursorEnd) & 0x1Fu;
    return (counter & 0xFFFF) == registers_.cursor_address() && (start & 0x20) == 0 && blink_.cursor_on &&
           row_scan >= (start & 0x1F) && row_scan <= end;
}

void VgaScanout::text_line(u32 counter, unsigned row_scan) {
    const u8 mode = registers_.get(Attr::ModeControl);
    const bool blinks = (mode & blink_enable) != 0;
    const bool underline_row = row_scan == (registers_.get(Crtc::UnderlineLocation) & 0x1Fu);
    u8* to = line_dots_.data();
    for (unsigned i = 0; i <= characters_; ++i, ++counter) {
        const u32 cell = fetch(counter, row_scan);
        const u8 character = byte_of(cell, character_plane);
        const u8 attribute = byte_of(cell, attribute_plane);
        unsigned glyph = glyph_row(character, attribute, row_scan) << 1;
        // The ninth dot is background, except that line drawing characters continue their eighth.
        if ((mode & line_graphics) != 0 && (character & 0xE0) == 0xC0) glyph |= glyph >> 1 & 1;
        if (underline_row && (attribute & 7) == 1) glyph = 0x1FF;
        if (blinks && (attribute & 0x80) != 0 && !blink_.characters_on) glyph = 0;
        if (cursor_covers(counter, row_scan)) glyph = 0x1FF;
        const u8 foreground = dac_index(attribute & 15);
        const u8 background = dac_index(attribute >> 4 & (blinks ? 7 : 15));
        for (unsigned dot = 0; dot < dots_per_character_; ++dot)
            *to++ = test_bit(glyph, 8 - dot) ? foreground : background;
    }
}

void VgaScanout::planar_line(u32 counter, unsigned row_scan) {
    u8* to = line_dots_.data();
    for (unsigned i = 0; i <= characters_; ++i) {
        const u32 cell = fetch(counter++, row_scan);
        for (unsigned dot = 0; dot < 8; ++dot) {
            const u32 column = cell >> (7 - dot) & 0x01010101u; // one bit of each plane
            *to++ = dac_index((column | column >> 7 | column >> 14 | column >> 21) & 15);
        }
    }
}

// CGA's pixels of two bits: four from plane 0, then four from plane 1; planes 2 and 3 hold two higher bits of each.
void VgaScanout::interleaved_line(u32 counter, unsigned row_scan) {
    u8* to = line_dots_.data();
    for (unsigned i = 0; i <= characters_; ++i) {
        const u32 cell = fetch(counter++, row_scan);
        for (unsigned dot = 0; dot < 8; ++dot) {
            const unsigned plane = dot / 4;
            const unsigned shift = 6 - 2 * (dot % 4);
            *to++ = dac_index((byte_of(cell, plane) >> shift & 3u) | (byte_of(cell, plane + 2) >> shift & 3u) << 2);
        }
    }
}

void VgaScanout::packed_line(u32 counter, unsigned row_scan) {
    u8* to = line_dots_.data();
    for (unsigned i = 0; i <= characters_; ++i) {
        const u32 cell = fetch(counter++, row_scan);
        for (unsigned dot = 0; dot < 8; ++dot) *to++ = byte_of(cell, dot / 2);
    }
}

} // namespace truering
