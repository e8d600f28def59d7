// What the processor must drop from its TLB at the next entry: requests collect here until then. Two that one
// `tlb_drop` cannot express become the smallest that includes both.
#pragma once

#include "base/control_area.h"

namespace ringmaster {

using namespace truering;

enum class Globality : u8 { NonGlobal, Global };

class DropRequest {
  public:
    // `globality` of the translation: what it takes to drop it along with others.
    void page(u32 linear, Globality globality) {
        const u32 address = linear & ~page_offset_mask;
        if (kind_ == v32::drop_page && address_ != address)
            kind_ = globality == Globality::Global || page_ == Globality::Global ? v32::drop_all : v32::drop_non_global;
        else if (kind_ == v32::drop_non_global && globality == Globality::Global)
            kind_ = v32::drop_all;
        else if (kind_ == v32::drop_nothing) {
            kind_ = v32::drop_page;
            address_ = address;
            page_ = globality;
        }
    }
    void all_of(Globality globality) { globality == Globality::Global ? all() : non_global(); }
    void non_global() {
        if (kind_ == v32::drop_all) return;
        const bool global_page = kind_ == v32::drop_page && page_ == Globality::Global;
        kind_ = global_page ? v32::drop_all : v32::drop_non_global;
    }
    void all() { kind_ = v32::drop_all; }

    // For the control area; the request is fulfilled then.
    void take(u32& kind, u32& address) {
        kind = kind_;
        address = kind_ == v32::drop_page ? address_ : 0;
        kind_ = v32::drop_nothing;
    }

  private:
    v32::TlbDrop kind_ = v32::drop_nothing;
    u32 address_ = 0;
    Globality page_ = Globality::NonGlobal;
};

} // namespace ringmaster
