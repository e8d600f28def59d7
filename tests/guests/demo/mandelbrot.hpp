// A picture that takes some arithmetic: the Mandelbrot set, computed by the x87 unit.
#pragma once

#include <stdint.h>

namespace demo {

uint32_t draw_mandelbrot(); // in mode 13H; returns a CRC-32 of the picture, the same on every correct machine

} // namespace demo
