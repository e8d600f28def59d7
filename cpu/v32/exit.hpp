// Exit from V32 mode (docs/v32.md 8): write the exit information, save the guest, load the VMM, and deliver the event
// that tells it, through its own IDT.
//
// Within an instruction an exit is requested and travels as Outcome::Exit; the run loop then calls leave(). At a
// boundary and within deliver(), where no instruction is in execution, leaving is at once.
#pragma once

#include "cpu/cpu.hpp"

namespace truering::v32 {

// The instruction that an exit is about; a length of 0: none (docs/v32.md 4.3, `instruction_length`).
struct ExitInstruction {
    u32 linear = 0;
    u8 length = 0;
};

// From within an instruction.
Outcome request_exit(Cpu& cpu, Reason reason, u32 qualification = 0, u32 value = 0);
Outcome request_event_exit(Cpu& cpu, Reason reason, const Event& event, u32 qualification = 0);

// Performs the exit that stands in Cpu::v32; the instruction is the one at CS:EIP, of Cpu::instruction_length bytes.
void leave(Cpu& cpu);
void leave(Cpu& cpu, ExitInstruction instruction);

// At a boundary: no instruction has to do with it.
void leave_at_boundary(Cpu& cpu, Reason reason);
void leave_with_event(Cpu& cpu, Reason reason, const Event& event);

// An exception of the guest's; `cut_short` is the event in whose delivery it came, if any.
void leave_with_exception(Cpu& cpu, const Event& event, const std::optional<Event>& cut_short);
// The third fault.
void leave_with_shutdown(Cpu& cpu, const Event& double_fault);

} // namespace truering::v32
