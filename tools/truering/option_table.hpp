// The one table of options: from it come parsing, --help, the nearest-name hints, and what a configuration file and
// --dump-config know.
#pragma once

#include "tools/truering/settings.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace truering {

struct OptionRow {
    std::string_view topic; // heading in --help
    std::string_view name;  // without dashes
    char letter;            // 0: none
    std::string_view value; // placeholder; empty: a switch without a value; "[=X]": one only in the same word
    std::string_view help;
    void (*apply)(Settings& settings, const std::string& value); // throws UsageError

    // Without its value it means the value "on", and the next word is left alone.
    [[nodiscard]] bool takes_value_only_glued() const { return value.starts_with('['); }
};

std::span<const OptionRow> option_table();
const OptionRow* find_option(std::string_view name);
std::vector<std::string> option_names();

} // namespace truering
