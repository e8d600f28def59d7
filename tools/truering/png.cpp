#include "tools/truering/png.hpp"

#include <fmt/format.h>
#include <png.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace truering {

void write_png(const std::string& path, const Frame& frame) {
    std::vector<u8> rgb;
    rgb.reserve(frame.pixels.size() * 3);
    for (const u32 pixel : frame.pixels)
        for (const unsigned shift : {16u, 8u, 0u}) rgb.push_back(static_cast<u8>(pixel >> shift));

    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = frame.width;
    image.height = frame.height;
    image.format = PNG_FORMAT_RGB;
    errno = 0;
    if (png_image_write_to_file(&image, path.c_str(), 0, rgb.data(), 0, nullptr) == 0)
        throw PngError(fmt::format("{}: {}", path, errno != 0 ? std::strerror(errno) : image.message));
}

} // namespace truering
