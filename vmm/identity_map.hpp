// The address space of a guest that has its paging off, under paging=guest: linear is physical, all 4 GiB of it.
//
// PAE tables: 2-MiB pages, but 4-KiB ones for the first 2 MiB, where a page of the BIOS may be replaced. The hidden
// range, which is made of whole large pages, is an empty socket. Under paging=shadow the shadow does all this.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

void build_identity_map();
u32 identity_cr3();

// From now on the guest finds `machine_page` at the page `guest_page` of the first 2 MiB.
void replace_in_identity_map(u32 guest_page, u32 machine_page);

} // namespace ringmaster
