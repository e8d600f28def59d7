// A random program run on both engines, in runs of arbitrary length, compared behind each.
#pragma once

#include "tests/random/comparison.hpp"

namespace truering::random_test {

struct SessionOptions {
    std::size_t code_bytes = 0;
};

struct SessionResult {
    Differences differences;
    u64 run = 0;          // the number of the run behind which they were found
    u64 instructions = 0; // executed until then, by the reference
    u64 translated = 0;
    u64 faults[32] = {};       // that the program's handler noted, by vector
    std::vector<u64> coverage; // by row, of the interpreter
    bool shut_down = false;
};

[[nodiscard]] SessionResult run_session(const Plan& plan, const Image& image, const SessionOptions& options);

} // namespace truering::random_test
