// hardware_tests FOLDER [FILE...] - runs the captured tests of a folder, or of some of its files, and says what
// differs. Exit status 0: all passed; 1: some did not; 2: the folder cannot be read.
#include "tests/hardware/runner.hpp"

#include "decoder/isa.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/ranges.h>
#include <fstream>
#include <memory>
#include <set>

namespace {

using namespace truering;

struct Tally {
    u64 passed = 0, failed = 0, explained = 0;
};

// "processor file test" of every explained test.
using Explained = std::set<std::string>;

Explained read_explained(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot open " + path);
    Explained explained;
    for (std::string line; std::getline(file, line);)
        if (const auto colon = line.find(" : "); !line.starts_with("#") && colon != std::string::npos)
            explained.insert(line.substr(0, colon));
    return explained;
}

std::unique_ptr<TestRunner> runner_for(const std::string& cpu) {
    if (cpu == "C286") return std::make_unique<RealModeRunner>();
    if (cpu == "ZEN4") return std::make_unique<UserModeRunner>();
    throw std::runtime_error("no runner for processor '" + cpu + "'");
}

Tally run_file(const std::filesystem::path& path, const Explained& explained, std::unique_ptr<TestRunner>& runner) {
    const moo::File file = moo::read(path.string());
    if (runner == nullptr) runner = runner_for(file.cpu);
    Tally tally;
    for (const moo::Test& test : file.tests) {
        std::string differences = runner->run(file, test);
        if (explained.contains(fmt::format("{} {} {}", file.cpu, path.filename().string(), test.index))) {
            ++tally.explained;
            if (!differences.empty()) continue;
            differences = " no longer differs, and must leave the list of explained tests";
        }
        if (differences.empty()) {
            ++tally.passed;
            continue;
        }
        if (tally.failed++ < 3)
            fmt::print("{} #{} {} [{:02X}]:{}\n", path.filename().string(), test.index, test.name,
                       fmt::join(test.bytes, " "), differences);
    }
    if (tally.failed != 0)
        fmt::print("{}: {} of {} failed\n", path.filename().string(), tally.failed, file.tests.size());
    return tally;
}

void write_coverage(const char* folder, const std::string& set, const std::vector<u64>& counts) {
    std::ofstream file(std::filesystem::path(folder) / (set + ".coverage"));
    for (size_t row = 0; row < counts.size(); ++row)
        file << isa[row].encoding << '\t' << isa[row].mnemonic << '\t' << counts[row] << '\n';
}

std::vector<std::filesystem::path> files_of(int argc, char** argv) {
    std::vector<std::filesystem::path> files;
    const std::filesystem::path folder = argv[2];
    for (int n = 3; n < argc; ++n) files.push_back(folder / argv[n]);
    if (files.empty())
        for (const auto& entry : std::filesystem::directory_iterator(folder))
            if (entry.path().extension() == ".gz") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        fmt::print(stderr, "usage: hardware_tests EXPLAINED FOLDER [FILE...]\n");
        return 2;
    }
    try {
        Tally total;
        std::unique_ptr<TestRunner> runner;
        const Explained explained = read_explained(argv[1]);
        const auto files = files_of(argc, argv);
        for (const auto& path : files) {
            const Tally tally = run_file(path, explained, runner);
            total.passed += tally.passed;
            total.failed += tally.failed;
            total.explained += tally.explained;
        }
        if (const char* const wanted = std::getenv("TRUERING_COVERAGE"); wanted != nullptr && runner != nullptr)
            write_coverage(wanted, std::filesystem::path(argv[2]).filename().string(), runner->coverage());
        fmt::print("{} files, {} tests differ as explained\n{} passed, {} failed\n", files.size(), total.explained,
                   total.passed, total.failed);
        return total.failed == 0 && total.passed != 0 ? 0 : 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "hardware_tests: {}\n", error.what());
        return 2;
    }
}
