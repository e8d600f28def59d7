// Random programs on the interpreter and on the translator, compared exactly. See README.md.
#include "tests/random/minimise.hpp"
#include "tests/random/row_groups.hpp"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <string>

using namespace truering;
using namespace truering::random_test;

namespace {

struct Options {
    u64 seed = 1, programs = 400;
    u64 at_least_translated = 0; // instructions, or the test fails
    std::size_t code_bytes = 0;
    unsigned differences = 1; // that end the run
    std::string items;        // of one program: these alone
    PlanOptions plan{};
    bool every_row = false; // the test fails where a row that is made was never executed
    bool all_rows_listed = false;
};

constexpr const char* usage = R"(test_random [OPTION...]
  --seed N         the first program's number (1)
  --programs M     how many (400)
  --code-bytes N   memory for translations (as much as the translator takes by itself)
  --translated N   fail if fewer instructions than this were executed in translated code
  --every-row      fail if a row of the instruction table that programs are made of was never executed
  --differences N  go on until so many programs differed (1)
  --without TEXT   no instructions whose encoding begins so ("82", "66 0F 71"); may be given several times
  --items A,B,...  of the program --seed, only these items
  --rows           list the rows that were never executed, also those that are not made
)";

[[noreturn]] void refuse(const char* word) {
    std::fprintf(stderr, "what is \"%s\"?\n%s", word, usage);
    std::exit(2);
}

Options read_options(int argc, char** argv) {
    Options o;
    for (int n = 1; n < argc; ++n) {
        const std::string_view word = argv[n];
        if (word == "--every-row") {
            o.every_row = true;
            continue;
        }
        if (word == "--rows") {
            o.all_rows_listed = true;
            continue;
        }
        if (++n == argc) refuse(argv[n - 1]);
        if (word == "--items") {
            o.items = argv[n];
            continue;
        }
        if (word == "--without") {
            o.plan.left_out.emplace_back(argv[n]);
            continue;
        }
        u64 number = 0;
        const char* const end = argv[n] + std::strlen(argv[n]);
        if (std::from_chars(argv[n], end, number).ptr != end) refuse(argv[n]);
        if (word == "--seed")
            o.seed = number;
        else if (word == "--programs")
            o.programs = number;
        else if (word == "--code-bytes")
            o.code_bytes = number;
        else if (word == "--translated")
            o.at_least_translated = number;
        else if (word == "--differences")
            o.differences = static_cast<unsigned>(number);
        else
            refuse(argv[n - 1]);
    }
    return o;
}

struct Totals {
    u64 instructions = 0, translated = 0, shutdowns = 0;
    u64 faults[32] = {};
    std::vector<u64> coverage = std::vector<u64>(row_count);

    void add(const SessionResult& r) {
        instructions += r.instructions;
        translated += r.translated;
        shutdowns += r.shut_down;
        for (unsigned n = 0; n < std::size(faults); ++n) faults[n] += r.faults[n];
        for (unsigned n = 0; n < row_count; ++n) coverage[n] += r.coverage[n];
    }
};

// How many rows that programs are made of were never executed; prints them.
unsigned report_rows(const Totals& totals, const Options& options) {
    unsigned made = 0, missing = 0;
    for (unsigned n = 0; n < row_count; ++n) {
        const bool is_made = group_of(n) != RowGroup::Unused;
        made += is_made;
        if (totals.coverage[n] != 0) continue;
        missing += is_made;
        if (is_made || options.all_rows_listed)
            fmt::print("never executed{}: {} {}\n", is_made ? "" : ", not made", isa[n].encoding, isa[n].mnemonic);
    }
    fmt::print("{} rows of {} are made, {} of them were executed\n", made, row_count, made - missing);
    return missing;
}

std::vector<bool> kept_items(const Program& program, const std::string& list) {
    std::vector<bool> kept(program.items.size(), list.empty());
    for (const char *at = list.data(), *end = at + list.size(); at < end; ++at) {
        std::size_t number = 0;
        at = std::from_chars(at, end, number).ptr;
        if (number < kept.size()) kept[number] = true;
    }
    return kept;
}

} // namespace

int main(int argc, char** argv) {
    const Options options = read_options(argc, argv);
    const SessionOptions session{options.code_bytes};
    Totals totals;
    unsigned differing = 0;
    for (u64 seed = options.seed; seed < options.seed + options.programs && differing < options.differences; ++seed) {
        const Plan plan = make_plan(seed, options.plan);
        const std::vector<bool> kept = kept_items(plan.program, options.items);
        const Image image = lay_out(plan.program, kept);
        SessionResult result = run_session(plan, image, session);
        totals.add(result);
        if (result.differences.empty()) continue;
        ++differing;
        const bool is_small = !options.items.empty();
        fmt::print("{}\n", describe(plan, is_small ? SmallDifference{kept, image, std::move(result)}
                                                   : minimise(plan, session)));
        std::fflush(stdout);
    }
    const unsigned missing = report_rows(totals, options);
    fmt::print("{} instructions, {} of them in translated code; {} programs shut the processor down; faults by vector:",
               totals.instructions, totals.translated, totals.shutdowns);
    for (unsigned n = 0; n < std::size(totals.faults); ++n)
        if (totals.faults[n] != 0) fmt::print(" {}:{}", n, totals.faults[n]);
    fmt::print("\n");
    if (totals.translated < options.at_least_translated) fmt::print("too few of them in translated code\n");
    const bool too_few = totals.translated < options.at_least_translated || (options.every_row && missing != 0);
    return differing != 0 || too_few ? 1 : 0;
}
