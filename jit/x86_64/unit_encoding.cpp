#include "jit/x86_64/unit_encoding.hpp"

#include <string_view>

namespace truering {

namespace {

constexpr unsigned REX = 0x40, REX_R = 4, REX_B = 1;
constexpr unsigned mod_register = 0xC0;

// Only bits 2:0 of a comparison's predicate count in these encodings.
unsigned immediate_of(const Instruction& insn) {
    const std::string_view name = isa[insn.row].mnemonic;
    const bool predicate = name == "CMPPS" || name == "CMPPD" || name == "CMPSS" || name == "CMPSD";
    return predicate ? insn.immediate & 7 : insn.immediate;
}

} // namespace

HostInstruction host_instruction(const UnitRow& row, const Instruction& insn, const HostNames& names) {
    unsigned reg = row.general_reg ? names.general[insn.reg] : insn.reg;
    unsigned rm = row.general_rm ? names.general[insn.rm] : insn.rm;
    unsigned mod = mod_register;
    if (insn.memory) {
        rm = names.address;
        mod = 0;
    } else if (row.x87) { // a part of the opcode
        reg = insn.modrm >> 3 & 7;
        rm = insn.modrm & 7;
    }
    HostInstruction host;
    if (row.prefix != 0) host.append(row.prefix);
    const unsigned rex = (reg > 7 ? REX_R : 0) | (rm > 7 ? REX_B : 0);
    if (rex != 0) host.append(REX | rex);
    if (!row.x87) host.append(0x0F);
    host.append(row.opcode);
    if (row.modrm) host.append(mod | (reg & 7) << 3 | (rm & 7));
    if (row.immediate) host.append(immediate_of(insn));
    return host;
}

} // namespace truering
