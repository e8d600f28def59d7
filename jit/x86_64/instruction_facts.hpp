// What the translator must know of an instruction: which emitter it has, what it does to the flags, which registers it
// writes. By row of the instruction table, looked up once by mnemonic.
#pragma once

#include "decoder/instruction.hpp"
#include "decoder/isa.hpp"

namespace truering {

enum class Kind : u8 {
    Interpreted, // no emitter: the interpreter's function is called
    Plain,       // operands by the row's letters, and the host's instruction of the same encoding
    Unit,        // x87, MMX, SSE: unit_rows.hpp
    Nothing,     // NOP
    LEA,
    XCHG,
    SETcc,
    CMOVcc,
    MUL, // MUL and IMUL with one operand
    DIV,
    IDIV,
    CBW, // CBW, CWDE
    CWD, // CWD, CDQ
    BSWAP,
    PUSH,
    PUSH_imm,
    PUSH_E,
    POP,
    LEAVE,
    CLC,
    STC,
    CMC,
    CLD,
    STD,
    LAHF,
    SAHF,
    Jcc,
    JMP,
    JMP_E,
    CALL,
    CALL_E,
    RET,
    LOOP,
    JCXZ,
};

// How an instruction changes the arithmetic flags, in terms of what can be computed again.
enum class Effect : u8 {
    None,
    Add,
    Sub,
    Cmp,
    Logic, // AND, OR, XOR
    Test,
    Neg,
    Inc,
    Dec,
    WithCarry, // ADC, SBB
    Shl,
    Shr,
    Sar,
    Rotate,      // only CF and OF
    RotateCarry, // the same, and reads CF
    DoubleShift,
    Product, // CF and OF; the others as the interpreter has them
    BitTest, // only CF
    Scan,    // only ZF
    Whole,   // all, as the host leaves them
};

struct Known {
    Kind kind = Kind::Interpreted;
    Effect effect = Effect::None;
    u8 condition = 0;
    bool has_modrm = false;
};

[[nodiscard]] const Known& known(const Instruction& insn);
// The emitter for this very form; Interpreted where the kind has none for it.
[[nodiscard]] Kind kind_of(const Instruction& insn);

// Does it set all six flags for sure, whatever they were?
[[nodiscard]] bool sets_all_flags(const Instruction& insn);
// Are the flags, as they are before it, looked at: by the instruction itself, or because it may not be executed?
[[nodiscard]] bool looks_at_flags(const Instruction& insn);
// The general registers that it writes, a bit each; all of them for Interpreted.
[[nodiscard]] u8 written_registers(const Instruction& insn);

// The count of a shift or rotate by a constant, modulo 32; -1 if it is CL.
[[nodiscard]] int shift_count(const Instruction& insn);

// The general register of an operand of the row; for bytes 4 to 7 are AH to BH.
[[nodiscard]] unsigned register_number(const Instruction& insn, const Operand& operand);
[[nodiscard]] bool is_in_memory(const Instruction& insn, const Operand& operand);
// Bytes of an operand that is no immediate.
[[nodiscard]] unsigned operand_size(const Instruction& insn, const Operand& operand);

} // namespace truering
