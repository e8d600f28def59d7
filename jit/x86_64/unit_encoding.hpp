// The host's instruction for a copied row: the guest's, with registers and memory operand named anew.
//
// MMX, XMM and x87 registers keep their numbers. Of the general registers only guest ESP has another name, R15. The
// operand in memory is at [R9], a host address that has been proven for all of its bytes.
#pragma once

#include "decoder/instruction.hpp"
#include "jit/x86_64/unit_rows.hpp"

#include <array>

namespace truering {

struct HostInstruction {
    std::array<u8, 8> bytes{};
    unsigned count = 0;

    void append(unsigned byte) { bytes[count++] = static_cast<u8>(byte); }
};

// For rows of UnitKind::Copy and LoadControl.
[[nodiscard]] HostInstruction host_instruction(const UnitRow& row, const Instruction& insn);

} // namespace truering
