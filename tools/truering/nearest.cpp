#include "tools/truering/nearest.hpp"

#include <algorithm>

namespace truering {

unsigned edit_distance(std::string_view from, std::string_view to) {
    // Optimal string alignment, three rows at a time.
    std::vector<unsigned> before_last(to.size() + 1), last(to.size() + 1), row(to.size() + 1);
    for (size_t j = 0; j <= to.size(); ++j) last[j] = static_cast<unsigned>(j);
    for (size_t i = 1; i <= from.size(); ++i) {
        row[0] = static_cast<unsigned>(i);
        for (size_t j = 1; j <= to.size(); ++j) {
            const unsigned replaced = last[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
            row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        std::swap(before_last, last);
        std::swap(last, row);
    }
    return last[to.size()];
}

std::string nearest_name(std::string_view wrong, const std::vector<std::string>& names) {
    std::string best;
    // A third of the letters may be wrong; a name that the word begins counts as near, too.
    unsigned limit = static_cast<unsigned>(wrong.size()) / 3 + 1;
    for (const std::string& name : names) {
        const bool begun = wrong.size() >= 3 && name.rfind(wrong, 0) == 0;
        const unsigned distance = begun ? 1 : edit_distance(wrong, name);
        if (distance < limit || (distance == limit && best.empty())) {
            limit = distance;
            best = name;
        }
    }
    return best;
}

std::string suggestion(std::string_view wrong, const std::vector<std::string>& names) {
    const std::string name = nearest_name(wrong, names);
    return name.empty() ? "" : "; did you mean '" + name + "'?";
}

} // namespace truering
