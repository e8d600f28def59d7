// The IDE controller writes to memory by itself, wherever a table of regions says: not into the hidden range.
//
// The guest's table pointer (BMIDTP) stays here. When the guest starts the engine, the table is copied to where the
// guest cannot change it, regions in the hidden range are replaced by an empty socket, and the engine gets the copy.
// Source: Intel 82371AB (PIIX4) datasheet, "Bus Master IDE registers"; Programming Interface for Bus Master IDE 1.0.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

void begin_ide_dma();
void stop_ide_dma(); // the guest is reset

// The access meets the engine's registers; then it is done by these.
bool meets_ide_dma(u16 port, u32 size);
u32 ide_dma_input(u16 port, u32 size);
void ide_dma_output(u16 port, u32 size, u32 value);

} // namespace ringmaster
