// The translation lookaside buffer: linear page to physical page and to host memory.
//
// A linear address space has 2^20 pages, so the TLB has an entry for each: nothing is ever evicted, and a hit needs no
// comparison of tags. A view holds the entries of one privilege as arrays by linear page. `read` and `write` say where
// ordinary memory lies in the host, and 0 is the one answer for whatever needs a closer look: nothing known, no right,
// a device, ROM, a page that is not dirty yet or holds decoded code. The closer look begins at `frame_and_rights`. The
// arrays are the host's zero pages until they are written, so a guest pays for the pages that it touches.
//
// V32 mode and root have a pair of views each (docs/v32.md 7): going from one to the other chooses a pair and drops
// nothing. A view that stays empty stands in while every access must be looked at (data breakpoints, alignment
// checking): the fast path then pays nothing for features that are off.
//
// An entry lives until it is flushed. A flush visits the pages on a list and nothing else; global translations have a
// list of their own, because MOV CR3 keeps them and a kernel has very many.
//
// A page of RAM that comes to hold decoded code must lose its entries in every `write`. So each frame keeps the linear
// pages that may write it, two on a side; whoever comes third displaces one, which then goes the closer way.
#pragma once

#include "base/types.hpp"

#include <memory>
#include <vector>

namespace truering {

enum TlbRights : u16 {
    tlb_present = 1, // something is known of the page, and it may be read
    tlb_write = 2,
    tlb_fetch = 4,
    tlb_global = 8,
    tlb_listed = 16, // among those that every flush visits
    tlb_listed_global = 32,
};

// The entries of one privilege of one side. Translated code reaches the arrays by their offsets.
struct TlbView {
    static constexpr u32 page_count = (u64{1} << 32) / page_size;

    u64 read[page_count];             // host address minus linear address of ordinary memory; 0: look closer
    u64 write[page_count];            // the same for writes
    u32 code[page_count];             // the translator's number of the page, for fetches; 0: none
    u64 frame_and_rights[page_count]; // physical address of the page, A20 applied; TlbRights in its low bits

    [[nodiscard]] bool has(u32 linear, TlbRights right) const {
        return (frame_and_rights[linear / page_size] & right) != 0;
    }
    [[nodiscard]] u64 physical_page(u32 linear) const {
        return frame_and_rights[linear / page_size] & ~u64{page_offset_mask};
    }
};

// Host memory that is zero until written.
struct UnmapHost {
    size_t bytes = 0;
    void operator()(void* memory) const;
};
template <class T> using HostZeroes = std::unique_ptr<T, UnmapHost>;

enum class TlbSide : u8 { Root, Guest }; // outside V32 mode, and in it

// What a walk of the page tables found for a linear page. Host addresses are null where accesses must look closer.
struct TlbFill {
    u64 physical_page;
    u16 rights; // tlb_write, tlb_fetch, tlb_global
    const u8* read;
    u8* write;
};

class Tlb {
  public:
    Tlb();

    void select(TlbSide side) { now_ = &sides_[static_cast<unsigned>(side)]; }

    // The view of the present side for accesses at the given privilege.
    [[nodiscard]] TlbView* view(bool user) { return now_->privilege[user].view.get(); }
    [[nodiscard]] TlbView* never() { return never_.get(); } // may not be written

    // Of the present side:
    void fill(bool user, u32 linear, const TlbFill& what);
    // From now on writes to a page that is known and may be written go the fast way.
    void allow_fast_writes(bool user, u32 linear, u8* host);
    // The translator's number of a page, kept as long as its entry; without effect where nothing may be fetched.
    void set_code(bool user, u32 linear, u32 number);
    void flush_all();
    void flush_non_global();
    void flush_page(u32 linear); // global or not

    void flush_side(TlbSide side);
    // On neither side may this physical page be written without a look at its code marks from now on.
    void forbid_fast_writes(u64 physical_page);
    void forget_code(); // takes back every number of set_code(), on both sides

  private:
    struct Privilege {
        HostZeroes<TlbView> view;
        std::vector<u32> listed{}, listed_global{}; // pages that may have an entry, each once

        void list(u32 page, u64& rights);
        void clear(u32 page, u64 kept_rights);
        void flush_list(std::vector<u32>& list);
        void flush();
        void flush_non_global();
    };

    static constexpr u32 frame_count = 1u << 20; // frames above 4 GiB share with those below
    struct Writers {
        u32 page[frame_count][2]; // linear pages plus 1 whose `write` may be set; 0: none
    };

    struct Side {
        Side();
        [[nodiscard]] bool writes(u32 page, u32 frame) const;
        void forbid(u32 page, u32 frame);
        void note_writer(u32 page, u32 frame);
        void forbid_all_of(u32 frame);

        Privilege privilege[2]; // supervisor, user
        HostZeroes<Writers> writers;
    };

    [[nodiscard]] static u32 frame_of(u64 physical) { return static_cast<u32>(physical / page_size % frame_count); }

    Side sides_[2];
    Side* now_ = &sides_[0];
    HostZeroes<TlbView> never_;
};

} // namespace truering
