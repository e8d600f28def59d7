#include "jit/x86_64/instruction_kinds.hpp"

#include <string_view>

namespace truering {

namespace {

struct Name {
    std::string_view mnemonic;
    Kind kind;
};

constexpr Name names[] = {
    {"ADD", Kind::ADD},     {"OR", Kind::OR},       {"ADC", Kind::ADC},     {"SBB", Kind::SBB},
    {"AND", Kind::AND},     {"SUB", Kind::SUB},     {"XOR", Kind::XOR},     {"CMP", Kind::CMP},
    {"TEST", Kind::TEST},   {"MOV", Kind::MOV},     {"MOVZX", Kind::MOVZX}, {"MOVSX", Kind::MOVSX},
    {"LEA", Kind::LEA},     {"XCHG", Kind::XCHG},   {"NOP", Kind::NOP},     {"CWD", Kind::CDQ},
    {"BSWAP", Kind::BSWAP}, {"INC", Kind::INC},     {"DEC", Kind::DEC},     {"NEG", Kind::NEG},
    {"NOT", Kind::NOT},     {"SHL", Kind::SHL},     {"SAL", Kind::SHL},     {"SHR", Kind::SHR},
    {"SAR", Kind::SAR},     {"IMUL", Kind::IMUL},   {"PUSH", Kind::PUSH},   {"PUSH_imm", Kind::PUSH_imm},
    {"POP", Kind::POP},     {"LEAVE", Kind::LEAVE}, {"JMP", Kind::JMP},     {"CALL", Kind::CALL},
    {"RET", Kind::RET},     {"LOOP", Kind::LOOP},   {"JCXZ", Kind::JCXZ},
};

constexpr std::string_view conditions[16] = {"O", "NO", "B", "AE", "E", "NE", "BE", "A",
                                             "S", "NS", "P", "NP", "L", "GE", "LE", "G"};

constexpr Known recognise(std::string_view mnemonic) {
    for (const Name& name : names)
        if (name.mnemonic == mnemonic) return {name.kind};
    for (u8 n = 0; n < 16; ++n) {
        if (mnemonic.size() > 1 && mnemonic[0] == 'J' && mnemonic.substr(1) == conditions[n]) return {Kind::Jcc, n};
        if (mnemonic.starts_with("SET") && mnemonic.substr(3) == conditions[n]) return {Kind::SETcc, n};
        if (mnemonic.starts_with("CMOV") && mnemonic.substr(4) == conditions[n]) return {Kind::CMOVcc, n};
    }
    return {};
}

} // namespace

const std::array<Known, row_count>& known_rows() {
    static const std::array<Known, row_count> table = [] {
        std::array<Known, row_count> known;
        for (unsigned n = 0; n < row_count; ++n) known[n] = recognise(isa[n].mnemonic);
        return known;
    }();
    return table;
}

} // namespace truering
