// The arrows of docs/architecture.md, checked: every #include of every room is looked at, and an arrow that the picture
// does not have fails. So do libraries outside their rooms.
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

const fs::path root = TRUERING_SOURCE_DIR;

// What a room may include besides itself.
const std::map<std::string, std::set<std::string>> allowed_rooms = {
    {"base", {}},
    {"memory", {"base"}},
    {"decoder", {"base"}},
    {"cpu", {"base", "memory", "decoder"}},
    {"jit", {"base", "memory", "decoder", "cpu"}},
    {"devices", {"base", "memory"}},
    {"machine", {"base", "memory", "decoder", "cpu", "jit", "devices"}},
    {"tools", {"base", "memory", "decoder", "cpu", "jit", "devices", "machine"}},
    {"vmm", {"base"}}, // a guest of the machine: it shares the contract of the mode, and no code
};

// Where a library's headers may be included, by the beginning of the header's name.
const std::map<std::string, std::set<std::string>> allowed_libraries = {
    {"SDL", {"tools"}},   {"boost/program_options", {"tools"}}, {"capstone", {"tools"}},
    {"png.h", {"tools"}}, {"zlib.h", {"machine", "tools"}},     {"xbyak", {"jit"}},
};

// A chip model knows no host (docs/architecture.md): none of these in devices/. (A calendar is no clock: <chrono> may.)
const std::set<std::string> host_headers = {"ctime",  "filesystem", "fstream",  "iostream", "mutex",
                                            "thread", "random",     "unistd.h", "cstdio"};

// Headers that the VMM compiles freestanding, for 32 bits: C headers and their like alone.
const std::set<std::string> freestanding = {"base/types.hpp",      "base/bits.hpp",    "base/control_area.h",
                                            "memory/line.hpp",     "memory/clock.hpp", "devices/pic_8259.hpp",
                                            "devices/pit_8254.hpp"};
const std::set<std::string> freestanding_headers = {"stddef.h", "stdint.h"};

struct Include {
    std::string file; // of the includer, relative to the root
    std::string name;
    bool quoted;
};

template <class Visit> void for_each_include(const std::string& room, Visit visit) {
    static const std::regex pattern(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
    if (!fs::exists(root / room)) return;
    for (const auto& entry : fs::recursive_directory_iterator(root / room)) {
        const std::string extension = entry.path().extension().string();
        if (extension != ".hpp" && extension != ".cpp" && extension != ".h") continue;
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);) {
            std::smatch match;
            if (std::regex_search(line, match, pattern))
                visit(Include{fs::relative(entry.path(), root).string(), match[2], match[1] == "\""});
        }
    }
}

TEST(Layering, RoomsIncludeOnlyWhatTheArrowsAllow) {
    unsigned seen = 0;
    for (const auto& [room, others] : allowed_rooms) {
        for_each_include(room, [&](const Include& include) {
            ++seen;
            if (!include.quoted) return;
            const std::string target = include.name.substr(0, include.name.find('/'));
            EXPECT_TRUE(target == room || others.contains(target))
                << include.file << " includes " << include.name << ": " << room << " may not see " << target;
            EXPECT_TRUE(fs::exists(root / include.name))
                << include.file << " includes " << include.name << ", which is no path from the root";
        });
    }
    EXPECT_GT(seen, 100u) << "the sources were not found";
}

TEST(Layering, LibrariesStayInTheirRooms) {
    for (const auto& [room, others] : allowed_rooms) {
        for_each_include(room, [&, r = room](const Include& include) {
            for (const auto& [library, rooms] : allowed_libraries)
                EXPECT_FALSE(include.name.starts_with(library) && !rooms.contains(r))
                    << include.file << " includes " << include.name;
        });
    }
}

TEST(Layering, ChipModelsKnowNoHost) {
    for_each_include("devices", [&](const Include& include) {
        EXPECT_FALSE(!include.quoted && host_headers.contains(include.name))
            << include.file << " includes " << include.name;
    });
}

TEST(Layering, SharedHeadersAreFreestanding) {
    for (const std::string room : {"base", "memory", "devices"}) {
        for_each_include(room, [&](const Include& include) {
            if (!freestanding.contains(include.file)) return;
            const bool clean = include.quoted || freestanding_headers.contains(include.name);
            EXPECT_TRUE(clean) << include.file << " includes " << include.name << ", which a bare toolchain lacks";
        });
    }
}

} // namespace
