// "Did you mean ...?": the name of a list that is nearest to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace truering {

// The fewest insertions, deletions, replacements and swaps of neighbours that turn one into the other.
unsigned edit_distance(std::string_view from, std::string_view to);

// Empty when none is near enough to be meant.
std::string nearest_name(std::string_view wrong, const std::vector<std::string>& names);

// "; did you mean 'NAME'?", or nothing.
std::string suggestion(std::string_view wrong, const std::vector<std::string>& names);

} // namespace truering
