// INT 15H in real mode: the functions that tell how much memory there is are answered by the VMM, from its own map.
//
// INT 15H exits as SOFT_INT (redirect_software). If the interrupt table still leads to the BIOS, the answer is given on
// the spot; if the guest has put a handler of its own there, the INT is the guest's, and should that handler go on to
// the BIOS, bios_page.hpp brings it here. Everything else is the BIOS's. Source: ACPI specification, chapter "System
// Address Map Interfaces".
#pragma once

namespace ringmaster {

// The guest stands at the patched first instruction of the BIOS's INT 15H: FLAGS, CS and IP are on its stack.
void bios_entered();

} // namespace ringmaster
