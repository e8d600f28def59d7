// A picture as a PNG file.
#pragma once

#include "devices/frame.hpp"

#include <stdexcept>
#include <string>

namespace truering {

class PngError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Throws PngError when the file cannot be written.
void write_png(const std::string& path, const Frame& frame);

} // namespace truering
