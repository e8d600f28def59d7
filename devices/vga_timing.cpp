#include "devices/vga_timing.hpp"

#include "devices/vga_registers.hpp"

namespace truering {

namespace {

constexpr u64 slow_dot_clock = 25'175'000;
constexpr u64 fast_dot_clock = 28'322'000;
constexpr Nanoseconds default_frame = nanoseconds_per_second / 60;

struct Raster {
    u64 line_characters; // whole line, with retrace
    u64 frame_lines;     // whole frame
    u64 retrace_first;
    u64 retrace_length; // 1-16 lines
};

Raster raster_of(const VgaRegisters& registers) {
    const unsigned overflow = registers.get(Crtc::Overflow);
    const unsigned first =
        registers.get(Crtc::VerticalRetraceStart) | bits(overflow, 2, 2) << 8 | bits(overflow, 7, 7) << 9;
    const unsigned last = registers.get(Crtc::VerticalRetraceEnd) & 15u; // compared with the low four bits
    const unsigned length = (last - first) & 15u;
    return {registers.get(Crtc::HorizontalTotal) + u64{5},
            (registers.get(Crtc::VerticalTotal) | bits(overflow, 0, 0) << 8 | bits(overflow, 5, 5) << 9) + u64{2},
            first, length == 0 ? 16 : length};
}

bool is_plausible(const Raster& raster) { return raster.frame_lines >= 100 && raster.line_characters >= 20; }

} // namespace

Nanoseconds frame_time(const VgaRegisters& registers) {
    const Raster raster = raster_of(registers);
    if (!is_plausible(raster)) return default_frame;
    const u64 clock = bits<unsigned>(registers.miscellaneous_output(), 3, 2) == 1 ? fast_dot_clock : slow_dot_clock;
    const u64 clocks_per_dot = registers.is_dot_clock_halved() ? 2 : 1;
    const u64 dots = raster.line_characters * registers.dots_per_character() * raster.frame_lines * clocks_per_dot;
    return dots * nanoseconds_per_second / clock;
}

BeamPosition beam_at(const VgaRegisters& registers, Nanoseconds now) {
    Raster raster = raster_of(registers);
    // An unprogrammed card shows a plain 640 by 480 raster to whoever waits for a retrace.
    if (!is_plausible(raster)) raster = {100, 525, 490, 2};
    const Nanoseconds frame = frame_time(registers);
    const u64 phase = now % frame * raster.frame_lines;
    const u64 line = phase / frame;
    const u64 character = phase % frame * raster.line_characters / frame;
    const u64 retrace_end = raster.retrace_first + raster.retrace_length;
    return {line < registers.visible_lines() && character < registers.characters_per_line(),
            line >= raster.retrace_first && line < retrace_end};
}

u64 frame_number(const VgaRegisters& registers, Nanoseconds now) { return now / frame_time(registers); }

} // namespace truering
