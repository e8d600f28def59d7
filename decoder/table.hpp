// From opcode bytes to rows: the index that decoding uses, made from decoder/isa.def at compile time.
#pragma once

#include "base/types.hpp"
#include "decoder/isa.hpp"

namespace truering {

enum class MandatoryPrefix : u8 { NP, p66, pF3, pF2 };

// An instruction with a ModRM byte is found by prefix, reg field, and the register of rm or "in memory".
inline constexpr unsigned form_memory = 8;

struct OpcodeGroup {
    u16 row[4][8][9]; // [prefix][reg][rm, or form_memory]
};

struct OpcodeEntry {
    bool has_modrm = false;
    bool is_group = false;      // `index` is a group's, else a row's
    bool ignores_mod = false;   // ModRM names registers whatever mod says
    bool ends_at_modrm = false; // every row names its whole ModRM byte: with another, nothing follows it
    u16 index = row_undefined;
};

// map 0: one-byte opcodes; map 1: those behind 0F.
[[nodiscard]] const OpcodeEntry& opcode_entry(unsigned map, u8 opcode);
[[nodiscard]] const OpcodeGroup& opcode_group(u16 index);

} // namespace truering
