// Events as the control area spells them (docs/v32.md 4.5), and what the mode makes of the guest's (5, 6, 8).
//
// Delivery and the boundary between two instructions ask here; in root every question is answered by a comparison.
#pragma once

#include "cpu/cpu.hpp"

namespace truering::v32 {

// ---- The format

[[nodiscard]] u32 encode_event(const Event& event);
[[nodiscard]] Event decode_event(u32 field, u32 error_code);

// ---- What exits

// Is this an exception of the guest's that its VMM wants?
[[nodiscard]] inline bool takes_exception(const Cpu& cpu, const Event& event) {
    return cpu.in_v32() && event.type == EventType::Exception && !event.injected && !cpu.v32.gives_event(event.vector);
}

// The same for INT n, INT3 and INTO.
[[nodiscard]] inline bool takes_software_interrupt(const Cpu& cpu, u8 vector) {
    return cpu.in_v32() && !cpu.v32.gives_INT(vector);
}

// ---- Boundaries

// What stands at a boundary before debug traps: INIT, IF_MODIFY, STEP, NMI and EXTINT exits. True: the mode was left.
[[nodiscard]] bool leave_before_traps(Cpu& cpu);

// IF_WINDOW. True: the mode was left.
[[nodiscard]] bool leave_for_window(Cpu& cpu);

// The event that entry injected, if one is still to be delivered.
[[nodiscard]] bool take_injection(Cpu& cpu, Event& event);

// The mode's contribution to Cpu::attention.
[[nodiscard]] u32 attention_of_guest(const Cpu& cpu);

// An instruction (one iteration of a REP) of the guest, or a delivery to it, has completed.
inline void note_completion(Cpu& cpu) { cpu.v32.step_due = cpu.in_v32() && cpu.v32.has(STEP_EXIT); }

} // namespace truering::v32
