// V32ENTER in root: the checks of docs/v32.md 7.1, and the entry of section 7.
#pragma once

#include "cpu/cpu.hpp"

namespace truering::v32 {

// Outcome::Jumped: the processor is in V32 mode, at the guest's EIP; an injected event stands at its first boundary.
// Outcome::Fault: #GP(0), and the number of the check that failed is in the control area.
// `length`: of the V32ENTER instruction, so that the VMM goes on behind it.
Outcome enter(Cpu& cpu, u8 length);

// Is the page RAM of the machine, readable and writable? Host memory that a device shows, a frame buffer, is not.
[[nodiscard]] bool is_whole_RAM(const Cpu& cpu, u64 page);

// The first check of 7.1 that a control area fails, or 0. `pdpte` receives the guest's PDPTEs where it uses PAE.
[[nodiscard]] u32 find_entry_error(const Cpu& cpu, const ControlArea& area, u64 (&pdpte)[4]);

} // namespace truering::v32
