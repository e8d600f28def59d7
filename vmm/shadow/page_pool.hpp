// The pages of the shadow, and what each of them stands for.
//
// A page is known by its index; index 0 is none. The first pages hold the pool's own books. Pages that mirror something
// are found by their key:
//
//   kind       mirrors                                              key             part             rights
//   Directory  a guest page directory, or a quarter of one          machine frame   linear[31:30]    -
//   Table      a guest page table, or half of a 32-bit one          machine frame   half             those of the PDE
//   Splinter   2 MiB of guest-physical memory in pages of 4 KiB     frame / 512     -                its entries'
//   Links      belongs to a Table: the reverse map's links          -               -                -
#pragma once

#include "vmm/shadow/guest_memory.hpp"

namespace ringmaster {

using PageIndex = u16;
inline constexpr PageIndex no_page = 0;
inline constexpr u32 entries_per_page = 512;
inline constexpr u32 no_linear = ~u32{0};

enum class PageKind : u8 { Free, Directory, Table, Splinter, Links };

enum PageFlags : u8 {
    page_open = 1,        // the guest may have stored into the table since it was last compared
    page_used = 2,        // a root since somebody notices (Directory); reached from one, during a collection (others)
    page_many_places = 4, // has been linked at more than one linear address
};

struct PageInfo {
    u32 key;
    u32 linear;      // where it was linked first
    u32 present[16]; // one bit an entry
    PageIndex next;  // of the same hash, or of the free ones
    PageIndex next_open;
    PageIndex links; // of a Table
    u32 parents;     // entries of directories that lead here
    PageKind kind;
    u8 part;
    u8 rights;
    u8 flags;
};

class PagePool {
  public:
    void start(u8* pool, u32 pool_physical, u32 pages);
    // Frees all pages.
    void restart();

    // The first page: the root's four PDPTEs at its beginning.
    [[nodiscard]] u64* root() const { return reinterpret_cast<u64*>(base_); }
    [[nodiscard]] u32 root_physical() const { return physical_; }
    // One bit for each 2 MiB of memory, behind start() and restart() 0.
    [[nodiscard]] u32* region_bits() const { return reinterpret_cast<u32*>(base_ + page_size); }
    static constexpr u32 regions = 1u << 15; // 36 address bits

    [[nodiscard]] u32 free_count() const { return free_count_; }
    [[nodiscard]] u32 first_index() const { return first_; }
    [[nodiscard]] u32 end_index() const { return end_; }
    [[nodiscard]] PageInfo& info(PageIndex page) const { return info_[page]; }
    [[nodiscard]] u64* entries(PageIndex page) const {
        return reinterpret_cast<u64*>(base_ + static_cast<size_t>(page) * page_size);
    }
    [[nodiscard]] u32 physical(PageIndex page) const { return physical_ + page * page_size; }
    [[nodiscard]] PageIndex index_of(u64 entry) const {
        return static_cast<PageIndex>((static_cast<u32>(entry) - physical_) / page_size);
    }

    // A page without entries (Links hold anything); the caller has seen that free_count() suffices.
    PageIndex allocate(PageKind kind, u32 key, u8 part, u8 rights);
    void free(PageIndex page);
    // no_page if there is none.
    [[nodiscard]] PageIndex find(PageKind kind, u32 key, u8 part, u8 rights) const;
    // Pages whose key has this hash, Directory and Table or Splinter: to be looked through by info().next.
    [[nodiscard]] PageIndex first_table(u32 key) const { return table_heads_[hash(key)]; }
    [[nodiscard]] PageIndex first_splinter(u32 key) const { return splinter_heads_[hash(key)]; }

  private:
    static constexpr u32 head_count = 512;
    static u32 hash(u32 key) { return (key ^ key >> 9) % head_count; }
    [[nodiscard]] PageIndex* heads(PageKind kind) const {
        return kind == PageKind::Splinter ? splinter_heads_ : table_heads_;
    }
    void release(PageIndex page);

    u8* base_ = nullptr;
    PageInfo* info_ = nullptr;
    PageIndex* table_heads_ = nullptr;
    PageIndex* splinter_heads_ = nullptr;
    u32 physical_ = 0;
    u32 first_ = 0, end_ = 0;
    u32 free_count_ = 0;
    PageIndex free_ = no_page;
};

} // namespace ringmaster
