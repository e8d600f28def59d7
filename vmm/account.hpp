// The account: what exits the guest made, where, and what they cost.
//
// Ticks are of the time-stamp counter. A tick belongs to the VMM from the exit (the processor writes its time) to the
// next entry, else to the guest, in the phase of its life that its mode at the exit says.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

void account_entry(); // right before an entry
void account_exit();  // right after an exit; also the lines of the options live and trace

void say_account();
void clear_account(); // keeps nothing

u64 exits_of(u32 reason);
u64 exits_in_all();
const char* reason_name(u32 reason);

} // namespace ringmaster
