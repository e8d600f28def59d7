// What enter.S offers: V32ENTER, the VMM's IDT, and instructions that may fault with the fault as an answer.
#pragma once

#include "base/types.hpp"

extern "C" {

// Until the next exit; 0 if the processor refuses the control area.
truering::u32 enter_guest();

// 0: the processor answers with #GP(0).
truering::u32 try_rdmsr(truering::u32 index, truering::u64* value);
truering::u32 try_wrmsr(truering::u32 index, truering::u32 low, truering::u32 high);
truering::u32 try_cr4(truering::u32 value);

// An NMI arrived for the guest.
extern volatile truering::u32 nmi_arrived;
}

namespace ringmaster {

void load_idt();

} // namespace ringmaster
