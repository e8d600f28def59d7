// A row's encoding taken apart: what decoder/isa.def writes as "66 0F 71 /2" as bytes and fields to fill in.
#pragma once

#include "decoder/isa.hpp"

#include <array>

namespace truering::random_test {

enum class ModrmKind : u8 {
    None,
    Any,   // /r
    Digit, // /0../7
};

struct RowEncoding {
    u8 mandatory_prefix = 0;       // 66, F2 or F3; 0: none
    bool forbids_prefixes = false; // NP: with one of these it is another row
    std::array<u8, 3> opcode{};
    unsigned opcode_bytes = 0;
    bool adds_register = false; // +r and +i: a number of 0..7 is added to the last byte
    ModrmKind modrm = ModrmKind::None;
    u8 digit = 0;
    bool memory = false, register_ = false; // what ModRM.rm may name
};

[[nodiscard]] const RowEncoding& encoding_of(unsigned row);

} // namespace truering::random_test
