// In what do two machines differ? Everything that a program could ever see of the processor, and the memory.
//
// Not compared: what caches hold (TLB, decoded blocks, translations) and the flags' inner form, which have no meaning
// of their own; and the chips, whose differences come out as soon as the processor or the memory sees them.
#pragma once

#include "machine/pc.hpp"

#include <string>
#include <vector>

namespace truering {

struct Difference {
    std::string name; // "eax", "memory 00001000"
    std::string first, second;
};
using Differences = std::vector<Difference>;

// Between two runs of the processor.
[[nodiscard]] Differences differences_of_processors(const Pc& first, const Pc& second);
// RAM and video memory; the first few places.
[[nodiscard]] Differences differences_of_memory(Pc& first, Pc& second);

// "eax: 00000001, 00000002; ...", the first of them.
[[nodiscard]] std::string in_short(const Differences& differences);

} // namespace truering
