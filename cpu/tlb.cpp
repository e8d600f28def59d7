#include "cpu/tlb.hpp"

namespace truering {

Tlb::Tlb()
    : supervisor_(std::make_unique<TlbEntry[]>(entry_count)), user_(std::make_unique<TlbEntry[]>(entry_count)),
      never_(std::make_unique<TlbEntry[]>(entry_count)) {}

TlbEntry& Tlb::claim(bool user, u32 linear) {
    TlbEntry& entry = table(user)[index_of(linear)];
    if (!entry.has(tlb_listed)) filled_.push_back(&entry);
    entry = TlbEntry{};
    entry.frame_and_rights = tlb_listed;
    return entry;
}

template <class Drop> void Tlb::drop_if(Drop drop) {
    size_t kept = 0;
    for (TlbEntry* entry : filled_) {
        if (entry->page == TlbEntry::never || drop(*entry))
            *entry = TlbEntry{};
        else
            filled_[kept++] = entry;
    }
    filled_.resize(kept);
}

void Tlb::flush_all() {
    for (TlbEntry* entry : filled_) *entry = TlbEntry{};
    filled_.clear();
}

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
    for (TlbEntry* entry : filled_)
        if (entry->physical_page() == physical_page) entry->write_tag = TlbEntry::never;
}

} // namespace truering
