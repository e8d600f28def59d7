// docs/claims.md against docs/v32.md and the sources, and the coverage of the contract by names of checks: each
// section, each exit reason, each control and each check of 7.1 is named by a check of the images here.
//
// A check's name is a string literal in a file of this folder that begins with the number of its section: "7.1/8 ...".
#include <cctype>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

const fs::path root = TRUERING_SOURCE_DIR;

std::string text_of(const fs::path& path) {
    std::ifstream file(root / path);
    EXPECT_TRUE(file) << path << " cannot be read";
    return {std::istreambuf_iterator<char>(file), {}};
}

Strings lines_of(const fs::path& path) {
    Strings lines;
    std::istringstream text(text_of(path));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

Strings all_matches(const std::string& text, const std::regex& pattern) {
    Strings found;
    for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) found.push_back((*it)[1]);
    return found;
}

// Literals that the compiler joins are joined.
std::set<std::string> read_names_of_checks() {
    static const std::regex joined(R"("\s*\n\s*")"), name("\"([0-9][0-9.]*/[^\"\n]*)\"");
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(root / "tests/v32")) {
        if (entry.path().extension() != ".cpp" || entry.path().stem() == "claims_test") continue;
        const std::string text = std::regex_replace(text_of(fs::relative(entry.path(), root)), joined, "");
        for (std::string& found : all_matches(text, name)) names.insert(std::move(found));
    }
    return names;
}

const std::set<std::string>& names_of_checks() {
    static const std::set<std::string> names = read_names_of_checks();
    return names;
}

// Cells of the rows of a table whose header has `first` as its first cell.
std::vector<Strings> table(const fs::path& path, const std::string& first) {
    std::vector<Strings> rows;
    bool inside = false;
    for (const std::string& line : lines_of(path)) {
        if (line.rfind("| ", 0) != 0) {
            inside = inside && line.rfind("|---", 0) == 0;
            continue;
        }
        static const std::regex cell(R"(\|\s*([^|]*[^|\s])\s*(?=\|))");
        Strings cells = all_matches(line, cell);
        if (inside)
            rows.push_back(std::move(cells));
        else
            inside = !cells.empty() && cells[0] == first;
    }
    return rows;
}

std::vector<Strings> claims() { return table("docs/claims.md", "claim"); }

bool is_word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool has_word(const std::string& text, const std::string& word) {
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        const size_t end = at + word.size();
        const bool begins = at == 0 || !is_word_character(text[at - 1]);
        const bool ends = end == text.size() || !is_word_character(text[end]);
        if (begins && ends) return true;
    }
    return false;
}

bool some_check_names(const std::string& word) {
    for (const std::string& name : names_of_checks())
        if (has_word(name, word)) return true;
    return false;
}

bool some_check_begins(const std::string& beginning) {
    const std::set<std::string>& names = names_of_checks();
    const auto it = names.lower_bound(beginning);
    return it != names.end() && it->rfind(beginning, 0) == 0;
}

// The names of an enumeration in base/control_area.h, by its first line.
Strings enumerators(const std::string& beginning) {
    const std::string text = text_of("base/control_area.h");
    const size_t at = text.find(beginning), end = text.find("};", at);
    EXPECT_NE(at, std::string::npos) << beginning;
    static const std::regex name(R"(\n\s+([A-Za-z_0-9]+) =)");
    return all_matches(text.substr(at, end - at), name);
}

} // namespace

TEST(Claims, EachClaimOfTheContractHasItsRow) {
    const std::vector<Strings> contract = table("docs/v32.md", "claim"), rows = claims();
    ASSERT_GE(contract.size(), 15u);
    ASSERT_EQ(rows.size(), contract.size());
    for (size_t n = 0; n < contract.size(); ++n) EXPECT_EQ(rows[n].at(0), contract[n].at(0));
}

TEST(Claims, EachRowHasAllItsParts) {
    for (const Strings& row : claims()) EXPECT_EQ(row.size(), 5u) << row.at(0);
}

TEST(Claims, FilesAndFunctionsExist) {
    static const std::regex place(R"(`([^`]+)`:((?: `[^`]+`,?)+))"), function(R"(`([^`]+)`)");
    for (const Strings& row : claims()) {
        size_t places = 0;
        const std::string& code = row.at(2);
        for (std::sregex_iterator it(code.begin(), code.end(), place), end; it != end; ++it, ++places) {
            const std::string file = (*it)[1];
            ASSERT_TRUE(fs::exists(root / file)) << row[0] << ": " << file;
            const std::string text = text_of(file);
            for (const std::string& name : all_matches((*it)[2], function))
                EXPECT_TRUE(has_word(text, name)) << row[0] << ": " << file << " has no " << name;
        }
        EXPECT_GE(places, 1u) << row[0];
    }
}

TEST(Claims, ChecksExist) {
    static const std::regex quoted("\"([^\"]+)\"");
    const std::set<std::string>& names = names_of_checks();
    for (const Strings& row : claims()) {
        const Strings checks = all_matches(row.at(3), quoted);
        EXPECT_GE(checks.size(), 1u) << row[0];
        for (const std::string& check : checks) EXPECT_TRUE(names.count(check)) << row[0] << ": no check " << check;
    }
}

TEST(Claims, CommandsNameWhatExists) {
    static const std::regex image(R"(build/release/tests/v32/([^ `]+)\.elf)");
    for (const Strings& row : claims())
        for (const std::string& name : all_matches(row.at(4), image))
            EXPECT_TRUE(fs::exists(root / "tests/v32" / (name + ".cpp"))) << row[0] << ": " << name;
    EXPECT_TRUE(fs::exists(root / "tests/v32/run"));
}

TEST(Coverage, EachSectionHasAChecksNamedAfterIt) {
    static const std::regex heading(R"(^#+ ([2-8](\.[0-9]+)?)\.? .*)");
    size_t sections = 0;
    for (const std::string& line : lines_of("docs/v32.md")) {
        std::smatch match;
        if (!std::regex_match(line, match, heading)) continue;
        ++sections;
        EXPECT_TRUE(some_check_begins(match.str(1) + "/")) << line;
    }
    EXPECT_GE(sections, 13u); // 2 to 8, 4.1 to 4.5, 7.1
}

TEST(Coverage, EachExitReasonIsInACheck) {
    const Strings reasons = enumerators("enum class Reason");
    ASSERT_EQ(reasons.size(), 26u); // None and 25
    for (const std::string& reason : reasons) EXPECT_TRUE(reason == "None" || some_check_names(reason)) << reason;
}

TEST(Coverage, EachControlIsInACheck) {
    Strings controls = enumerators("enum Controls");
    ASSERT_EQ(controls.size(), 12u); // and controls_all
    for (const std::string& control : controls)
        EXPECT_TRUE(control == "controls_all" || some_check_names(control)) << control;
    for (const char* policy : {"TRAP", "SHADOW", "DIRECT"}) EXPECT_TRUE(some_check_names(policy)) << policy;
}

TEST(Coverage, EachCheckOfEntryIsInACheck) {
    for (int n = 1; n <= 14; ++n) {
        const std::string beginning = fmt::format("7.1/{} ", n);
        EXPECT_TRUE(some_check_begins(beginning)) << beginning;
    }
}
