// The guest's paging registers, and the two policies for what the processor runs on instead.
//
// paging=shadow: vmm/shadow/ makes tables of the VMM's own, always; the hidden range is out of reach for good.
// paging=guest: the identity map until the guest turns paging on, then the guest's own tables. Simple, fast, and no
// containment: a guest that maps the hidden range reaches it. One thing it does not take from the guest's memory are
// PDPTEs: a bare processor holds them in registers, entry would load them afresh, so the VMM's copy stands for them.
//
// Both keep the guest's word in the Shadow object, which also walks the guest's tables for the VMM's own accesses.
// load_*() are MOV to CR and WRMSR as the SDM has them, volume 3A, 2.5 and 4.4.1; false is #GP(0).
#pragma once

#include "vmm/processor.hpp"
#include "vmm/shadow/linear.hpp"

namespace ringmaster {

Shadow& shadow();
inline const PagingRegisters& visible() { return shadow().guest(); }
inline bool guest_paging() { return (visible().cr0 & CR0_PG) != 0; }
inline bool guest_protected() { return (visible().cr0 & CR0_PE) != 0; }

void find_paging_model(); // once, before the rest

// The guest is a processor after RESET.
void reset_paging();

[[nodiscard]] bool load_cr0(u32 value);
[[nodiscard]] bool load_cr3(u32 value);
[[nodiscard]] bool load_cr4(u32 value);
[[nodiscard]] bool load_efer(u64 value);

// Before every entry: the record's CR0, CR3, CR4 and EFER, and tlb_drop.
void prepare_paging();

// An exit by #PF; only under paging=shadow.
void page_fault_exit();

// From now on the guest finds `machine_page` (or, with 0, its own) at the page `guest_page` of the first 2 MiB.
void replace_page(u32 guest_page, u32 machine_page);

} // namespace ringmaster
