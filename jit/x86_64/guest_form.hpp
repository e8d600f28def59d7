// An instruction's bytes taken apart, to be put together again for the host.
//
// An instruction is its own translation: opcode and immediate go over as they are. New are the prefixes, and the ModRM
// byte, whose register numbers become the host's (host_registers.hpp) and whose memory operand becomes a register, into
// which it has been loaded, or a host address.
#pragma once

#include "decoder/instruction.hpp"

#include <span>

namespace truering {

struct GuestForm {
    u8 opcode[3] = {};
    unsigned opcode_bytes = 0;
    u8 modrm = 0;                  // 0 where there is none
    u8 mandatory_prefix = 0;       // the last of 66, F3 and F2, where there was one
    std::span<const u8> immediate; // what stands behind ModRM, SIB and displacement

    // `bytes` are the instruction's, whole.
    GuestForm(std::span<const u8> bytes, const Instruction& insn);
};

} // namespace truering
