// The VBE extension that Bochs introduced and QEMU's standard VGA took over: display modes of any size and depth,
// described by a handful of 16-bit registers behind an index.
//
// While ENABLED is set, the picture comes from here and not from the VGA's CRT controller. Memory is linear from the
// start of video memory (the frame buffer region of the PCI card, or 64 KiB of it at A0000H by BANK), except in the
// 4-bit modes, which are planar as the VGA's own.
//
// Registers take what is written if it is possible; the picture is clipped to video memory by whoever draws it.
//
// Source: the interface as Bochs documents it (iodev/display/vbe.h lists the indices), identification B0C5H.
#pragma once

#include "base/bits.hpp"

#include <array>

namespace truering {

class VbeDispi {
  public:
    static constexpr u16 index_port = 0x1CE;
    static constexpr u16 data_port = 0x1CF;
    static constexpr u16 aligned_data_port = 0x1D0; // the same register, for buses without odd words
    static constexpr unsigned port_count = 4;       // 1CEH-1D1H

    static constexpr u16 max_width = 2560;
    static constexpr u16 max_height = 1600;

    enum class Index : u8 {
        ID,
        XRES,
        YRES,
        BPP,
        ENABLE,
        BANK,
        VIRT_WIDTH,
        VIRT_HEIGHT,
        X_OFFSET,
        Y_OFFSET,
        VIDEO_MEMORY_64K,
    };
    static constexpr unsigned index_count = 11;

    enum Enable : u16 {
        ENABLED = 0x01,
        GETCAPS = 0x02,
        DAC_8BIT = 0x20,
        LFB_ENABLED = 0x40,
        NOCLEARMEM = 0x80,
    };

    // `video_memory`: bytes, a multiple of 64 KiB.
    explicit VbeDispi(u32 video_memory);

    void reset();

    u16 read_port(u16 port) const;
    [[nodiscard]] u16 read(unsigned index) const;
    // True when the write switched a mode on that starts with cleared memory: the owner of the memory clears it.
    [[nodiscard]] bool write_port(u16 port, u16 value);
    [[nodiscard]] bool write(unsigned index, u16 value);

    [[nodiscard]] u64 changes() const { return changes_; }
    [[nodiscard]] bool is_enabled() const { return (get(Index::ENABLE) & ENABLED) != 0; }
    [[nodiscard]] bool is_linear() const { return is_enabled() && get(Index::BPP) >= 8; }
    [[nodiscard]] bool is_dac_8_bit() const { return (get(Index::ENABLE) & DAC_8BIT) != 0; }

    [[nodiscard]] u32 width() const { return get(Index::XRES); }
    [[nodiscard]] u32 height() const { return get(Index::YRES); }
    [[nodiscard]] unsigned bits_per_pixel() const { return get(Index::BPP); }
    // Bytes from one line to the next, and from the start of memory to the first pixel; of one plane in planar modes.
    [[nodiscard]] u32 pitch() const;
    [[nodiscard]] u32 start() const;
    [[nodiscard]] u32 bank_base() const { return u32{get(Index::BANK)} << 16; }

  private:
    [[nodiscard]] u16 get(Index index) const { return registers_[static_cast<size_t>(index)]; }
    void set(Index index, u16 value) { registers_[static_cast<size_t>(index)] = value; }
    [[nodiscard]] u32 bytes_of(u32 pixels) const;
    bool write_enable(u16 value);
    void fit_virtual_size(u16 wanted_width);

    u32 video_memory_;
    u16 index_ = 0;
    std::array<u16, index_count> registers_{};
    u64 changes_ = 0;
};

} // namespace truering
