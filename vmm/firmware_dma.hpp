// The firmware configuration device copies its items to any address by itself: not into the hidden range.
//
// The guest writes the address of a descriptor to ports 514H-51BH, most significant byte first; the last byte starts.
// By then descriptor and target have been looked at; the device runs within that OUT, so nobody can change them in
// between. What is refused ends as the device ends what fails: with the error bit in the descriptor.
// Source: QEMU, "QEMU Firmware Configuration (fw_cfg) Device".
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

void watch_firmware_dma();
bool meets_firmware_dma(u16 port, u32 size);

// May this reach the device?
bool allow_firmware_dma(u16 port, u32 size, u32 value);

} // namespace ringmaster
