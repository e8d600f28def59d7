// Shadow paging: the guest's page tables, as tables that the VMM owns (docs/v32.md sections 4, 6, 7).
//
// The shadow is always in PAE format, whatever the guest's paging is (none, 32-bit, PAE), and is filled by the guest's
// #PF exits: a virtual TLB. Tables are kept over MOV CR3; how, and why no stale entry shows that a processor's TLB
// could not hold, stands in vmm/shadow/tables.hpp.
//
// How a VMM uses it:
// - redirect_events[14] = 0 and INVLPG_EXIT; MOV CR and WRMSR exit anyway.
// - start() once, then load_*() whenever the guest loads a register of paging.
// - An exit by #PF: page_fault(). With `Retry` enter again as it is (an event cut short is injected again). With
//   `Inject` the fault is the guest's own: CR2 and error code as given, by the #DF rules where an event was cut short.
// - An exit by INVLPG: invalidate(), then skip the instruction.
// - Before every entry: prepare() puts the real registers into the guest record, and `tlb_drop` into the area. Nothing
//   else needs to be dropped. CR0.TS may be set in the record afterwards, if the VMM wants it.
// - What the guest reads from CR0, CR3, CR4 and EFER is guest().
// - A VMM that stores into guest memory (string IN, a task switch) does it through vmm/shadow/linear.hpp, or calls
//   written() before the store.
#pragma once

#include "base/control_area.h"
#include "vmm/shadow/tables.hpp"

namespace ringmaster {

struct ShadowSetup {
    GuestMemory memory;
    PagingModel model;
    // Pages for the shadow: 4-KiB aligned, physical addresses below 4 GiB, all of them in the hidden range. 64 at
    // least; with 1024 a Linux with many processes keeps its tables.
    u8* pool = nullptr;
    u32 pool_physical = 0;
    u32 pool_pages = 0;
};

enum class FaultAnswer : u8 { Retry, Inject };

struct FaultVerdict {
    FaultAnswer answer = FaultAnswer::Retry;
    PageFault fault; // with Inject
};

enum class Load : u8 { Done, GeneralProtection }; // #GP(0): nothing has changed

// The outcome of a translation for the VMM's own work on the guest's behalf.
struct Translation {
    enum class Result : u8 { Mapped, Faulted } result = Result::Mapped;
    PageFault fault;     // Faulted; to write CR2 is the caller's business
    u64 physical = 0;    // Mapped: the machine-physical address
    u8* bytes = nullptr; // the same within the VMM's reach; nullptr beyond (reads as ones, stores are lost)
};

class Shadow {
  public:
    // Begins with a guest as RESET leaves it: no paging.
    void start(const ShadowSetup& setup);

    // The guest's registers change. The caller has checked reserved bits and combinations (PG without PE, NW without
    // CD); what is left to fail is a PDPTE with reserved bits.
    [[nodiscard]] Load load_CR0(u32 value);
    [[nodiscard]] Load load_CR3(u32 value);
    [[nodiscard]] Load load_CR4(u32 value);
    void load_EFER(u32 value);
    // A20M# for the guest: ~0, or ~10'0000H while address bit 20 reads as 0.
    void load_address_mask(u32 mask);
    [[nodiscard]] const PagingRegisters& guest() const { return paging_.registers; }

    // A #PF exit, with its error code and linear address.
    FaultVerdict page_fault(u32 linear, u32 error_code);
    void invalidate(u32 linear); // INVLPG

    // Before an entry: CR0, CR3, CR4 and EFER of the guest record, tlb_drop and tlb_address.
    void prepare(v32::ControlArea& area);

    // Translates as an access of the guest would, with A and D set; a Write counts as written().
    Translation translate(u32 linear, Access access, Privilege privilege);
    // The VMM is about to store into this page of guest-physical memory.
    void written(u64 guest_physical);

    [[nodiscard]] const ShadowCounters& counters() const { return tables_.counters; }

  private:
    [[nodiscard]] bool loads_PDPTEs() const { return paging_.is_on() && paging_.is_PAE(); }
    void flush();

    GuestPaging paging_;
    ShadowTables tables_;
};

} // namespace ringmaster
