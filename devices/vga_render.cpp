#include "devices/vga_render.hpp"

#include "devices/vga_timing.hpp"

#include <algorithm>
#include <cstring>

namespace truering {

namespace {

constexpr size_t vga_memory_size = 256 << 10;
constexpr unsigned cursor_half_period = 8;     // in frames
constexpr unsigned character_half_period = 16; // in frames
constexpr u8 pan_compatibility = 1 << 5;

// A checksum that runs at memory speed: four independent lanes of multiply and add.
u64 checksum(std::span<const u8> bytes) {
    constexpr u64 prime = 0x9E3779B97F4A7C15;
    u64 lanes[4] = {1, 2, 3, 4};
    size_t i = 0;
    for (; i + 32 <= bytes.size(); i += 32) {
        u64 words[4];
        std::memcpy(words, &bytes[i], 32);
        for (unsigned n = 0; n < 4; ++n) lanes[n] = ((lanes[n] << 29 | lanes[n] >> 35) ^ words[n]) * prime;
    }
    u64 sum = bytes.size();
    for (; i < bytes.size(); ++i) sum = (sum ^ bytes[i]) * prime;
    for (const u64 lane : lanes) sum = ((sum << 29 | sum >> 35) ^ lane) * prime;
    return sum;
}

constexpr u32 widened(u32 value, unsigned width) { return value << (8 - width) | value >> (2 * width - 8); }

constexpr u32 rgb(u32 r, u32 g, u32 b) { return r << 16 | g << 8 | b; }

constexpr u32 from_555(u32 v) {
    return rgb(widened(bits(v, 14, 10), 5), widened(bits(v, 9, 5), 5), widened(bits(v, 4, 0), 5));
}

constexpr u32 from_565(u32 v) {
    return rgb(widened(bits(v, 15, 11), 5), widened(bits(v, 10, 5), 6), widened(bits(v, 4, 0), 5));
}

std::array<u32, 256> colors_of(const VgaRegisters& registers) {
    std::array<u32, 256> colors{};
    for (unsigned n = 0; n < 256; ++n) colors[n] = registers.color(n);
    return colors;
}

// The pel panning register counts from the ninth dot in 9-dot text: there 8 means none, 0 means one.
unsigned pan_of(const VgaRegisters& registers) {
    const unsigned pan = registers.get(Attr::HorizontalPelPanning) & 15u;
    if (!registers.is_graphics() && registers.dots_per_character() == 9) return pan >= 8 ? 0 : pan + 1;
    return pan & 7;
}

} // namespace

VgaRenderer::VgaRenderer(const Clock& clock, const VgaRegisters& registers, const VbeDispi& dispi,
                         std::span<const u8> vram)
    : clock_(clock), registers_(registers), dispi_(dispi), vram_(vram) {}

BlinkPhase VgaRenderer::blink_phase() const {
    if (registers_.is_graphics() || dispi_.is_enabled()) return {};
    const u64 frame = frame_number(registers_, clock_.now());
    return {frame / cursor_half_period % 2 == 0, frame / character_half_period % 2 == 0};
}

std::span<const u8> VgaRenderer::visible_memory() const {
    if (!dispi_.is_enabled()) return vram_.first(vga_memory_size);
    const u64 scale = dispi_.is_linear() ? 1 : 4;
    const u64 start = std::min<u64>(dispi_.start() * scale, vram_.size());
    const u64 size = std::min<u64>(u64{dispi_.pitch()} * dispi_.height() * scale, vram_.size() - start);
    return vram_.subspan(start, size);
}

VgaRenderer::Shown VgaRenderer::shown_now() const {
    return {registers_.changes(), dispi_.changes(), checksum(visible_memory()), blink_phase()};
}

bool VgaRenderer::update(Frame& frame) {
    const Shown now = shown_now();
    if (has_drawn_ && now == last_) return false;
    last_ = now;
    has_drawn_ = true;
    render(frame);
    return true;
}

void VgaRenderer::render(Frame& frame) const {
    if (dispi_.is_enabled())
        render_vbe(frame);
    else
        render_vga(frame);
}

// --- VGA modes ---

namespace {

// The counters of the CRT controller as the beam goes down the screen.
struct RowCounter {
    u32 counter;
    unsigned row_scan;
    bool repeated = false; // the first of the two lines of a double scan was shown

