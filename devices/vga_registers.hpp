// The registers of a VGA: external registers, sequencer, CRT controller, graphics controller, attribute controller and
// DAC, as the ports 3B0H-3DFH show them.
//
// This class remembers and answers; it draws nothing and touches no video memory. The other parts (VgaMemory,
// VgaScanout, VgaText) read it through the accessors below. Every write that changes a register counts up `changes()`,
// so that a picture drawn from them can be known to be current.
//
// Retrace bits of input status 1 come from the clock and the CRT controller's timing (vga_timing.hpp) at the moment of
// the read: no alarm runs for a screen nobody looks at.
//
// Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem (VGA).
#pragma once

#include "base/bits.hpp"
#include "memory/clock.hpp"

#include <array>

namespace truering {

enum class Seq : u8 { Reset, ClockingMode, MapMask, CharacterMapSelect, MemoryMode };

enum class Crtc : u8 {
    HorizontalTotal,
    HorizontalDisplayEnd,
    StartHorizontalBlanking,
    EndHorizontalBlanking,
    StartHorizontalRetrace,
    EndHorizontalRetrace,
    VerticalTotal,
    Overflow,
    PresetRowScan,
    MaximumScanLine,
    CursorStart,
    CursorEnd,
    StartAddressHigh,
    StartAddressLow,
    CursorLocationHigh,
    CursorLocationLow,
    VerticalRetraceStart,
    VerticalRetraceEnd,
    VerticalDisplayEnd,
    Offset,
    UnderlineLocation,
    StartVerticalBlanking,
    EndVerticalBlanking,
    ModeControl,
    LineCompare,
};

enum class Gfx : u8 {
    SetReset,
    EnableSetReset,
    ColorCompare,
    DataRotate,
    ReadMapSelect,
    Mode,
    Miscellaneous,
    ColorDontCare,
    BitMask,
};

// Behind the sixteen palette registers.
enum class Attr : u8 {
    ModeControl = 0x10,
    OverscanColor,
    ColorPlaneEnable,
    HorizontalPelPanning,
    ColorSelect,
};

enum class DacWidth : u8 { Six, Eight };

class VgaRegisters {
  public:
    static constexpr u16 first_port = 0x3B0;
    static constexpr unsigned port_count = 0x30;

    explicit VgaRegisters(const Clock& clock);

    void reset();

    u8 read(u16 port);
    void write(u16 port, u8 value);

    [[nodiscard]] u64 changes() const { return changes_; }

    [[nodiscard]] u8 get(Seq reg) const { return sequencer_[index_of(reg)]; }
    [[nodiscard]] u8 get(Crtc reg) const { return crtc_[index_of(reg)]; }
    [[nodiscard]] u8 get(Gfx reg) const { return graphics_[index_of(reg)]; }
    [[nodiscard]] u8 get(Attr reg) const { return attribute_[index_of(reg)]; }
    [[nodiscard]] u8 palette(unsigned n) const { return attribute_[n & 15]; }
    [[nodiscard]] u8 miscellaneous_output() const { return miscellaneous_output_; }

    // The DAC takes six bits a colour, or eight when the VBE extension says so.
    void set_dac_width(DacWidth width);
    // Colour n of the DAC behind the pel mask, 00RRGGBBH.
    [[nodiscard]] u32 color(unsigned n) const;

    // --- what the registers mean together ---

    [[nodiscard]] bool is_graphics() const { return (get(Gfx::Miscellaneous) & 1) != 0; }
    // The attribute controller shows the picture (PAS), and the sequencer does not hold the screen off.
    [[nodiscard]] bool is_screen_on() const {
        return (attribute_index_ & 0x20) != 0 && (get(Seq::ClockingMode) & 0x20) == 0;
    }
    [[nodiscard]] bool is_chain_4() const { return (get(Seq::MemoryMode) & 8) != 0; }
    [[nodiscard]] bool is_dot_clock_halved() const { return (get(Seq::ClockingMode) & 8) != 0; }
    [[nodiscard]] unsigned dots_per_character() const { return (get(Seq::ClockingMode) & 1) != 0 ? 8 : 9; }
    [[nodiscard]] unsigned characters_per_line() const { return get(Crtc::HorizontalDisplayEnd) + 1u; }
    [[nodiscard]] unsigned visible_lines() const; // scan lines
    [[nodiscard]] unsigned line_compare() const;
    [[nodiscard]] unsigned scans_per_row() const { return (get(Crtc::MaximumScanLine) & 0x1Fu) + 1; }
    [[nodiscard]] bool is_double_scanned() const { return (get(Crtc::MaximumScanLine) & 0x80) != 0; }
    [[nodiscard]] u16 start_address() const { return pair(Crtc::StartAddressHigh, Crtc::StartAddressLow); }
    [[nodiscard]] u16 cursor_address() const { return pair(Crtc::CursorLocationHigh, Crtc::CursorLocationLow); }
    [[nodiscard]] unsigned row_offset() const { return get(Crtc::Offset) * 2u; } // in counts of the address counter

    // Where the CRT controller's address counter points in a plane: byte, word or doubleword addressing, and the row
    // scan counter on the address bits that CGA and Hercules interleave by.
    [[nodiscard]] u16 plane_address(u32 counter, unsigned row_scan) const;

  private:
    template <class R> static constexpr size_t index_of(R reg) { return static_cast<size_t>(reg); }
    [[nodiscard]] u16 pair(Crtc high, Crtc low) const { return static_cast<u16>(get(high) << 8 | get(low)); }
    template <size_t n> void store(std::array<u8, n>& file, unsigned index, u8 value);

    [[nodiscard]] bool decodes(u16 port) const;
    void write_attribute(u8 value);
    void write_crtc(u8 value);
    void write_dac(u8 value);
    u8 read_dac();
    u8 read_input_status_1();

    const Clock& clock_;
    u64 changes_ = 0;

    std::array<u8, 5> sequencer_{};
    std::array<u8, 25> crtc_{};
    std::array<u8, 9> graphics_{};
    std::array<u8, 21> attribute_{};
    u8 sequencer_index_ = 0;
    u8 crtc_index_ = 0;
    u8 graphics_index_ = 0;
    u8 attribute_index_ = 0;
    bool attribute_expects_data_ = false;
    u8 miscellaneous_output_ = 0;
    u8 feature_control_ = 0;
    u8 video_enable_ = 0;

    std::array<std::array<u8, 3>, 256> dac_{};
    DacWidth dac_width_ = DacWidth::Six;
    u8 pel_mask_ = 0xFF;
    u8 dac_write_index_ = 0;
    u8 dac_read_index_ = 0;
    u8 dac_component_ = 0;
    u8 dac_state_ = 0; // 3 when the last index was for reading, 0 for writing
};

} // namespace truering
