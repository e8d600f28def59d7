#include "tools/truering/values.hpp"

#include "tools/truering/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace truering {

namespace {

// A decimal number, perhaps with a fraction or an exponent, and what stands behind it.
std::pair<double, std::string> number_and_suffix(const std::string& text, std::string_view what) {
    size_t used = 0;
    double value = 0;
    const bool plain = !text.empty() && (std::isdigit(static_cast<unsigned char>(text[0])) != 0 || text[0] == '.');
    try {
        if (plain) value = std::stod(text, &used);
    } catch (const std::exception&) {
        used = 0;
    }
    if (used == 0 || !std::isfinite(value)) throw UsageError(fmt::format("'{}' is no {}", text, what));
    return {value, text.substr(used)};
}

u64 scaled(const std::string& text, double value, double factor, std::string_view what) {
    const double result = value * factor;
    if (result < 0 || result >= 9.2e18) throw UsageError(fmt::format("'{}' is too large for {}", text, what));
    return static_cast<u64>(std::llround(result));
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

} // namespace

u64 parse_memory(const std::string& text) {
    constexpr std::string_view what = "memory size (64, 512M, 1G)";
    const auto [value, suffix] = number_and_suffix(text, what);
    const std::string unit = lower(suffix);
    double factor = 0;
    if (unit == "k" || unit == "kib" || unit == "kb") factor = 1024.0;
    if (unit.empty() || unit == "m" || unit == "mib" || unit == "mb") factor = 1024.0 * 1024;
    if (unit == "g" || unit == "gib" || unit == "gb") factor = 1024.0 * 1024 * 1024;
    if (factor == 0) throw UsageError(fmt::format("'{}' is no {}", text, what));
    const u64 bytes = scaled(text, value, factor, what);
    constexpr u64 least = u64{1} << 20, most = u64{3584} << 20;
    if (bytes < least || bytes > most)
        throw UsageError(fmt::format("'{}' of memory: a machine can have 1M to 3584M", text));
    return bytes & ~u64{page_size - 1};
}

u64 parse_count(const std::string& text) {
    constexpr std::string_view what = "count (1000000, 5e9, 10M)";
    const auto [value, suffix] = number_and_suffix(text, what);
    double factor = 0;
    if (suffix.empty()) factor = 1;
    if (suffix == "k" || suffix == "K") factor = 1e3;
    if (suffix == "M") factor = 1e6;
    if (suffix == "G") factor = 1e9;
    if (factor == 0) throw UsageError(fmt::format("'{}' is no {}", text, what));
    return scaled(text, value, factor, what);
}

double parse_seconds(const std::string& text) {
    constexpr std::string_view what = "duration (60s, 200ms, 2m, 1h)";
    const auto [value, suffix] = number_and_suffix(text, what);
    if (suffix.empty() || suffix == "s") return value;
    if (suffix == "ms") return value / 1000;
    if (suffix == "us") return value / 1e6;
    if (suffix == "m" || suffix == "min") return value * 60;
    if (suffix == "h") return value * 3600;
    throw UsageError(fmt::format("'{}' is no {}", text, what));
}

u64 parse_number(const std::string& text, u64 largest) {
    const bool hex = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    u64 value = 0;
    const char* first = text.data() + (hex ? 2 : 0);
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(first, last, value, hex ? 16 : 10);
    if (error != std::errc() || end != last || first == last || value > largest)
        throw UsageError(fmt::format("'{}' is no number from 0 to {:#x}", text, largest));
    return value;
}

bool parse_switch(const std::string& text) {
    const std::string word = lower(text);
    if (word == "on" || word == "yes" || word == "true" || word == "1") return true;
    if (word == "off" || word == "no" || word == "false" || word == "0") return false;
    throw UsageError(fmt::format("'{}' is neither on nor off", text));
}

When parse_when(const std::string& text) {
    When when;
    if (text == "exit") {
        when.kind = When::Kind::Exit;
    } else if (text.rfind("text:", 0) == 0 && text.size() > 5) {
        when.kind = When::Kind::Text;
        when.text = text.substr(5);
    } else if (text.size() > 1 && text.back() == 'i') {
        when.kind = When::Kind::Instructions;
        when.instructions = parse_count(text.substr(0, text.size() - 1));
    } else {
        const double seconds = parse_seconds(text);
        when.time = scaled(text, seconds, 1e9, "moment");
    }
    return when;
}

std::pair<std::string, When> split_when(const std::string& text, const When& otherwise) {
    // A regular expression may hold an @ itself, so "@text:" is looked for first.
    if (const size_t mark = text.rfind("@text:"); mark != std::string::npos && mark + 6 < text.size())
        return {text.substr(0, mark), parse_when(text.substr(mark + 1))};
    const size_t mark = text.rfind('@');
    if (mark == std::string::npos) return {text, otherwise};
    try {
        return {text.substr(0, mark), parse_when(text.substr(mark + 1))};
    } catch (const UsageError&) {
        return {text, otherwise}; // an @ in the text itself
    }
}

std::vector<KeyValue> split_list(const std::string& text) {
    std::vector<KeyValue> result(1);
    bool in_value = false;
    for (size_t i = 0; i < text.size(); ++i) {
        KeyValue& pair = result.back();
        const bool doubled = text[i] == ',' && i + 1 < text.size() && text[i + 1] == ',';
        if (text[i] == ',' && !doubled) {
            result.emplace_back();
            in_value = false;
        } else if (text[i] == '=' && !in_value) {
            pair.has_value = in_value = true;
        } else {
            (in_value ? pair.value : pair.key) += text[i];
            if (doubled) ++i;
        }
    }
    return result;
}

u64 parse_date(const std::string& text) {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, used = 0;
    const int fields = std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &used);
    std::string rest = fields == 3 ? text.substr(static_cast<size_t>(used)) : "?";
    if (!rest.empty() && (rest[0] == 'T' || rest[0] == ' ')) {
        int time_used = 0;
        if (std::sscanf(rest.c_str() + 1, "%2d:%2d:%2d%n", &hour, &minute, &second, &time_used) == 3)
            rest = rest.substr(static_cast<size_t>(time_used) + 1);
    }
    if (rest == "Z") rest.clear();
    const bool right = rest.empty() && year >= 1980 && year <= 2099 && month >= 1 && month <= 12 && day >= 1 &&
                       day <= 31 && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
    if (!right)
        throw UsageError(fmt::format("'{}' is no date from 1980 to 2099 (2000-01-01, 2000-01-01T12:00:00, now)", text));
    // Days since 1970 in the Gregorian calendar, years counted from March.
    const int y = month <= 2 ? year - 1 : year;
    const int m = (month + 9) % 12;
    const i64 days = i64{365} * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719'468;
    return static_cast<u64>(days * 86'400 + hour * 3'600 + minute * 60 + second);
}

} // namespace truering
