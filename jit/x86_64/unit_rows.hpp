// Which rows of x87, MMX, SSE and SSE2 are their own translation, and what surrounds the host's instruction.
//
// Guest and host are one family. While the guest's registers are in the host's units (host_units.hpp), the host's
// instruction of the same name does what the guest's does: its value, its flags, its stack, its response to every
// masked exception. So no row needs an emitter of its own; what differs from row to row is said here as data: which
// forms may be copied, which units must be resident, how much memory the operand is and what must be proven of it.
//
// Left to the interpreter:
//   FNINIT FLDENV FNSTENV FNSAVE FRSTOR FXSAVE FXRSTOR   they write or show FIP, FDP, FOP, which the guest has apart
//   FSTP1 FFREEP FNENI FNDISI FNSETPM FBLD               what the SDM leaves undefined, processors do each in its way
//   CVTPI2PS, CVTPI2PD from memory                       some processors turn the x87 to MMX use, some do not
//   MASKMOVQ MASKMOVDQU CLFLUSH                          memory operands that one proof does not cover
// FLDCW and LDMXCSR are neither copied nor left alone: the value decides (UnitKind::LoadControl).
//
// Source: SDM volume 2; volume 1, 8.1.8 (what is recorded), 9.5 and 10.4.6; the interpreter, for what is exact.
#pragma once

#include "decoder/isa.hpp"

#include <array>

namespace truering {

// Bits of Cpu::units_resident.
enum HostUnit : u8 { unit_x87 = 1, unit_sse = 2 };

enum class UnitKind : u8 {
    None,        // no such instruction, or left to the interpreter
    Copy,        // the host's instruction, re-encoded
    Nothing,     // no effect beyond its checks
    LoadControl, // FLDCW, LDMXCSR
};

struct UnitRow {
    UnitKind kind = UnitKind::None;
    u8 units = 0; // that must be resident: HostUnit bits; they prove the checks of CR0, CR4 and pending errors
    bool in_register = false, in_memory = false; // the forms for which `kind` holds
    u8 memory_bytes = 0;                         // of the operand in memory; 0: it is not touched
    bool writes_memory = false;
    bool aligned = false;                         // #GP(0) unless the operand is at a multiple of its size
    bool recorded = false;                        // FIP, FCS, FOP follow, and FDP, FDS if there is a memory operand
    bool general_reg = false, general_rm = false; // ModRM.reg, ModRM.rm in a register form, names a general register
    bool x87 = false;                             // encoded as escape byte and ModRM, without 0F
    bool immediate = false;
    bool modrm = false;
    u8 prefix = 0; // mandatory: 66, F2, F3, or none
    u8 opcode = 0; // behind 0F, or the escape byte
};

[[nodiscard]] const UnitRow& unit_row(unsigned row);

} // namespace truering
