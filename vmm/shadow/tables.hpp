// The shadow's tables: PAE directories and page tables that mirror the guest's, kept for as long as the guest uses
// them.
//
// Open and closed. A guest table that has a shadow is *closed* at first: no entry of the shadow maps its frame
// writable, so that it cannot change unseen, and what is derived from it is right. A store of the guest to it faults,
// *opens* it (all pages that mirror this frame together), and goes through. Open tables may lag behind; at the next
// event that a processor takes as a reason to drop translations, they are compared entry by entry and closed again; or
// freed, if nothing leads to them any longer: a table that the guest stores to without using it is none.
// In between the shadow shows at most what a TLB and paging-structure caches could still hold:
// - An entry is present in the shadow only if the guest's was used (A=1) and present when it was filled or compared.
// - Whatever faults is walked anew in the guest's tables, and the path that faulted is compared first.
// - INVLPG compares its own path, and closes the root's open directories: it drops every paging-structure cache.
//
// Stores of bus masters are not seen: a device that writes into a closed table changes it for the guest only once the
// guest has stored to it as well, or changed its mode of paging.
//
// Writable without doubt. An entry allows stores only if the guest's rights do, its D is set, and its frame is not
// that of a closed table. To close a frame needs all entries that map it writable: those of Tables are in the reverse
// map; Splinters and large entries map a frame at one place only. When an entry loses its right to write, the TLB must
// lose it too; so a Table remembers the linear address of its first link, and whether there have been others.
//
// Large entries. A frame that becomes a table marks its 2 MiB: from then on they are mapped by a Splinter.
//
// Collection. When half of the pool is in use, and after each collection, it begins to notice which directories become
// roots. When the pool runs out, those and what they lead to are kept; the rest is freed. If that is too little,
// everything is forgotten.
#pragma once

#include "vmm/shadow/drop_request.hpp"
#include "vmm/shadow/guest_paging.hpp"
#include "vmm/shadow/page_pool.hpp"
#include "vmm/shadow/reverse_map.hpp"

namespace ringmaster {

struct ShadowCounters {
    u32 fills = 0;        // #PFs that the guest never saw
    u32 guest_faults = 0; // its own
    u32 opened = 0;       // tables that the guest stored to
    u32 compared = 0;     // pages of open tables
    u32 collected = 0;    // times that the pool was searched for tables out of use
    u32 restarted = 0;    // times that everything was forgotten
};

class ShadowTables {
  public:
    static constexpr u32 pool_pages_least = 64;

    void start(GuestPaging& guest, u8* pool, u32 pool_physical, u32 pages);
    // Forgets everything: the meaning of the guest's entries has changed.
    void restart();
    // The guest has loaded CR3 or the PDPTEs.
    void load_root();
    [[nodiscard]] u32 root_physical() const { return pool_.root_physical(); }

    // Maps a linear page for an access that the guest's tables allow; A and D have been set.
    void map(u32 linear, const GuestWalk& walk, Access access, Privilege privilege);
    // Compares the path of a linear address, so that nothing is left that the guest's tables do not say.
    void compare_path(u32 linear);
    void invalidate(u32 linear); // INVLPG
    // Compares all open tables, and closes them.
    void close_all();
    // The guest's tables in this machine frame are about to be stored to.
    void open(u32 frame);
    // The most frequent #PF, without a walk: the shadow agrees with the guest in all but the right to store to a table
    // that is closed. False: it is another one.
    [[nodiscard]] bool open_for_store(u32 linear, Privilege privilege);

    DropRequest drop;
    ShadowCounters counters;

  private:
    // Building (tables.cpp)
    PageIndex directory_for(unsigned quarter);
    void set_root(unsigned quarter, PageIndex directory);
    void map_small(PageIndex directory, u32 linear, const GuestWalk& walk, u8 rights, Access access);
    void map_large(PageIndex directory, u32 linear, const GuestWalk& walk, u8 rights, Access access);
    PageIndex make_table(u32 frame, u8 part, u8 rights);
    PageIndex make_splinter(u32 region, u8 rights);
    void set_directory_entry(PageIndex directory, u32 slot, u64 value);
    void link(PageIndex directory, u32 slot, PageIndex child, u8 rights);
    void set_leaf(PageIndex page, u32 slot, u64 value);
    void drop_leaf(const PageInfo& info, u32 slot, u64 entry);
    [[nodiscard]] u64 bits_of(u8 rights) const;
    struct LinkRights {
        u8 of_entry, of_table;
    };
    [[nodiscard]] LinkRights link_rights(u8 rights) const;
    [[nodiscard]] u8 rights_for(u8 rights, u64 guest_entry, Access access, Privilege privilege) const;

    // Open and closed (protection.cpp)
    [[nodiscard]] bool is_closed(u32 frame) const;
    void enrol(PageIndex page); // a page that mirrors a table has been made
    void close(u32 frame);
    void protect(u32 guest_frame);
    void splinter_region(u32 region);
    [[nodiscard]] bool is_splintered(u32 region) const;

    // Comparing (comparison.cpp)
    void compare(PageIndex page);
    void compare_table(PageIndex page, const u8* table);
    void close_open(u32 frame); // compares one frame's tables, and closes it
    void compare_directory_slot(PageIndex directory, u32 slot, u64 guest);
    void compare_table_slot(PageIndex table, u32 slot, u64 guest);
    [[nodiscard]] bool directory_slot_agrees(u64 shadow, u32 slot, u64 guest) const;
    [[nodiscard]] bool agrees(u8 shadow_rights, u64 guest_entry, u8 guest_rights) const;
    [[nodiscard]] u64 guest_entry(const u8* table, const PageInfo& info, u32 slot) const;

    // Collection (collection.cpp)
    void make_room();
    void begin_to_notice();
    void collect();
    void mark_children(PageIndex directory);
    void free_page(PageIndex page);
    [[nodiscard]] bool is_out_of_use(PageIndex page) const;

    [[nodiscard]] u8* table_bytes(u32 frame) const;

    GuestPaging* guest_ = nullptr;
    PagePool pool_;
    ReverseMap writable_;
    PageIndex root_[4] = {};
    PageIndex open_ = no_page; // the first of the open pages
    bool notices_ = false;     // page_used of directories has a meaning
    // One bit for each 2 MiB of linear space that a global large page has mapped: one INVLPG there is for all of it,
    // from whichever root it may still be cached.
    u32 large_globals_[64] = {};
};

// Helpers of its files.
namespace shadow_detail {

inline constexpr u64 frame_bits = 0x0000'000F'FFFF'F000; // 36 address bits

constexpr u32 frame_of(u64 entry) { return static_cast<u32>((entry & frame_bits) >> 12); }

constexpr u8 shadow_rights(u64 entry) {
    return static_cast<u8>(rights_of(entry) | ((entry & entry_G) != 0 ? right_global : 0));
}

constexpr Globality globality(u64 entry) { return (entry & entry_G) != 0 ? Globality::Global : Globality::NonGlobal; }

// Visits the present entries; visit may clear what it is shown.
template <class Visit> void for_each_present(const PageInfo& info, Visit visit) {
    for (u32 word = 0; word < entries_per_page / 32; ++word)
        for (u32 left = info.present[word]; left != 0; left &= left - 1)
            visit(word * 32 + static_cast<u32>(__builtin_ctz(left)));
}

constexpr u32 slot_in_directory(u32 linear) { return (linear >> 21) % entries_per_page; }
constexpr u32 slot_in_table(u32 linear) { return (linear >> 12) % entries_per_page; }

} // namespace shadow_detail

} // namespace ringmaster
