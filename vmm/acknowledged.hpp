// if=direct: what an acknowledged interrupt owes to the interrupt controllers while it waits for the guest.
//
// On a bare processor with IF=0 a request stays in the 8259, and to initialise the 8259 again (ICW1) forgets it. Under
// DIRECT it has left the 8259 with the vector of then; that vector must not reach a guest which has meanwhile given the
// controller other vectors: IRQ 0 at the BIOS's 8 would be a double fault to it. So ICW1 is watched, and drops what of
// that controller waits. Source: Intel 8259A datasheet, "Initialization Command Words".
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

void watch_8259s();
void byte_to_8259(u16 port, u8 value); // any port

} // namespace ringmaster
