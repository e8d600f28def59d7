// A picture: what a display shows at one moment.
#pragma once

#include "base/types.hpp"

#include <vector>

namespace truering {

struct Frame {
    u32 width = 0;
    u32 height = 0;
    std::vector<u32> pixels; // rows from the top, each from the left, 00RRGGBBH

    void resize(u32 new_width, u32 new_height) {
        width = new_width;
        height = new_height;
        pixels.resize(size_t{new_width} * new_height);
    }
    [[nodiscard]] u32* row(u32 y) { return pixels.data() + size_t{y} * width; }
    [[nodiscard]] u32 at(u32 x, u32 y) const { return pixels[size_t{y} * width + x]; }
};

} // namespace truering
