// Delivery of interrupts and exceptions (SDM vol. 3A, chapter 6; vol. 2A, INT n): interrupt, trap and task gates, real
// mode's vector table, virtual-8086 mode, and what happens when delivery itself faults.
#pragma once

#include "cpu/cpu.hpp"

namespace truering {

// Delivers an event whose time has come; CPU state is at its instruction (fault) or behind it (trap, interrupt).
// Faults of the delivery are dealt with inside: they become the next event, a double fault or a shutdown
// (SDM vol. 3A, table 6-5; attention_shutdown is then set and `faults` tells the chain). Always succeeds.
void deliver(Cpu& cpu, const Event& event);

// INT n, INT3, INTO from within an instruction: a fault of the delivery is the instruction's.
// On success returns Outcome::Jumped (EIP is at the handler). VME redirection and V86 checks are its business.
Outcome software_interrupt(Cpu& cpu, u8 vector, EventType type, unsigned instruction_length);

// INT1: #DB as a trap, from within the instruction. No check of the gate's DPL; DR6 stays as it is.
Outcome debug_interrupt(Cpu& cpu, unsigned instruction_length);

} // namespace truering
