#include "jit/x86_64/instruction_facts.hpp"

#include "cpu/registers.hpp"
#include "jit/x86_64/unit_rows.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace truering {

namespace {

struct Name {
    std::string_view mnemonic;
    Kind kind;
    Effect effect = Effect::None;
};

constexpr Name names[] = {
    {"ADD", Kind::Plain, Effect::Add},
    {"SUB", Kind::Plain, Effect::Sub},
    {"CMP", Kind::Plain, Effect::Cmp},
    {"AND", Kind::Plain, Effect::Logic},
    {"OR", Kind::Plain, Effect::Logic},
    {"XOR", Kind::Plain, Effect::Logic},
    {"TEST", Kind::Plain, Effect::Test},
    {"ADC", Kind::Plain, Effect::WithCarry},
    {"SBB", Kind::Plain, Effect::WithCarry},
    {"NEG", Kind::Plain, Effect::Neg},
    {"NOT", Kind::Plain},
    {"INC", Kind::Plain, Effect::Inc},
    {"DEC", Kind::Plain, Effect::Dec},
    {"SHL", Kind::Plain, Effect::Shl},
    {"SAL", Kind::Plain, Effect::Shl},
    {"SHR", Kind::Plain, Effect::Shr},
    {"SAR", Kind::Plain, Effect::Sar},
    {"ROL", Kind::Plain, Effect::Rotate},
    {"ROR", Kind::Plain, Effect::Rotate},
    {"RCL", Kind::Plain, Effect::RotateCarry},
    {"RCR", Kind::Plain, Effect::RotateCarry},
    {"SHLD", Kind::Plain, Effect::DoubleShift},
    {"SHRD", Kind::Plain, Effect::DoubleShift},
    {"IMUL", Kind::Plain, Effect::Product},
    {"BT_imm", Kind::Plain, Effect::BitTest},
    {"BTS_imm", Kind::Plain, Effect::BitTest},
    {"BTR_imm", Kind::Plain, Effect::BitTest},
    {"BTC_imm", Kind::Plain, Effect::BitTest},
    {"BT", Kind::Plain, Effect::BitTest},
    {"BTS", Kind::Plain, Effect::BitTest},
    {"BTR", Kind::Plain, Effect::BitTest},
    {"BTC", Kind::Plain, Effect::BitTest},
    {"BSF", Kind::Plain, Effect::Scan},
    {"BSR", Kind::Plain, Effect::Scan},
    {"XADD", Kind::Plain, Effect::Whole},
    {"CMPXCHG", Kind::Plain, Effect::Whole},
    {"MOV", Kind::Plain},
    {"MOVZX", Kind::Plain},
    {"MOVSX", Kind::Plain},
    {"NOP", Kind::Nothing},
    {"LEA", Kind::LEA},
    {"XCHG", Kind::XCHG},
    {"XCHG_rAX", Kind::XCHG},
    {"MUL", Kind::MUL, Effect::Product},
    {"IMUL_one", Kind::MUL, Effect::Product},
    {"DIV", Kind::DIV},
    {"IDIV", Kind::IDIV},
    {"CBW", Kind::CBW},
    {"CWD", Kind::CWD},
    {"BSWAP", Kind::BSWAP},
    {"PUSH", Kind::PUSH},
    {"PUSH_imm", Kind::PUSH_imm},
    {"PUSH_E", Kind::PUSH_E},
    {"POP", Kind::POP},
    {"LEAVE", Kind::LEAVE},
    {"CLC", Kind::CLC},
    {"STC", Kind::STC},
    {"CMC", Kind::CMC},
    {"CLD", Kind::CLD},
    {"STD", Kind::STD},
    {"LAHF", Kind::LAHF},
    {"SAHF", Kind::SAHF},
    {"JMP", Kind::JMP},
    {"JMP_E", Kind::JMP_E},
    {"CALL", Kind::CALL},
    {"CALL_E", Kind::CALL_E},
    {"RET", Kind::RET},
    {"LOOP", Kind::LOOP},
    {"JCXZ", Kind::JCXZ},
};

constexpr std::string_view conditions[16] = {"O", "NO", "B", "AE", "E", "NE", "BE", "A",
                                             "S", "NS", "P", "NP", "L", "GE", "LE", "G"};

constexpr Known recognise(std::string_view mnemonic) {
    for (const Name& name : names)
        if (name.mnemonic == mnemonic) return {name.kind, name.effect};
    for (u8 n = 0; n < 16; ++n) {
        if (mnemonic.size() > 1 && mnemonic[0] == 'J' && mnemonic.substr(1) == conditions[n])
            return {Kind::Jcc, Effect::None, n};
        if (mnemonic.starts_with("SET") && mnemonic.substr(3) == conditions[n]) return {Kind::SETcc, Effect::None, n};
        if (mnemonic.starts_with("CMOV") && mnemonic.substr(4) == conditions[n]) return {Kind::CMOVcc, Effect::None, n};
    }
    return {};
}

const std::array<Known, row_count>& table() {
    static const std::array<Known, row_count> known_rows = [] {
        std::array<Known, row_count> known;
        for (unsigned n = 0; n < row_count; ++n) {
            known[n] = recognise(isa[n].mnemonic);
            known[n].has_modrm = isa[n].encoding.find('/') != std::string_view::npos;
            if (isa[n].attributes.needs_admission()) known[n].kind = Kind::Interpreted;
            if (unit_row(n).kind != UnitKind::None) known[n].kind = Kind::Unit;
        }
        return known;
    }();
    return known_rows;
}

bool has_memory_operand(const Instruction& insn) {
    if (insn.memory) return true;
    const auto& operands = isa[insn.row].operands;
    return std::any_of(std::begin(operands), std::end(operands),
                       [](const Operand& o) { return o.place == Place::Offset; });
}

u8 bit_of(const Instruction& insn, const Operand& operand) {
    const unsigned n = register_number(insn, operand);
    return static_cast<u8>(1u << (operand_size(insn, operand) == 1 ? n & 3 : n));
}

} // namespace

