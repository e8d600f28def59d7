// From a machine frame to the entries of Tables that map it writable.
//
// An entry is named by its page's index times 512 plus its slot; 0 is none. All entries whose frames have one hash form
// a doubly linked list; the links of a Table's entries lie in its companion page. Splinters and large entries need no
// list: where they would map a frame is known.
#pragma once

#include "vmm/shadow/page_pool.hpp"

namespace ringmaster {

class ReverseMap {
  public:
    // Takes pages for its heads from the pool, which has just been started or restarted.
    void start(PagePool& pool);

    void add(PageIndex table, u32 slot, u32 frame);
    void remove(PageIndex table, u32 slot, u32 frame);

    // Visits all that are listed for a frame, and others of its hash; visit may remove what it is shown.
    template <class Visit> void for_each(u32 frame, Visit visit) {
        for (u32 entry = head(frame); entry != 0;) {
            const u32 next = link(entry).next;
            visit(static_cast<PageIndex>(entry / entries_per_page), entry % entries_per_page);
            entry = next;
        }
    }

  private:
    struct Link {
        u32 next, previous;
    };
    static_assert(sizeof(Link) * entries_per_page == page_size);
    static constexpr u32 head_pages = 4;
    static constexpr u32 heads_per_page = page_size / 4;

    [[nodiscard]] u32& head(u32 frame) const {
        const u32 hash = frame ^ frame >> 12;
        return heads_[hash / heads_per_page % head_pages][hash % heads_per_page];
    }
    [[nodiscard]] Link& link(u32 entry) const {
        const PageIndex links = pool_->info(static_cast<PageIndex>(entry / entries_per_page)).links;
        return reinterpret_cast<Link*>(pool_->entries(links))[entry % entries_per_page];
    }

    PagePool* pool_ = nullptr;
    u32* heads_[head_pages] = {};
};

} // namespace ringmaster
