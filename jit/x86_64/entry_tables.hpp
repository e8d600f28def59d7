// Where the translations of a page of code begin: for each of its bytes the address of host code, or of the stub that
// tells the run loop that there is none. Translated code jumps through these tables to wherever it does not know
// beforehand, without a comparison: TlbView::code leads from the linear page to its table, and to table 0, which is
// empty, where nothing may be fetched or nothing is known.
//
// A table is for one physical page at one linear address in one mode, so what its code was specialised on holds for
// whoever comes through it. The tables lie below 2 GiB, so that code reaches them by a 32-bit displacement.
#pragma once

#include "base/types.hpp"

#include <unordered_map>
#include <vector>

namespace truering {

struct CodePage {
    u64 physical = 0; // page addresses
    u32 linear = 0;
    u32 table = 0; // its offset among the tables: TlbView::code
};

class EntryTables {
  public:
    // `none`: the address in a field without an entry. Throws std::system_error.
    explicit EntryTables(u32 none);
    ~EntryTables();
    EntryTables(const EntryTables&) = delete;
    EntryTables& operator=(const EntryTables&) = delete;

    [[nodiscard]] u32 address() const { return static_cast<u32>(reinterpret_cast<u64>(memory_)); }
    [[nodiscard]] bool full() const { return used_ == capacity; }

    // The page's table, made if need be; null when there is no room.
    CodePage* page(u64 physical, u32 linear);
    [[nodiscard]] CodePage* find(u64 physical, u32 linear);

    void set(const CodePage& page, u32 offset, u32 code) { entry(page, offset) = code; }
    void clear(const CodePage& page, u32 offset) { entry(page, offset) = none_; }
    [[nodiscard]] u32 get(const CodePage& page, u32 offset) { return entry(page, offset); }
    [[nodiscard]] bool has(const CodePage& page, u32 offset) { return get(page, offset) != none_; }
    [[nodiscard]] u32 none() const { return none_; }
    void clear_all();

  private:
    static constexpr u32 table_bytes = page_size * sizeof(u32);
    static constexpr u32 capacity = 8192;

    [[nodiscard]] u32& entry(const CodePage& page, u32 offset) { return memory_[page.table / sizeof(u32) + offset]; }
    [[nodiscard]] static u64 key(u64 physical, u32 linear) { return physical << 20 | linear >> 12; }
    void make_empty(u32 table);

    u32 none_;
    u32* memory_ = nullptr;
    u32 used_ = 0; // tables
    std::unordered_map<u64, CodePage> pages_;
};

} // namespace truering
