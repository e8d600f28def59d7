// paging=guest: the processor runs on the guest's own tables, and on an identity map while the guest has none.
//
// Simple and fast, and no containment: a guest that maps the hidden range reaches it. One thing is not taken from the
// guest's memory: a bare processor holds the PDPTEs of PAE paging in registers, from one load to the next, while V32
// entry would load them afresh; the VMM's copy stands for the registers. Drops of the TLB are asked for as a bare
// processor does them by itself (SDM vol. 3A, 4.10.4.1). The interface is that of Shadow.
#pragma once

#include "vmm/processor.hpp"
#include "vmm/shadow/shadow.hpp"

namespace ringmaster {

class OwnTables {
  public:
    // The guest is a processor after RESET.
    void start(const ShadowSetup& setup);

    [[nodiscard]] Load load_CR0(u32 value);
    [[nodiscard]] Load load_CR3(u32 value);
    [[nodiscard]] Load load_CR4(u32 value);
    void load_EFER(u32 value);
    [[nodiscard]] const PagingRegisters& guest() const { return guest_; }

    void prepare(ControlArea& to);

  private:
    [[nodiscard]] Load load_PDPTEs(u32 cr3);
    void drop(TlbDrop kind);
    [[nodiscard]] bool is_on() const { return (guest_.cr0 & CR0_PG) != 0; }

    const ShadowSetup* setup_ = nullptr;
    PagingRegisters guest_;
    TlbDrop drop_ = drop_nothing;
    bool changed_ = true; // the record must be made anew
};

} // namespace ringmaster
