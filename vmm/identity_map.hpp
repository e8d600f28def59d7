// The address space of a guest that has its paging off, under paging=guest: linear is physical, all 4 GiB of it.
//
// Large pages, but 4-KiB ones at the bottom, where a page of the BIOS may be replaced. The hidden range, which is made
// of whole large pages, is an empty socket. In PAE format where the processor has that, else in the older one. Under
// paging=shadow the shadow does all this.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

void build_identity_map();
u32 identity_cr3();
u32 identity_cr4(); // the bit that its format needs

// From now on the guest finds `machine_page` at the page `guest_page` of the first 2 MiB.
void replace_in_identity_map(u32 guest_page, u32 machine_page);

} // namespace ringmaster
