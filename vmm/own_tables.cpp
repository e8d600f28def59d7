#include "vmm/own_tables.hpp"

#include "vmm/hidden_range.hpp"
#include "vmm/identity_map.hpp"

namespace ringmaster {

namespace {

constexpr u32 pdpte_count = 4;
alignas(32) u64 pdptes[pdpte_count]; // what a bare processor would hold

} // namespace

void OwnTables::start(const ShadowSetup& setup) {
    setup_ = &setup;
    guest_ = {CR0_CD | CR0_NW | CR0_ET, 0, 0, 0};
    drop(drop_all);
}

void OwnTables::drop(TlbDrop kind) {
    changed_ = true;
    if (drop_ < kind) drop_ = kind;
}

// Those of the table at CR3; refused if one is present and has reserved bits (SDM vol. 3A, table 4-8).
Load OwnTables::load_PDPTEs(u32 cr3) {
    const u64 reserved = ~((u64{1} << setup_->model.physical_bits) - 1) | 0x1E6;
    const u32 table = cr3 & ~31u;
    const u8* const page = setup_->memory.bytes(table / page_size);
    const auto* const entries = reinterpret_cast<const u64*>(page + table % page_size);
    u64 loaded[pdpte_count];
    for (u32 n = 0; n < pdpte_count; ++n) {
        loaded[n] = page != nullptr ? entries[n] : ~u64{0};
        if ((loaded[n] & 1) != 0 && (loaded[n] & reserved) != 0) return Load::GeneralProtection;
    }
    for (u32 n = 0; n < pdpte_count; ++n) pdptes[n] = loaded[n];
    return Load::Done;
}

Load OwnTables::load_CR0(u32 value) {
    const u32 difference = value ^ guest_.cr0;
    const bool starts = (difference & value & CR0_PG) != 0;
    if (starts && (guest_.cr4 & CR4_PAE) != 0 && load_PDPTEs(guest_.cr3) != Load::Done) return Load::GeneralProtection;
    guest_.cr0 = value;
    changed_ = true;
    if ((difference & (CR0_PG | CR0_PE | CR0_WP)) != 0) drop(drop_all);
    return Load::Done;
}

Load OwnTables::load_CR3(u32 value) {
    if (is_on() && (guest_.cr4 & CR4_PAE) != 0 && load_PDPTEs(value) != Load::Done) return Load::GeneralProtection;
    guest_.cr3 = value;
    drop(drop_non_global);
    return Load::Done;
}

Load OwnTables::load_CR4(u32 value) {
    const u32 of_paging = (value ^ guest_.cr4) & (CR4_PSE | CR4_PAE | CR4_PGE);
    const bool loads = is_on() && (value & CR4_PAE) != 0 && of_paging != 0;
    if (loads && load_PDPTEs(guest_.cr3) != Load::Done) return Load::GeneralProtection;
    guest_.cr4 = value;
    changed_ = true;
    if (of_paging != 0) drop(drop_all);
    return Load::Done;
}

void OwnTables::load_EFER(u32 value) {
    guest_.efer = value;
    drop(drop_all);
}

void OwnTables::prepare(ControlArea& to) {
    if (!changed_) return;
    changed_ = false;
    to.guest.efer[0] = guest_.efer;
    to.guest.cr0 = guest_.cr0 | CR0_PG;
    to.guest.cr4 = is_on() ? guest_.cr4 : guest_.cr4 | identity_cr4();
    if (!is_on())
        to.guest.cr3 = identity_cr3();
    else
        to.guest.cr3 = (guest_.cr4 & CR4_PAE) != 0 ? physical(pdptes) : guest_.cr3;
    to.tlb_drop = drop_;
    drop_ = drop_nothing;
}

} // namespace ringmaster
