#include "machine/text_pattern.hpp"

// GCC 12 with sanitizers sees an uninitialised function object in the header, where there is none (its bug 105562).
#pragma GCC diagnostic push
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <regex>

namespace truering {

struct TextPattern::Compiled {
    std::regex regex;
};

TextPattern::TextPattern(const std::string& expression) : compiled_(std::make_unique<Compiled>()) {
    try {
        compiled_->regex.assign(expression, std::regex::ECMAScript | std::regex::optimize);
    } catch (const std::regex_error& error) {
        throw Error("'" + expression + "' is no regular expression: " + error.what());
    }
}

TextPattern::TextPattern(TextPattern&& other) noexcept = default;
TextPattern& TextPattern::operator=(TextPattern&& other) noexcept = default;
TextPattern::~TextPattern() = default;

bool TextPattern::found_in(const std::string& line) const {
    try {
        return std::regex_search(line, compiled_->regex);
    } catch (const std::regex_error&) {
        return false;
    }
}

} // namespace truering

#pragma GCC diagnostic pop
