#include "tools/truering/prefixed_lines.hpp"

#include "tools/truering/standard_streams.hpp"

#include <fmt/format.h>

namespace truering {

PrefixedLines::~PrefixedLines() {
    if (!line_.empty()) end_line();
    for (const std::string& line : kept_) tell(fmt::format("{}{}\n", prefix_, line));
}

void PrefixedLines::transmit(u8 byte) {
    if (byte == '\n' || line_.size() == longest_line) end_line();
    // A guest may write there too: nothing that a terminal would obey goes through.
    if (byte != '\n' && byte != '\r') line_ += byte >= ' ' && byte < 0x7F ? static_cast<char>(byte) : '.';
}

void PrefixedLines::end_line() {
    if (show_ == Show::AtOnce) {
        tell(fmt::format("{}{}\n", prefix_, line_));
    } else {
        kept_.push_back(line_);
        if (kept_.size() > kept_lines) kept_.pop_front();
    }
    line_.clear();
}

} // namespace truering
