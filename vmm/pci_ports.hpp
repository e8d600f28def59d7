// Ports that PCI devices have where the guest puts them: the IDE controller's bus master registers (BAR 4 of the PIIX's
// function 1) and the power management registers (PMBASE of its function 3).
//
// Every dword to CF8H exits anyway, as CF9H lies within. While it selects one of those two registers, CFCH exits too,
// and what the guest writes there is looked up again afterwards. Sources: PCI Local Bus Specification 2.1, 3.7.4.1;
// Intel 82371AB (PIIX4) datasheet.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

void find_PCI_ports();

u16 bus_master_base(); // sixteen ports, or 0
u16 pm1_control();     // PM1a_CNT, or 0

void PCI_address_written(u32 address);
bool meets_PCI_data(u16 port, u32 size);
void PCI_data_written(); // has been

} // namespace ringmaster
