// The steps of a delivery, shared by its files: one attempt by each of the ways there are, and what is pushed.
//
// An attempt changes nothing of the processor's state unless it succeeds (memory below the top of a stack aside). Its
// fault is in Cpu::fault, with the IDT bit where the SDM wants it and EXT not yet set.
#pragma once

#include "cpu/delivery.hpp"

namespace truering {

// INT n, INT3 and INTO: the gate's DPL is checked.
constexpr bool is_software(const Event& event) {
    return event.type == EventType::SoftwareInterrupt || event.type == EventType::SoftwareException;
}

constexpr bool is_exception(const Event& event, Vector vector) {
    return event.type == EventType::Exception && event.vector == static_cast<u8>(vector);
}

// What the handler returns to.
inline u32 return_eip(const Cpu& cpu, const Event& event) { return cpu.eip + event.instruction_length; }

// EFLAGS as pushed, or as saved in the TSS of a task that a gate suspends (RF: SDM vol. 3B, 17.3.1.1).
u32 pushed_eflags(const Cpu& cpu, const Event& event);

Outcome deliver_through_gate(Cpu& cpu, const Event& event);         // protected and virtual-8086 mode
Outcome deliver_through_vector_table(Cpu& cpu, const Event& event); // real mode

// INT n in virtual-8086 mode with CR4.VME = 1 (SDM vol. 3B, 20.3.3). Does the TSS's bitmap give the vector to the
// 8086 program's own handler?
Outcome is_redirected_to_8086(Cpu& cpu, u8 vector, bool& redirected);
Outcome deliver_to_8086(Cpu& cpu, const Event& event);

} // namespace truering
