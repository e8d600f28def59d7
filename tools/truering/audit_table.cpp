#include "tools/truering/audit_table.hpp"

#include <fmt/format.h>

#include <map>
#include <sstream>
#include <vector>

namespace truering {

namespace {

struct Line {
    std::string instruction, outcome, seen, expected, exit, meaning;
};

// "AUDIT SETTING INSTRUCTION OUTCOME sees X expects Y [exit REASON] MEANING"
bool read(const std::string& text, Line& line) {
    std::istringstream words(text);
    std::string word;
    if (!(words >> word) || word != "AUDIT") return false;
    words >> word >> line.instruction >> line.outcome >> word >> line.seen >> word >> line.expected;
    while (words >> word)
        if (word == "exit" && line.meaning.empty())
            words >> line.exit;
        else
            line.meaning += (line.meaning.empty() ? "" : " ") + word;
    return !line.expected.empty();
}

std::string cell(const Line& line) {
    if (line.outcome == "traps") return "traps";
    if (line.outcome == "right") return line.exit.empty() ? "right" : "right (exit)";
    return "WRONG: " + line.seen;
}

} // namespace

std::string audit_table(std::span<const AuditRun> runs) {
    std::vector<Line> rows; // of the first run: order, meaning
    std::map<std::string, std::vector<std::string>> cells;
    for (const AuditRun& run : runs) {
        std::istringstream text(run.words);
        for (std::string one; std::getline(text, one);) {
            Line line;
            if (!read(one, line) || line.meaning.empty()) continue; // a control
            if (&run == &runs.front()) rows.push_back(line);
            cells[line.instruction].push_back(cell(line));
        }
    }
    std::string table = fmt::format("{:6} {:34} {:9}", "", "what the kernel looks at", "expected");
    for (const AuditRun& run : runs) table += fmt::format(" {:16}", run.heading);
    table += "\n";
    for (const Line& row : rows) {
        table += fmt::format("{:6} {:34} {:9}", row.instruction, row.meaning, row.expected);
        for (const std::string& one : cells[row.instruction]) table += fmt::format(" {:16}", one);
        table += "\n";
    }
    return table;
}

} // namespace truering
