// Which rows of the instruction table have an emitter, by mnemonic.
#pragma once

#include "decoder/isa.hpp"

#include <array>

namespace truering {

enum class Kind : u8 {
    None,
    ADD,
    OR,
    ADC,
    SBB,
    AND,
    SUB,
    XOR,
    CMP,
    TEST, // in the order of their encodings, TEST aside
    MOV,
    MOVZX,
    MOVSX,
    LEA,
    XCHG,
    NOP,
    CDQ,
    BSWAP,
    INC,
    DEC,
    NEG,
    NOT,
    SHL,
    SHR,
    SAR,
    IMUL,
    PUSH,
    PUSH_imm,
    POP,
    LEAVE,
    SETcc,
    CMOVcc,
    Jcc,
    JMP,
    CALL,
    RET,
    LOOP,
    JCXZ,
};

struct Known {
    Kind kind = Kind::None;
    u8 condition = 0;
};

// By row. Kind::None: the interpreter's function is called.
[[nodiscard]] const std::array<Known, row_count>& known_rows();

} // namespace truering
