// The guest's paging registers, and the two policies for what the processor runs on instead.
//
// paging=shadow: vmm/shadow/, tables of the VMM's own at all times; the hidden range is out of reach for good.
// paging=guest: own_tables.hpp, the guest's tables themselves.
// load_*() are MOV to CR and WRMSR as the SDM has them, volume 3A, 2.5 and 4.4.1; false is #GP(0).
#pragma once

#include "vmm/processor.hpp"
#include "vmm/shadow/linear.hpp"

namespace ringmaster {

void find_paging_model(); // once, before the rest

// The guest is a processor after RESET.
void reset_paging();

// What the guest believes.
const PagingRegisters& visible();
inline bool guest_paging() { return (visible().cr0 & CR0_PG) != 0; }
inline bool guest_protected() { return (visible().cr0 & CR0_PE) != 0; }

[[nodiscard]] bool load_cr0(u32 value);
[[nodiscard]] bool load_cr3(u32 value);
[[nodiscard]] bool load_cr4(u32 value);
[[nodiscard]] bool load_efer(u64 value);

// Before every entry: the record's CR0, CR3, CR4 and EFER, and tlb_drop.
void prepare_paging();

// The guest's linear memory, under either policy.
LinearMemory guest_memory(Privilege privilege);

// Exits that only paging=shadow has.
void page_fault_exit();
void invalidate_page(u32 linear);
const ShadowCounters& shadow_counters();

// From now on the guest finds `machine_page` (or, with 0, its own) at the page `guest_page` of the first 2 MiB.
void replace_page(u32 guest_page, u32 machine_page);

} // namespace ringmaster
