#include "cpu/tlb.hpp"

namespace truering {

TlbEntry& Tlb::claim(bool user, u32 linear) {
    TlbEntry& entry = table(user)[index_of(linear)];
    if (!entry.has(tlb_listed)) now_->filled.push_back(&entry);
    entry = TlbEntry{};
    entry.frame_and_rights = tlb_listed;
    return entry;
}

template <class Drop> void Tlb::drop_if(Drop drop) {
    std::vector<TlbEntry*>& filled = now_->filled;
    size_t kept = 0;
    for (TlbEntry* entry : filled) {
        if (entry->page == TlbEntry::never || drop(*entry))
            *entry = TlbEntry{};
        else
            filled[kept++] = entry;
    }
    filled.resize(kept);
}

void Tlb::Side::flush() {
    for (TlbEntry* entry : filled) *entry = TlbEntry{};
    filled.clear();
}

void Tlb::flush_all() { now_->flush(); }

void Tlb::flush_side(TlbSide side) { sides_[static_cast<unsigned>(side)].flush(); }

void Tlb::flush_non_global() {
    drop_if([](const TlbEntry& e) { return !e.has(tlb_global); });
}

void Tlb::flush_page(u32 linear) {
    const u32 page = linear & ~page_offset_mask;
    for (const bool user : {false, true}) {
        TlbEntry& entry = table(user)[index_of(linear)];
        if (entry.page != page) continue;
        entry = TlbEntry{};
        entry.frame_and_rights = tlb_listed; // an empty entry on the list is harmless
    }
}

void Tlb::forbid_fast_writes(u64 physical_page) {
    for (Side& side : sides_)
        for (TlbEntry* entry : side.filled)
            if (entry->physical_page() == physical_page) entry->write_tag = TlbEntry::never;
}

} // namespace truering
