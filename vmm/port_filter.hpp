// What a guest may not simply do to the machine: reset the processor (the VMM would be gone), have a device write into
// the hidden range, power off unseen.
//
// Reset: the keyboard controller's pulse commands and its output port, bit 0 of the system control port 92H, the reset
// control register CF9H; the guest alone is restarted. Devices: ide_dma.hpp, firmware_dma.hpp; the 8237 reaches 16 MiB,
// and the hidden range lies above. Power off: PM1a_CNT of the PIIX4, the ports by which emulators end; the account is
// printed first. Sources: Intel 8042 and 82371AB (PIIX4) datasheets.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

enum class Verdict : u8 {
    Pass,     // the access is still to be made
    Done,     // nothing is left to do
    Restarted // the guest that made it is gone
};

void watch_ports();
u32 filtered_input(u16 port, u32 size);                // makes the access
Verdict filter_output(u16 port, u32 size, u32& value); // may change what is to be written

} // namespace ringmaster
