#include "decoder/format.hpp"

#include "decoder/isa.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>

namespace truering {

namespace {

constexpr std::array names_8{"al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"};
constexpr std::array names_16{"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
constexpr std::array names_32{"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
constexpr std::array names_segment{"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};

// Mnemonics that change with the operand size, and those whose row name is not what people write.
struct Spelling {
    const char* with_16;
    const char* with_32;
};
const std::map<std::string_view, Spelling>& spellings() {
    static const std::map<std::string_view, Spelling> table{
        {"CBW", {"cbw", "cwde"}},
        {"CWD", {"cwd", "cdq"}},
        {"PUSHA", {"pusha", "pushad"}},
        {"POPA", {"popa", "popad"}},
        {"PUSHF", {"pushf", "pushfd"}},
        {"POPF", {"popf", "popfd"}},
        {"IRET", {"iret", "iretd"}},
        {"JMPF", {"jmp far", "jmp far"}},
        {"CALLF", {"call far", "call far"}},
        {"JMPF_M", {"jmp far", "jmp far"}},
        {"CALLF_M", {"call far", "call far"}},
        {"INT1", {"int1", "int1"}},
    };
    return table;
}

constexpr unsigned bytes_of(Width width, bool operand_32) {
    switch (width) {
    case Width::b: return 1;
    case Width::w: return 2;
    case Width::d: return 4;
    case Width::v:
    case Width::z: return operand_32 ? 4 : 2;
    case Width::q: return 8;
    case Width::dq: return 16;
    case Width::t: return 10;
    case Width::p: return operand_32 ? 6 : 4;
    case Width::s: return 6;
    default: return 0;
    }
}

const char* pointer_name(unsigned bytes) {
    switch (bytes) {
    case 1: return "byte ptr ";
    case 2: return "word ptr ";
    case 4: return "dword ptr ";
    case 6: return "fword ptr ";
    case 8: return "qword ptr ";
    case 10: return "tbyte ptr ";
    case 16: return "xmmword ptr ";
    default: return "";
    }
}

class Printer {
  public:
    Printer(const Instruction& insn, u32 eip) : insn_(insn), row_(isa[insn.row]), eip_(eip) {}

    std::string print() const {
        if (row_.mnemonic == "XCHG_rAX" && insn_.rm == 0) return insn_.repeat == Repeat::Repe ? "pause" : "nop";
        std::string text = prefixes() + mnemonic();
        if (is_string()) return text + (insn_.segment_override ? override_note() : "");
        const char* separator = " ";
        for (const Operand& operand : row_.operands) {
            if (operand.place == Place::None) continue;
            text += separator + this->operand(operand);
            separator = ", ";
        }
        return text;
    }

  private:
    [[nodiscard]] bool is_string() const {
        return std::any_of(std::begin(row_.operands), std::end(row_.operands),
                           [](const Operand& o) { return o.place == Place::StringX || o.place == Place::StringY; });
    }

    [[nodiscard]] std::string override_note() const { return fmt::format(" {}:", names_segment[insn_.segment]); }

    [[nodiscard]] std::string prefixes() const {
        std::string text = insn_.lock ? "lock " : "";
        if (!is_string() || insn_.repeat == Repeat::None) return text;
        const bool compares = row_.attributes.flags_written != 0;
        if (insn_.repeat == Repeat::Repne) return text + "repne ";
        return text + (compares ? "repe " : "rep ");
    }

    [[nodiscard]] std::string mnemonic() const {
        if (const auto found = spellings().find(row_.mnemonic); found != spellings().end())
            return insn_.operand_32 ? found->second.with_32 : found->second.with_16;
        std::string text(row_.mnemonic.substr(0, row_.mnemonic.find('_')));
        std::transform(text.begin(), text.end(), text.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        if (is_string()) text += string_suffix();
        return text;
    }

    [[nodiscard]] const char* string_suffix() const {
        for (const Operand& operand : row_.operands)
            if (operand.width == Width::b) return "b";
        return insn_.operand_32 ? "d" : "w";
    }

    [[nodiscard]] static std::string general(unsigned n, unsigned bytes) {
        return bytes == 1 ? names_8[n] : bytes == 2 ? names_16[n] : names_32[n];
    }

    [[nodiscard]] std::string registers(const Operand& operand, unsigned n) const {
        switch (operand.file) {
        case RegisterFile::Segment: return names_segment[n & 7];
        case RegisterFile::Control: return fmt::format("cr{}", n);
        case RegisterFile::Debug: return fmt::format("dr{}", n);
        case RegisterFile::X87: return n == 0 && operand.place == Place::Fixed ? "st" : fmt::format("st({})", n);
        case RegisterFile::Mmx: return fmt::format("mm{}", n);
        case RegisterFile::Xmm: return fmt::format("xmm{}", n);
        default: return general(n, bytes_of(operand.width, insn_.operand_32));
        }
    }

    [[nodiscard]] std::string operand(const Operand& operand) const {
        switch (operand.place) {
        case Place::ModRmE:
        case Place::Memory: return insn_.memory ? memory(operand) : registers(operand, insn_.rm);
        case Place::RegisterRm:
        case Place::Opcode: return registers(operand, insn_.rm);
        case Place::ModRmG:
        case Place::Segment:
        case Place::Control:
        case Place::Debug: return registers(operand, insn_.reg);
        case Place::Fixed: return operand == operands::one ? "1" : registers(operand, operand.fixed);
        case Place::Immediate: return immediate(operand);
        case Place::Relative: {
            const u32 target = eip_ + insn_.length + insn_.immediate;
            return fmt::format("0x{:x}", insn_.operand_32 ? target : target & 0xFFFF);
        }
        case Place::Offset: return memory(operand);
        case Place::Far: return fmt::format("0x{:x}:0x{:x}", insn_.selector, insn_.immediate);
        default: return "";
        }
    }

    [[nodiscard]] std::string immediate(const Operand& operand) const {
        const bool second = &operand != &row_.operands[0] && row_.operands[0].place == Place::Immediate; // ENTER
        const bool widened = operand.sign_extended && !insn_.operand_32;
        const u32 value = second ? insn_.selector : widened ? insn_.immediate & 0xFFFF : insn_.immediate;
        return fmt::format("0x{:x}", value);
    }

    [[nodiscard]] std::string memory(const Operand& operand) const {
        const auto& names = insn_.address_32 ? names_32 : names_16;
        std::string inside;
        if (insn_.base != no_register) inside = names[insn_.base];
        if (insn_.index != no_register) {
            if (!inside.empty()) inside += "+";
            inside += names[insn_.index];
            if (insn_.scale != 0) inside += fmt::format("*{}", 1 << insn_.scale);
        }
        const u32 displacement = insn_.displacement & insn_.address_mask;
        if (inside.empty()) {
            inside = fmt::format("0x{:x}", displacement);
        } else if (displacement != 0) {
            const u32 negative = (~displacement + 1) & insn_.address_mask;
            inside += negative < displacement ? fmt::format("-0x{:x}", negative) : fmt::format("+0x{:x}", displacement);
        }
        const std::string segment = insn_.segment_override ? fmt::format("{}:", names_segment[insn_.segment]) : "";
        return pointer_name(bytes_of(operand.width, insn_.operand_32)) + segment + "[" + inside + "]";
    }

    const Instruction& insn_;
    const Row& row_;
    u32 eip_;
};

} // namespace

std::string format(const Instruction& insn, u32 eip) {
    return insn.row < row_count ? Printer(insn, eip).print() : "(bad)";
}

} // namespace truering
