// Paging (SDM vol. 3A, chapter 4): 32-bit with PSE and PSE-36, and PAE with NX.
#pragma once

#include "cpu/cpu.hpp"

namespace truering {

enum class AccessKind : u8 { Read, Write, Fetch };

// Translates for an access, walking the tables where the TLB does not know; sets accessed and dirty bits; fills the
// TLB.
Outcome translate(Cpu& cpu, u32 linear, AccessKind kind, bool user, u64& physical_page);

// The page-table walk alone, without side effects or rights checks, for debuggers. False: not present.
[[nodiscard]] bool translate_for_debugger(const Cpu& cpu, u32 linear, u64& physical);

// Reads the four PDPTEs that a CR3 points to. False, and nothing stored, if a present one has reserved bits.
[[nodiscard]] bool read_pdptes(const Cpu& cpu, u32 cr3, u64 (&pdpte)[4]);

// Loads the four PDPTEs that CR3 points to; #GP(0) for reserved bits (SDM vol. 3A, 4.4.1).
Outcome load_pdptes(Cpu& cpu, u32 cr3);

} // namespace truering
