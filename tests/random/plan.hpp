// All that a run of a random program follows from: made from a seed, and the same for both processors.
#pragma once

#include "cpu/segment.hpp"
#include "tests/random/program.hpp"

#include <string>

namespace truering::random_test {

enum class Paging : u8 {
    Off,
    Identity, // the low memory at its own addresses, with holes
    Aliases,  // every linear address has a page: the data, over and over
};

// The state in which the program begins.
struct Setup {
    u64 data_seed = 0; // of memory
    u32 gpr[8] = {};
    u32 eflags = 2;
    u16 fpu_control = 0x037F;
    u32 mxcsr = 0x1F80;
    Paging paging = Paging::Off;
    u8 cpl = 0;
    u32 cr0 = 0, cr4 = 0; // bits beyond what the setup itself needs
    Segment segment[6];   // attributes, base, limit; selectors follow from the GDT
};

struct Plan {
    u64 seed = 0;
    std::string kind; // for people
    Setup setup;
    Program program;
    u64 instructions = 0; // to be run
};

struct PlanOptions {
    std::vector<std::string> left_out; // no rows whose encoding begins so
};

[[nodiscard]] Plan make_plan(u64 seed, const PlanOptions& options);

} // namespace truering::random_test
