// Far jumps and calls whose selector names no code but a system descriptor: call gates, task gates, and TSSs.
#pragma once

#include "cpu/segmentation.hpp"

namespace truering {

// `next_eip`: where the instruction returns to.
Outcome jump_to_system_descriptor(Cpu& cpu, const SelectedDescriptor& target, u32 next_eip);
Outcome call_system_descriptor(Cpu& cpu, const SelectedDescriptor& target, u32 next_eip);

} // namespace truering
