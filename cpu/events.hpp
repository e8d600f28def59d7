// What the processor looks at between two instructions, in the order of SDM vol. 3A, table 6-2.
#pragma once

#include "cpu/cpu.hpp"

namespace truering {

// Takes what is to be taken now: RESET and INIT, debug traps, NMI, external interrupts. At most one event is delivered.
// Returns true if one was (then look again before executing).
bool take_events(Cpu& cpu);

// Is an instruction breakpoint set at this linear address, and RF clear? Then the #DB is in Cpu::fault.
[[nodiscard]] bool hits_code_breakpoint(Cpu& cpu, u32 linear);

// Marks debug traps for a data or I/O access, to be taken after the instruction.
void note_data_access(Cpu& cpu, u32 linear, unsigned size, bool write);
void note_port_access(Cpu& cpu, u16 port, unsigned size);

} // namespace truering
