// The host's instruction for a copied row: the guest's, with registers and memory operand named anew.
//
// MMX, XMM and x87 registers keep their numbers. The general registers, and the register that holds the host address of
// the operand in memory, proven for all of its bytes, are the caller's to choose.
#pragma once

#include "decoder/instruction.hpp"
#include "jit/x86_64/unit_rows.hpp"

#include <array>

namespace truering {

// Numbers of host registers. The address is not in RSP, RBP, R12 or R13, which [register] cannot name.
struct HostNames {
    std::array<u8, 8> general; // by guest register
    u8 address;
};

struct HostInstruction {
    std::array<u8, 8> bytes{};
    unsigned count = 0;

    void append(unsigned byte) { bytes[count++] = static_cast<u8>(byte); }
};

// For rows of UnitKind::Copy and LoadControl.
[[nodiscard]] HostInstruction host_instruction(const UnitRow& row, const Instruction& insn, const HostNames& names);

} // namespace truering
