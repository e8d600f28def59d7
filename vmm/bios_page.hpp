// The page of the BIOS with the entry of INT 15H, and a patched copy of it.
//
// A guest may come to the BIOS by a far call (a handler that it has put in front goes on there), which no bitmap of
// interrupts sees. So the guest finds, at that page of the BIOS, a copy with V32CALL as the entry's first instruction.
// Calls that the VMM does not answer itself run on: the original bytes come back for one step (STEP_EXIT).
// Life cycle: installed before the guest's first boot; withdrawn when the guest is reset, as its firmware then sets
// itself up anew; installed again when the firmware is through (INT 19H, the boot).
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

void install_bios_page();
void withdraw_bios_page();

// The BIOS's own INT 15H, as a far pointer of the interrupt table.
u32 bios_memory_entry();

// The guest in real mode stands at the patched instruction.
bool at_patched_entry();

// Lets the guest run the instruction that the patch replaces.
void step_original();
bool steps_original(); // it has not yet

} // namespace ringmaster