const Known& known(const Instruction& insn) {
    static constexpr Known unknown;
    return insn.row < row_count ? table()[insn.row] : unknown;
}

namespace {

// AH to BH can be named only where no other operand needs a REX prefix.
bool names_high_byte_beside_ESP(const Instruction& insn) {
    bool high = false, extended = false;
    for (const Operand& operand : isa[insn.row].operands) {
        if (operand.file != RegisterFile::General || operand.place == Place::Immediate) continue;
        if (operand.place == Place::None || is_in_memory(insn, operand)) continue;
        const unsigned n = register_number(insn, operand);
        const bool is_byte = operand_size(insn, operand) == 1;
        high |= is_byte && n >= 4;
        extended |= !is_byte && n == reg_ESP;
    }
    return high && extended;
}

bool changes_bits(Effect effect) { return effect >= Effect::Shl && effect <= Effect::RotateCarry; }

bool has_form(const Instruction& insn, Kind kind) {
    const Row& row = isa[insn.row];
    const Operand& a = row.operands[0];
    switch (kind) {
    case Kind::Plain:
        if (a.file != RegisterFile::General || row.operands[1].file == RegisterFile::Segment) return false;
        if (row.shape == Shape::Own && known(insn).effect == Effect::BitTest && insn.memory) return false;
        if (known(insn).effect == Effect::RotateCarry && shift_count(insn) != 1) return false;
        if (changes_bits(known(insn).effect) && !insn.memory && operand_size(insn, a) == 1 && insn.rm >= 4)
            return false;
        if (known(insn).effect == Effect::DoubleShift && (insn.memory || !insn.operand_32 || shift_count(insn) != 1))
            return false;
        return !names_high_byte_beside_ESP(insn);
    case Kind::Unit: {
        const UnitRow& unit = unit_row(insn.row);
        if (insn.lock || !(insn.memory ? unit.in_memory : unit.in_register)) return false;
        return !(unit.recorded && insn.memory && insn.segment >= seg_FS); // FDP is the offset
    }
    case Kind::XCHG: return !(operand_size(insn, a) == 1 && insn.memory && insn.reg >= 4);
    case Kind::DIV:
    case Kind::IDIV: return operand_size(insn, a) == 4;
    case Kind::PUSH:
    case Kind::PUSH_imm:
    case Kind::PUSH_E:
    case Kind::POP:
    case Kind::LEAVE:
    case Kind::Jcc:
    case Kind::JMP:
    case Kind::JMP_E:
    case Kind::CALL:
    case Kind::CALL_E:
    case Kind::RET:
    case Kind::BSWAP: return insn.operand_32;
    case Kind::LOOP:
    case Kind::JCXZ: return insn.operand_32 && insn.address_32;
    default: return true;
    }
}

} // namespace

