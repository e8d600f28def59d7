// Ports that Ringmaster watches: those by which a guest resets the machine or switches it off. All others are the
// guest's.
//
// What passes the filter is done by the VMM in the guest's place, with the same size at the same port.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

void set_up_io();

void watch_port(u16 port);
void leave_port(u16 port);

// The access itself.
u32 input(u16 port, u32 size);
void output(u16 port, u32 size, u32 value);

} // namespace ringmaster
