#include "tests/random/row_groups.hpp"

#include <algorithm>
#include <array>

namespace truering::random_test {

namespace {

template <std::size_t n> bool is_one_of(std::string_view name, const std::string_view (&names)[n]) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// They would take the program's surroundings away: tables, paging, segments, privilege, the mode.
constexpr std::string_view unused[] = {
    "MOV_to_seg", "POP_seg",   "LES",   "LDS",      "LSS",     "LFS",      "LGS",    "JMPF", "CALLF",
    "JMPF_M",     "CALLF_M",   "RETF",  "IRET",     "LLDT",    "LTR",      "LGDT",   "LIDT", "LMSW",
    "MOV_to_CR",  "MOV_to_DR", "WRMSR", "SYSENTER", "SYSEXIT", "V32ENTER", "V32CALL"};
constexpr std::string_view events[] = {"UD0", "UD1", "UD2", "INT3", "INT", "INTO", "INT1", "HLT", "BOUND"};
constexpr std::string_view flow[] = {"JMP_E", "CALL_E", "RET"};
constexpr std::string_view system[] = {
    "PUSHF", "POPF",   "CLI",         "STI",         "IN",    "OUT",   "INS",   "OUTS",  "ARPL",         "LAR",
    "LSL",   "SLDT",   "STR",         "VERR",        "VERW",  "SGDT",  "SIDT",  "SMSW",  "INVLPG",       "CLTS",
    "INVD",  "WBINVD", "MOV_from_CR", "MOV_from_DR", "RDMSR", "RDTSC", "RDPMC", "CPUID", "MOV_from_seg", "PUSH_seg"};

bool has(const Row& row, Place place) {
    return std::any_of(std::begin(row.operands), std::end(row.operands),
                       [place](const Operand& o) { return o.place == place; });
}

RowGroup find_group(const Row& row) {
    constexpr u16 x87 = check_fpu | check_fpu_nowait | check_wait;
    if (is_one_of(row.mnemonic, unused)) return RowGroup::Unused;
    if (is_one_of(row.mnemonic, events)) return RowGroup::Event;
    if (is_one_of(row.mnemonic, flow) || has(row, Place::Relative)) return RowGroup::Flow;
    if (is_one_of(row.mnemonic, system)) return RowGroup::System;
    if ((row.attributes.checks & x87) != 0) return RowGroup::X87;
    if ((row.attributes.checks & check_sse) != 0) return RowGroup::Sse;
    if ((row.attributes.checks & check_mmx) != 0) return RowGroup::Mmx;
    if (has(row, Place::StringX) || has(row, Place::StringY)) return RowGroup::String;
    return RowGroup::Integer;
}

} // namespace

RowGroup group_of(unsigned row) { return find_group(isa[row]); }

const std::vector<unsigned>& rows_of(RowGroup group) {
    static const auto groups = [] {
        std::array<std::vector<unsigned>, row_group_count> all;
        for (unsigned row = 0; row < row_count; ++row) all[static_cast<unsigned>(group_of(row))].push_back(row);
        return all;
    }();
    return groups[static_cast<unsigned>(group)];
}

} // namespace truering::random_test
