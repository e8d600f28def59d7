// From the words of a command line to Settings.
//
// Boost.Program_options does the parsing in strict GNU style: no guessing of abbreviations, no implicit values. QEMU's
// spellings are rewritten before. A configuration file holds the same options as lines of `name = value`; what the
// command line says comes after it and so wins, or is added where an option may be repeated.
#pragma once

#include "tools/truering/settings.hpp"
#include "tools/truering/values.hpp"

#include <string>
#include <vector>

namespace truering {

// Throws UsageError. `words` are the arguments behind the program's name (and subcommand).
Settings parse_options(const std::vector<std::string>& words);

// The options of `words`, a line each, as a configuration file has them.
std::string dump_config(const std::vector<std::string>& words);

std::string help_text();

} // namespace truering
