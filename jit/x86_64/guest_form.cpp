#include "jit/x86_64/guest_form.hpp"

#include "jit/x86_64/instruction_facts.hpp"

namespace truering {

namespace {

bool is_prefix(u8 byte) {
    switch (byte) {
    case 0x26:
    case 0x2E:
    case 0x36:
    case 0x3E:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xF0:
    case 0xF2:
    case 0xF3: return true;
    default: return false;
    }
}

// Bytes of ModRM, SIB and displacement (SDM vol. 2A, 2.1.5).
size_t operand_bytes(std::span<const u8> from_modrm, const Instruction& insn) {
    const unsigned mod = from_modrm[0] >> 6, rm = from_modrm[0] & 7u;
    if (!insn.memory || mod == 3) return 1;
    if (!insn.address_32) return 1u + (mod == 1 ? 1u : mod == 2 || rm == 6 ? 2u : 0u);
    const bool has_sib = rm == 4;
    const bool no_base = mod == 0 && (has_sib ? (from_modrm[1] & 7u) == 5 : rm == 5);
    return 1u + (has_sib ? 1u : 0u) + (mod == 1 ? 1u : mod == 2 || no_base ? 4u : 0u);
}

} // namespace

GuestForm::GuestForm(std::span<const u8> bytes, const Instruction& insn) {
    size_t at = 0;
    for (; is_prefix(bytes[at]); ++at) {
        const u8 prefix = bytes[at];
        if (prefix == 0xF2 || prefix == 0xF3 || (prefix == 0x66 && mandatory_prefix == 0)) mandatory_prefix = prefix;
    }
    opcode[opcode_bytes++] = bytes[at++];
    if (opcode[0] == 0x82) opcode[0] = 0x80; // the alias is undefined in 64-bit mode
    if (opcode[0] == 0x0F) opcode[opcode_bytes++] = bytes[at++];
    const bool is_x87 = opcode_bytes == 1 && (opcode[0] & 0xF8) == 0xD8;
    if (known(insn).has_modrm || is_x87) {
        modrm = bytes[at];
        at += operand_bytes(bytes.subspan(at), insn);
    }
    immediate = bytes.subspan(at);
}

} // namespace truering
