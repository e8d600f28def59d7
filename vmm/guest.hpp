// The guest's processor, as the VMM sees it between exit and entry, and the few things that every handler does with it.
//
// Most of it is the guest record of the control area. CR0, CR3, CR4 and EFER there are what the processor runs on; what
// the guest believes of them is in paging.hpp.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

extern ControlArea area; // the one control area
inline StateRecord& guest() { return area.guest; }

inline bool guest_v86() { return (guest().eflags & EFLAGS_VM) != 0; }

// The guest's IF, wherever the policy keeps it (docs/v32.md, 5).
bool visible_if();
void set_visible_if(u32 value); // 0 or 1

inline u32 policy() { return area.controls & IF_POLICY; }
inline Reason reason() { return static_cast<Reason>(area.exit.exit_reason); }

// Raises a fault at the guest's instruction, as a bare processor would have: with RF set, and by the rules for double
// faults where the exit cut a delivery short (SDM vol. 3A, table 6-5).
inline constexpr u32 no_error_code = ~0u;
void raise(Vector vector, u32 error_code = no_error_code);
void raise_page_fault(u32 linear, u32 error_code);

// Gives the guest an event in the form of docs/v32.md, 4.5.
void inject(u32 event, u32 error_code = 0);

// On to the next instruction (docs/v32.md, 7).
void skip_instruction();

} // namespace ringmaster
