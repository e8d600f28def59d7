// What two machines differ in: everything that a program can see of a processor, of memory and of the chips.
#pragma once

#include "tests/random/machine.hpp"

#include <string>
#include <vector>

namespace truering::random_test {

struct Difference {
    std::string name, reference, other;
};
using Differences = std::vector<Difference>;

[[nodiscard]] Differences differences_of_processors(const Machine& reference, const Machine& other);
[[nodiscard]] Differences differences_of_memory(Machine& reference, Machine& other); // the first few places

} // namespace truering::random_test
