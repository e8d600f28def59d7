#include "tests/random/row_encoding.hpp"

#include <charconv>
#include <vector>

namespace truering::random_test {

namespace {

u8 hex_byte(std::string_view text) {
    unsigned value = 0;
    std::from_chars(text.data(), text.data() + 2, value, 16);
    return static_cast<u8>(value);
}

void take_word(RowEncoding& encoding, std::string_view word) {
    if (word == "NP") {
        encoding.forbids_prefixes = true;
    } else if (word == "/r") {
        encoding.modrm = ModrmKind::Any;
    } else if (word[0] == '/') {
        encoding.modrm = ModrmKind::Digit;
        encoding.digit = static_cast<u8>(word[1] - '0');
    } else {
        const u8 byte = hex_byte(word);
        const bool is_prefix = encoding.opcode_bytes == 0 && (byte == 0x66 || byte == 0xF2 || byte == 0xF3);
        if (is_prefix)
            encoding.mandatory_prefix = byte;
        else
            encoding.opcode[encoding.opcode_bytes++] = byte;
        encoding.adds_register = word.find('+') != word.npos;
    }
}

RowEncoding take_apart(const Row& row) {
    RowEncoding encoding;
    for (std::string_view rest = row.encoding; !rest.empty();) {
        const std::size_t end = rest.find(' ');
        take_word(encoding, rest.substr(0, end));
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    }
    if (encoding.modrm == ModrmKind::None) return encoding;
    for (const Operand& operand : row.operands) {
        encoding.memory |= operand.place == Place::ModRmE || operand.place == Place::Memory;
        encoding.register_ |= operand.place == Place::ModRmE || operand.place == Place::RegisterRm;
    }
    return encoding;
}

} // namespace

const RowEncoding& encoding_of(unsigned row) {
    static const std::vector<RowEncoding> encodings = [] {
        std::vector<RowEncoding> all;
        for (const Row& r : isa) all.push_back(take_apart(r));
        return all;
    }();
    return encodings[row];
}

} // namespace truering::random_test
