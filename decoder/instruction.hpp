// A decoded instruction: a row of the table and the fields of this encoding, ready for execution.
#pragma once

#include "base/types.hpp"

namespace truering {

enum SegmentIndex : u8 { seg_ES, seg_CS, seg_SS, seg_DS, seg_FS, seg_GS, seg_LDTR, seg_TR, segment_count };

enum class Repeat : u8 { None, Repe, Repne }; // the last of F3 and F2

// A register number that names no register: it reads as 0 in address arithmetic.
inline constexpr u8 no_register = 8;

// 28 bytes: the interpreter streams through these, so their size is time.
struct Instruction {
    u32 displacement = 0;
    u32 immediate = 0;    // extended to 32 bits as the row says; for Jb and Jz the signed displacement
    u32 address_mask = 0; // FFFFH or FFFFFFFFH
    u16 selector = 0;     // of a far pointer; the second immediate of ENTER
    u16 row = 0;          // index into the table, or one of the two below it in isa.hpp
    u8 length = 0;        // bytes, 1..15
    u8 opcode = 0;        // the last opcode byte (x87: FOP's low byte is in modrm)
    u8 modrm = 0;         // as encoded, if there is one
    u8 reg = 0;           // ModRM.reg
    u8 rm = 0;            // the register of an E operand (mod = 3), or of the opcode's low three bits
    u8 base = no_register;
    u8 index = no_register;
    u8 scale = 0;        // shift count of the index
    u8 segment = seg_DS; // of the memory operand, override applied
    Repeat repeat = Repeat::None;
    bool memory : 1 = false; // the ModRM operand is in memory
    bool lock : 1 = false;
    bool operand_32 : 1 = false;
    bool address_32 : 1 = false;
    bool segment_override : 1 = false;
    bool operand_prefix : 1 = false; // 66 was there

    [[nodiscard]] u32 operand_bytes() const { return operand_32 ? 4 : 2; }
};
static_assert(sizeof(Instruction) == 28);

} // namespace truering
