// Building the index: every row claims the slots that its encoding names; a slot claimed twice does not compile.
#include "decoder/table.hpp"

#include <string_view>

namespace truering {

namespace {

constexpr unsigned max_groups = 256;

struct Encoding {
    unsigned map = 0;
    u8 first = 0, last = 0; // +r: eight opcodes
    bool has_modrm = false;
    bool whole_modrm = false;
    bool ignores_mod = false; // MOV to and from control and debug registers (SDM vol. 2B, MOV)
    u8 prefixes = 0b1111;     // bit n: MandatoryPrefix n
    u8 regs = 0xFF;           // values of ModRM.reg
    unsigned forms = 0x1FF;   // values of rm with mod = 3, and form_memory
};

constexpr unsigned hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    throw "an opcode byte is two hexadecimal digits";
}

constexpr u8 hex_byte(std::string_view text) { return static_cast<u8>(hex_digit(text[0]) * 16 + hex_digit(text[1])); }

constexpr std::string_view next_word(std::string_view& text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    const auto end = text.find(' ') == std::string_view::npos ? text.size() : text.find(' ');
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

// A whole ModRM byte in the encoding ("E8", or "C0+i" for any rm).
constexpr void claim_modrm(Encoding& e, std::string_view word) {
    const u8 modrm = hex_byte(word);
    if (modrm < 0xC0) throw "a ModRM byte in an encoding has mod = 3";
    e.has_modrm = e.whole_modrm = true;
    e.regs = static_cast<u8>(1u << ((modrm >> 3) & 7));
    e.forms = word.size() > 2 ? 0xFFu : 1u << (modrm & 7);
}

constexpr Encoding parse(const Row& row) {
    Encoding e;
    std::string_view rest = row.encoding;
    std::string_view word = next_word(rest);
    const auto mandatory = [&](MandatoryPrefix p) {
        e.prefixes = static_cast<u8>(1u << static_cast<unsigned>(p));
        word = next_word(rest);
    };
    if (word == "NP")
        mandatory(MandatoryPrefix::NP);
    else if (word == "66")
        mandatory(MandatoryPrefix::p66);
    else if (word == "F3")
        mandatory(MandatoryPrefix::pF3);
    else if (word == "F2")
        mandatory(MandatoryPrefix::pF2);
    if (word == "0F" && !rest.empty()) {
        e.map = 1;
        word = next_word(rest);
    }
    e.first = e.last = hex_byte(word);
    if (word.size() > 2) e.last = static_cast<u8>(e.first + 7);
    for (word = next_word(rest); !word.empty(); word = next_word(rest)) {
        if (word == "/r") {
            e.has_modrm = true;
        } else if (word[0] == '/') {
            e.has_modrm = true;
            e.regs = static_cast<u8>(1u << hex_digit(word[1]));
        } else {
            claim_modrm(e, word);
        }
    }
    for (const Operand& operand : row.operands) {
        if (operand.place == Place::Memory) e.forms &= 1u << form_memory;
        if (operand.place != Place::RegisterRm) continue;
        if (operand.file == RegisterFile::General)
            e.ignores_mod = true;
        else
            e.forms &= 0xFF;
    }
    return e;
}

struct Index {
    OpcodeEntry entries[2][256];
    OpcodeGroup groups[max_groups];
    unsigned group_count = 0;

    constexpr Index() : entries{}, groups{} {
        for (const Row& row : isa) claim(static_cast<u16>(&row - isa), parse(row));
    }

    static constexpr bool everything(const Encoding& e) {
        return e.prefixes == 0b1111 && e.regs == 0xFF && e.forms == 0x1FF;
    }

    constexpr void claim(u16 row, const Encoding& e) {
        for (unsigned opcode = e.first; opcode <= e.last; ++opcode) {
            OpcodeEntry& entry = entries[e.map][opcode];
            if (everything(e)) {
                if (entry.is_group || entry.index != row_undefined) throw "two rows have the same opcode";
                entry.index = row;
                entry.has_modrm = e.has_modrm;
                entry.ignores_mod = e.ignores_mod;
            } else {
                claim_in_group(group_of(entry, e), row, e);
            }
        }
    }

    constexpr OpcodeGroup& group_of(OpcodeEntry& entry, const Encoding& e) {
        if (!entry.is_group) {
            if (entry.index != row_undefined) throw "a row claims part of another row's opcode";
            entry = OpcodeEntry{e.has_modrm, true, e.ignores_mod, true, static_cast<u16>(group_count)};
            OpcodeGroup& fresh = groups[group_count++];
            for (auto& prefix : fresh.row)
                for (auto& reg : prefix)
                    for (u16& slot : reg) slot = row_undefined;
        }
        entry.ends_at_modrm = entry.ends_at_modrm && e.whole_modrm;
        if (entry.has_modrm != e.has_modrm) throw "rows of one opcode disagree on having a ModRM byte";
        return groups[entry.index];
    }

    static constexpr void claim_in_group(OpcodeGroup& group, u16 row, const Encoding& e) {
        for (unsigned prefix = 0; prefix < 4; ++prefix) {
            if (((e.prefixes >> prefix) & 1) == 0) continue;
            for (unsigned reg = 0; reg < 8; ++reg) {
                if (((e.regs >> reg) & 1) == 0) continue;
                for (unsigned form = 0; form < 9; ++form) {
                    if (((e.forms >> form) & 1) == 0) continue;
                    u16& slot = group.row[prefix][reg][form];
                    if (slot != row_undefined) throw "two rows have the same encoding";
                    slot = row;
                }
            }
        }
    }
};

constexpr Index index_of_rows{};

} // namespace

const OpcodeEntry& opcode_entry(unsigned map, u8 opcode) { return index_of_rows.entries[map][opcode]; }
const OpcodeGroup& opcode_group(u16 index) { return index_of_rows.groups[index]; }

} // namespace truering
