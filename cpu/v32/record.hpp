// A state record (docs/v32.md 4.4) from the processor's registers, and the other way round.
#pragma once

#include "base/control_area.h"
#include "cpu/cpu.hpp"

namespace truering::v32 {

// EFLAGS.IF is the visible IF, CR4 has the mode's flag masked: what differs between guest and VMM is the caller's.
[[nodiscard]] StateRecord save_state(const Cpu& cpu);

// Loads everything but the PDPTEs. Derived state (views, attention) is the caller's to update.
void load_state(Cpu& cpu, const StateRecord& record);

// CR0.WP, CR4.PSE, PAE, PGE and EFER.NXE: cached translations of another value of these are of no use (docs/v32.md 7).
[[nodiscard]] u64 paging_bits(const Cpu& cpu);

} // namespace truering::v32
