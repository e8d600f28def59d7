// The three policies for the guest's interrupt flag, and interrupts on their way to the guest (docs/v32.md, 5).
//
// SHADOW and TRAP: the processor delivers by itself, by the guest's shadow of IF: no exit. Only an external interrupt
// whose vector is not redirected (14, under paging=shadow) exits, when the guest may take it.
// DIRECT: the guest owns EFLAGS.IF, so every interrupt exits, acknowledged, at any time. It waits here until the guest
// may take it. Interrupt controllers are nested: a later one has the higher priority, so the last comes first.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

// Controls and redirect_events for the policy.
void set_up_interrupts(IfPolicy policy);
void forget_interrupts(); // the guest is reset
void forget_vectors(u8 first, u32 count);

// Before every entry: injects what waits, or asks for the moment when that can be done.
void prepare_interrupts();

} // namespace ringmaster