    void next_line(const VgaRegisters& registers) {
        if (registers.is_double_scanned()) {
            repeated = !repeated;
            if (repeated) return;
        }
        if (row_scan + 1 < registers.scans_per_row()) {
            ++row_scan;
        } else {
            row_scan = 0;
            counter += registers.row_offset();
        }
    }
};

void paint(std::span<const u8> dots, const std::array<u32, 256>& colors, unsigned dots_wide, u32* to) {
    for (const u8 dot : dots)
        for (unsigned n = 0; n < dots_wide; ++n) *to++ = colors[dot];
}

} // namespace

void VgaRenderer::render_vga(Frame& frame) const {
    VgaScanout scanout(registers_, vram_.first(vga_memory_size), blink_phase());
    const unsigned dots_wide = registers_.is_dot_clock_halved() ? 2 : 1;
    frame.resize(scanout.dots_per_line() * dots_wide, registers_.visible_lines());
    if (!registers_.is_screen_on()) {
        std::fill(frame.pixels.begin(), frame.pixels.end(), 0);
        return;
    }
    const auto colors = colors_of(registers_);
    std::vector<u8> dots(scanout.dots_per_line());
    RowCounter row{registers_.start_address(), registers_.get(Crtc::PresetRowScan) & 0x1Fu};
    unsigned pan = pan_of(registers_);
    for (u32 y = 0; y < frame.height; ++y) {
        scanout.line(row.counter, row.row_scan, pan, dots);
        paint(dots, colors, dots_wide, frame.row(y));
        if (y == registers_.line_compare()) {
            // The lower part of a split screen starts at address 0, and without panning if so wished.
            row = {0, 0};
            if ((registers_.get(Attr::ModeControl) & pan_compatibility) != 0) pan = 0;
        } else {
            row.next_line(registers_);
        }
    }
}

// --- VBE modes ---

void VgaRenderer::render_vbe(Frame& frame) const {
    frame.resize(dispi_.width(), dispi_.height());
    if (!registers_.is_screen_on()) {
        std::fill(frame.pixels.begin(), frame.pixels.end(), 0);
        return;
    }
    const auto colors = colors_of(registers_);
    for (u32 y = 0; y < frame.height; ++y) {
        const u64 from = dispi_.start() + u64{dispi_.pitch()} * y;
        if (!dispi_.is_linear())
            render_vbe_planar_line(static_cast<u32>(from), frame.row(y));
        else
            render_vbe_line(from, colors, frame.row(y));
    }
}

void VgaRenderer::render_vbe_planar_line(u32 from, u32* to) const {
    for (u32 x = 0; x < dispi_.width(); ++x) {
        const u64 at = (u64{from} + x / 8) * 4;
        unsigned pixel = 0;
        for (unsigned plane = 0; plane < 4 && at + 4 <= vram_.size(); ++plane)
            pixel |= (vram_[at + plane] >> (7 - x % 8) & 1u) << plane;
        to[x] = registers_.color(registers_.palette(pixel));
    }
}

// A line that does not lie wholly in video memory is black.
void VgaRenderer::render_vbe_line(u64 from, const std::array<u32, 256>& colors, u32* to) const {
    const u32 width = dispi_.width();
    const unsigned bytes = (dispi_.bits_per_pixel() + 7) / 8;
    if (from + u64{width} * bytes > vram_.size()) {
        std::fill_n(to, width, 0);
        return;
    }
    const u8* p = &vram_[from];
    const auto word = [&] { return static_cast<u32>(p[0] | p[1] << 8); };
    switch (dispi_.bits_per_pixel()) {
    case 8:
        for (u32 x = 0; x < width; ++x) to[x] = colors[p[x]];
        break;
    case 15:
        for (u32 x = 0; x < width; ++x, p += 2) to[x] = from_555(word());
        break;
    case 16:
        for (u32 x = 0; x < width; ++x, p += 2) to[x] = from_565(word());
        break;
    default:
        for (u32 x = 0; x < width; ++x, p += bytes) to[x] = rgb(p[2], p[1], p[0]);
        break;
    }
}

} // namespace truering
