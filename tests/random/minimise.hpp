// A difference made small: items are taken out of the program while the engines still differ.
#pragma once

#include "tests/random/session.hpp"

namespace truering::random_test {

struct SmallDifference {
    std::vector<bool> kept; // of the program's items
    Image image;
    SessionResult result;
};

[[nodiscard]] SmallDifference minimise(const Plan& plan, const SessionOptions& options);

// The program, the registers it began with and the fields that differ, in a form fit for a test.
[[nodiscard]] std::string describe(const Plan& plan, const SmallDifference& difference);

} // namespace truering::random_test
