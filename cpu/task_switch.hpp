// Hardware task switches (SDM vol. 3A, chapter 7), with 16- and 32-bit task-state segments.
#pragma once

#include "cpu/cpu.hpp"
#include "cpu/segmentation.hpp"

namespace truering {

enum class TaskSwitchSource : u8 { Call = 0, Iret = 1, Jump = 2, Gate = 3 }; // docs/v32.md section 8

// What the outgoing task shall resume with; the rest of its state is the processor's.
struct Resume {
    u32 eip = 0;
    u32 eflags = 0;
};

// Switches to the task whose TSS the selector names, after all the checks that the source asks for: a descriptor in
// the GDT, of an available TSS (#GP), or for IRET of a busy one (#TS); present (#NP); long enough (#TS). With an error
// code, pushes it on the new stack.
//
// Outcome::Jumped on success. A fault before the commit point is the old task's and has changed nothing; one behind it
// is the new task's: the state then is already the new task's.
Outcome switch_task(Cpu& cpu, u16 selector, TaskSwitchSource source, const Resume& resume, const u32* error_code);

} // namespace truering
