// The set's iteration, for each file to compile in the floating point that it is for: not shared between them.
#pragma once

#include <stdint.h>

namespace bench {
namespace {

// A turn is 16 points of a line across the set; the sum of their iterations.
template <typename Number> uint32_t mandelbrot(uint32_t turns) {
    constexpr int points = 16, most = 64;
    uint32_t sum = 0;
    while (turns--) {
        const Number cy = static_cast<Number>(0.05) + static_cast<Number>(turns & 63) / 100;
        for (int point = 0; point < points; ++point) {
            const Number cx = static_cast<Number>(point) / 8 - static_cast<Number>(1.5);
            Number x = 0, y = 0;
            for (int i = 0; i < most; ++i) {
                const Number xx = x * x, yy = y * y;
                if (xx + yy > 4) break;
                y = 2 * x * y + cy;
                x = xx - yy + cx;
                ++sum;
            }
        }
    }
    return sum;
}

} // namespace
} // namespace bench
