#include "tools/truering/display.hpp"
#include <stdexcept>
namespace truering {
std::unique_ptr<Display> open_window(const std::string&, bool) { throw std::runtime_error("no window yet"); }
std::unique_ptr<Display> open_terminal_display() { throw std::runtime_error("no terminal display yet"); }
} // namespace truering
