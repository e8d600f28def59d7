// The translation lookaside buffer: linear page to physical page and to host memory.
//
// Direct mapped, one table for supervisor and one for user accesses. An entry carries one tag per kind of access, so
// that a hit is one comparison that proves presence, rights and "ordinary memory" together; what needs more (a device,
// ROM, a page that holds decoded code) has a tag that never matches, and goes the slow way through `page` and `rights`.
//
// V32 mode and root have such a pair of tables each (docs/v32.md 7): going from one to the other chooses a pair and
// drops nothing.
//
// Another table whose tags never match stands in while every access must be looked at (data breakpoints, alignment
// checking): the fast path then pays nothing for features that are off.
#pragma once

#include "base/types.hpp"

#include <memory>
#include <vector>

namespace truering {

enum TlbRights : u8 {
    tlb_write = 1,
    tlb_fetch = 2,
    tlb_global = 4,
    tlb_listed = 8, // among those that a flush visits
};

struct TlbEntry {
    static constexpr u32 never = 1; // page addresses have low bits 0

    u32 read_tag = never;
    u32 write_tag = never;
    u32 fetch_tag = never;
    u32 page = never;         // the linear page that is cached here at all
    u64 host = 0;             // host address of linear address 0 of this page: add the linear address (wraps)
    u64 frame_and_rights = 0; // physical address of the page, A20 applied; TlbRights in its low bits

    [[nodiscard]] u64 physical_page() const { return frame_and_rights & ~u64{page_offset_mask}; }
    [[nodiscard]] bool has(TlbRights right) const { return (frame_and_rights & right) != 0; }
};
static_assert(sizeof(TlbEntry) == 32); // its index is a shift away

enum class TlbSide : u8 { Root, Guest }; // outside V32 mode, and in it

class Tlb {
  public:
    static constexpr unsigned entry_count = 4096;

    [[nodiscard]] static unsigned index_of(u32 linear) { return (linear / page_size) % entry_count; }

    void select(TlbSide side) { now_ = &sides_[static_cast<unsigned>(side)]; }

    // The table of the present side for an access at the given privilege.
    [[nodiscard]] TlbEntry* table(bool user) { return user ? now_->user.get() : now_->supervisor.get(); }
    [[nodiscard]] TlbEntry* never_hits() { return never_.get(); }

    // Makes an entry the caller's to fill, and remembers it for flushing.
    TlbEntry& claim(bool user, u32 linear);

    // Of the present side:
    void flush_all();
    void flush_non_global();
    void flush_page(u32 linear); // global or not

    void flush_side(TlbSide side);
    // On neither side may this physical page be written without a look at its code marks from now on.
    void forbid_fast_writes(u64 physical_page);

  private:
    struct Side {
        std::unique_ptr<TlbEntry[]> supervisor = std::make_unique<TlbEntry[]>(entry_count);
        std::unique_ptr<TlbEntry[]> user = std::make_unique<TlbEntry[]>(entry_count);
        std::vector<TlbEntry*> filled{}; // entries that may hold something; a flush visits only these

        void flush();
    };

    template <class Drop> void drop_if(Drop drop);

    Side sides_[2];
    Side* now_ = &sides_[0];
    std::unique_ptr<TlbEntry[]> never_ = std::make_unique<TlbEntry[]>(entry_count);
};

} // namespace truering
