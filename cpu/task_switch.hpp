// Hardware task switches (SDM vol. 3A, chapter 7), with 16- and 32-bit task-state segments.
#pragma once

#include "cpu/cpu.hpp"
#include "cpu/segmentation.hpp"

namespace truering {

enum class TaskSwitchSource : u8 { Call = 0, Iret = 1, Jump = 2, Gate = 3 }; // docs/v32.md section 8

// Switches to the task of a TSS descriptor that has passed the checks of selector, DPL, type and presence made by the
// caller's instruction (task_switch checks type, P and limit itself). EIP must be what the outgoing task shall resume
// at: `resume_eip`. With an error code, pushes it on the new stack.
// Outcome::Jumped on success. A fault before the commit point is the old task's, behind it the new one's: the state
// then is already the new task's.
Outcome task_switch(Cpu& cpu, u16 selector, const Descriptor& tss, u32 tss_descriptor_linear, TaskSwitchSource source,
                    u32 resume_eip, const u32* error_code);

} // namespace truering