Kind kind_of(const Instruction& insn) {
    const Kind kind = known(insn).kind;
    return kind != Kind::Interpreted && has_form(insn, kind) ? kind : Kind::Interpreted;
}

int shift_count(const Instruction& insn) {
    const auto& operands = isa[insn.row].operands;
    const Operand& count = operands[2].place != Place::None ? operands[2] : operands[1];
    if (count.file == RegisterFile::Control) return 1;
    return count.place == Place::Immediate ? static_cast<int>(insn.immediate & 31) : -1;
}

bool sets_all_flags(const Instruction& insn) {
    if (kind_of(insn) == Kind::Unit) return isa[insn.row].attributes.flags_written == arithmetic_flags;
    switch (known(insn).effect) {
    case Effect::Add:
    case Effect::Sub:
    case Effect::Cmp:
    case Effect::Logic:
    case Effect::Test:
    case Effect::Neg:
    case Effect::WithCarry:
    case Effect::Product:
    case Effect::Whole: return kind_of(insn) != Kind::Interpreted;
    case Effect::Shl:
    case Effect::Shr:
    case Effect::Sar:
    case Effect::DoubleShift: return shift_count(insn) > 0;
    default: return false;
    }
}

bool looks_at_flags(const Instruction& insn) {
    switch (kind_of(insn)) {
    case Kind::Interpreted:
    case Kind::Unit:
    case Kind::PUSH:
    case Kind::PUSH_imm:
    case Kind::PUSH_E:
    case Kind::POP:
    case Kind::LEAVE:
    case Kind::CALL:
    case Kind::CALL_E:
    case Kind::RET:
    case Kind::DIV:
    case Kind::IDIV: return true;
    case Kind::LEA:
    case Kind::Nothing: return false;
    default: return isa[insn.row].attributes.flags_read != 0 || has_memory_operand(insn);
    }
}

u8 written_registers(const Instruction& insn) {
    constexpr u8 everything = 0xFF, eax = 1 << reg_EAX, ecx = 1 << reg_ECX, edx = 1 << reg_EDX, esp = 1 << reg_ESP,
                 ebp = 1 << reg_EBP;
    if (kind_of(insn) == Kind::Interpreted) return everything;
    const Row& row = isa[insn.row];
    const Operand& a = row.operands[0];
    const Operand& b = row.operands[1];
    const bool in_general = a.file == RegisterFile::General && a.place != Place::None && !is_in_memory(insn, a);
    const u8 first = in_general ? bit_of(insn, a) : 0;
    switch (kind_of(insn)) {
    case Kind::Plain: {
        u8 mask = row.shape == Shape::R || row.mnemonic == "BT" ? 0 : first;
        if (row.mnemonic == "XADD") mask = static_cast<u8>(mask | bit_of(insn, b));
        if (row.mnemonic == "CMPXCHG") mask |= eax;
        return mask;
    }
    case Kind::Unit:
    case Kind::LEA:
    case Kind::SETcc:
    case Kind::CMOVcc:
    case Kind::BSWAP: return first;
    case Kind::POP: return static_cast<u8>(first | esp);
    case Kind::XCHG: return static_cast<u8>(first | bit_of(insn, b));
    case Kind::MUL:
    case Kind::DIV:
    case Kind::IDIV: return eax | edx;
    case Kind::CBW:
    case Kind::LAHF: return eax;
    case Kind::CWD: return edx;
    case Kind::PUSH:
    case Kind::PUSH_imm:
    case Kind::PUSH_E:
    case Kind::CALL:
    case Kind::CALL_E:
    case Kind::RET: return esp;
    case Kind::LEAVE: return esp | ebp;
    case Kind::LOOP: return ecx;
    default: return 0;
    }
}

unsigned register_number(const Instruction& insn, const Operand& operand) {
    switch (operand.place) {
    case Place::ModRmG: return insn.reg;
    case Place::Fixed: return operand.fixed;
    default: return insn.rm;
    }
}

bool is_in_memory(const Instruction& insn, const Operand& operand) {
    return operand.place == Place::Offset || operand.place == Place::Memory ||
           (operand.place == Place::ModRmE && insn.memory);
}

unsigned operand_size(const Instruction& insn, const Operand& operand) {
    switch (operand.width) {
    case Width::b: return 1;
    case Width::w: return 2;
    case Width::d: return 4;
    default: return insn.operand_bytes();
    }
}

} // namespace truering
