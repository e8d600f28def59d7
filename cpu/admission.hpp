// Admission: the one place that decides whether an instruction may execute, from its row's columns.
// The order is docs/v32.md section 6: what a bare processor refuses, then the mode's exits.
#pragma once

#include "cpu/cpu.hpp"

namespace truering {

// Outcome::Done: execute it. Called for rows whose attributes need it (Attributes::needs_admission).
Outcome admit(Cpu& cpu, const Instruction& insn);

// The port of IN, OUT, INS or OUTS, an immediate or DX, and the width of the access in bytes.
[[nodiscard]] u16 port_of(const Cpu& cpu, const Instruction& insn);
[[nodiscard]] unsigned port_access_size(const Instruction& insn);

// Ports port..port+size-1 against IOPL and the TSS's I/O map (SDM vol. 1, 19.5): #GP(0) if refused.
Outcome admit_port(Cpu& cpu, u16 port, unsigned size);

} // namespace truering
