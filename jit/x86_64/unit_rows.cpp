#include "jit/x86_64/unit_rows.hpp"

#include <string_view>

namespace truering {

namespace {

constexpr bool any_of(std::string_view mnemonic, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names)
        if (name == mnemonic) return true;
    return false;
}

constexpr bool is_interpreted(std::string_view mnemonic) {
    return any_of(mnemonic, {"FNINIT", "FLDENV", "FNSTENV", "FNSAVE", "FRSTOR", "FXSAVE", "FXRSTOR", "FSTP1", "FFREEP",
                             "FNENI", "FNDISI", "FNSETPM", "FBLD", "MASKMOVQ", "MASKMOVDQU", "CLFLUSH"});
}
constexpr bool writes_x87_operand(std::string_view mnemonic) {
    return any_of(mnemonic, {"FST", "FSTP", "FIST", "FISTP", "FBSTP", "FNSTCW", "FNSTSW"});
}
constexpr bool is_x87_control(std::string_view mnemonic) {
    return any_of(mnemonic, {"FWAIT", "FNCLEX", "FNSTCW", "FNSTSW", "FLDCW"});
}
constexpr bool has_no_effect(std::string_view mnemonic) {
    return any_of(mnemonic,
                  {"FWAIT", "SFENCE", "LFENCE", "MFENCE", "PREFETCHNTA", "PREFETCHT0", "PREFETCHT1", "PREFETCHT2"});
}
constexpr bool loads_control(std::string_view mnemonic) { return any_of(mnemonic, {"FLDCW", "LDMXCSR"}); }
constexpr bool is_unaligned_move(std::string_view mnemonic) { return any_of(mnemonic, {"MOVUPS", "MOVUPD", "MOVDQU"}); }

constexpr u8 bytes_of(Width width) {
    switch (width) {
    case Width::b: return 1;
    case Width::w: return 2;
    case Width::d: return 4;
    case Width::q: return 8;
    case Width::t: return 10;
    case Width::dq: return 16;
    default: return 0;
    }
}

constexpr u8 hex_digit(char c) { return static_cast<u8>(c <= '9' ? c - '0' : c - 'A' + 10); }
constexpr bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); }

// The encoding's words: a mandatory prefix, 0F, the opcode, and then ModRM or what is fixed of it.
constexpr void read_encoding(std::string_view text, UnitRow& row) {
    unsigned bytes_seen = 0;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(word.size() + (word.size() < text.size() ? 1 : 0));
        if (word == "NP") continue;
        if (word[0] == '/') {
            row.modrm = true;
            continue;
        }
        if (!is_hex(word[0])) throw "an encoding is made of bytes, ModRM and NP";
        const u8 byte = static_cast<u8>(hex_digit(word[0]) << 4 | hex_digit(word[1]));
        const bool prefix = bytes_seen == 0 && (byte == 0x66 || byte == 0xF2 || byte == 0xF3);
        if (prefix) {
            row.prefix = byte;
        } else if (bytes_seen == 0 && byte == 0x0F) {
            ++bytes_seen;
        } else if (bytes_seen <= 1 && row.opcode == 0) {
            row.opcode = byte;
            bytes_seen = 2;
        } else {
            row.modrm = true; // the whole of it is given
        }
    }
}

constexpr void read_operands(const Row& isa_row, UnitRow& row) {
    for (unsigned n = 0; n < 3; ++n) {
        const Operand& operand = isa_row.operands[n];
        const bool memory = operand.place == Place::Memory || operand.place == Place::ModRmE;
        if (operand.place == Place::Immediate) row.immediate = true;
        if (operand.file == RegisterFile::General && operand.place == Place::ModRmG) row.general_reg = true;
        if (operand.file == RegisterFile::General && operand.place == Place::ModRmE) row.general_rm = true;
        if (operand.place == Place::Memory) row.in_register = false;
        if (!memory) continue;
        row.in_memory = true;
        row.memory_bytes = bytes_of(operand.width);
        row.writes_memory = n == 0 && isa_row.shape == Shape::W;
    }
}

// Non-temporal stores become plain ones: the guest sees no difference, and the next reader is near.
constexpr void make_temporal(std::string_view mnemonic, UnitRow& row) {
    if (any_of(mnemonic, {"MOVNTPS", "MOVNTPD"})) row.opcode = 0x29; // MOVAPS, MOVAPD
    if (any_of(mnemonic, {"MOVNTDQ", "MOVNTQ"})) row.opcode = 0x7F;  // MOVDQA, MOVQ
}

constexpr UnitRow describe(const Row& isa_row) {
    constexpr u16 x87_checks = check_fpu | check_fpu_nowait | check_wait;
    const std::string_view name = isa_row.mnemonic;
    const u16 checks = isa_row.attributes.checks;
    UnitRow row;
    row.x87 = (checks & x87_checks) != 0;
    if ((checks & (x87_checks | check_mmx)) != 0) row.units |= unit_x87;
    if ((checks & check_sse) != 0) row.units |= unit_sse;
    const bool nothing = has_no_effect(name);
    if (row.units == 0 && !nothing) return {};
    if (is_interpreted(name)) return {};
    row.kind = nothing ? UnitKind::Nothing : loads_control(name) ? UnitKind::LoadControl : UnitKind::Copy;
    row.in_register = true;
    read_encoding(isa_row.encoding, row);
    read_operands(isa_row, row);
    if (row.x87) {
        row.general_reg = row.general_rm = false;
        row.writes_memory = writes_x87_operand(name);
        row.recorded = !is_x87_control(name);
    }
    if (name == "STMXCSR") row.writes_memory = true;
    row.aligned = row.memory_bytes == 16 && !is_unaligned_move(name);
    if (nothing) row.memory_bytes = 0;
    if (any_of(name, {"CVTPI2PS", "CVTPI2PD"})) row.in_memory = false;
    if (!row.in_register && !row.in_memory) return {};
    make_temporal(name, row);
    return row;
}

constexpr std::array<UnitRow, row_count> describe_all() {
    std::array<UnitRow, row_count> all{};
    for (unsigned n = 0; n < row_count; ++n) all[n] = describe(isa[n]);
    return all;
}

constexpr std::array<UnitRow, row_count> rows = describe_all();

} // namespace

const UnitRow& unit_row(unsigned row) { return rows[row]; }

} // namespace truering
