#include "mandelbrot.hpp"

#include "vga.hpp"

namespace demo {
namespace {

constexpr int most_turns = 48;

// How many turns z -> z*z + c stays within |z| <= 2. Numbers are the x87's own 80-bit ones: no rounding to memory
// formats that a compiler may or may not do, so the picture is the same on every correct machine.
int turns(long double cx, long double cy) {
    long double x = 0, y = 0;
    int turn = 0;
    for (; turn < most_turns; ++turn) {
        const long double xx = x * x, yy = y * y;
        if (xx + yy > 4) {
            break;
        }
        y = 2 * x * y + cy;
        x = xx - yy + cx;
    }
    return turn;
}

void set_colours() {
    for (int i = 0; i < most_turns; ++i) {
        const auto part = static_cast<uint8_t>(i * 63 / most_turns);
        vga::set_colour(static_cast<uint8_t>(i), part, static_cast<uint8_t>(part * part / 63),
                        static_cast<uint8_t>(32 + part / 2));
    }
    vga::set_colour(most_turns, 0, 0, 0);
}

uint32_t crc_of_picture() {
    uint32_t crc = ~0u;
    for (int y = 0; y < vga::height; ++y) {
        for (int x = 0; x < vga::width; ++x) {
            crc ^= vga::colour_at(x, y);
            for (int bit = 0; bit < 8; ++bit) {
                crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
            }
        }
    }
    return ~crc;
}

} // namespace

uint32_t draw_mandelbrot() {
    set_colours();
    for (int y = 0; y < vga::height; ++y) {
        for (int x = 0; x < vga::width; ++x) {
            const long double cx = -2.2L + 3.2L * x / vga::width;
            const long double cy = -1.0L + 2.0L * y / vga::height;
            vga::plot(x, y, static_cast<uint8_t>(turns(cx, cy)));
        }
    }
    return crc_of_picture();
}

} // namespace demo
