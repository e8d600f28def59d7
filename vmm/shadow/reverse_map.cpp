#include "vmm/shadow/reverse_map.hpp"

namespace ringmaster {

void ReverseMap::start(PagePool& pool) {
    pool_ = &pool;
    for (u32*& heads : heads_) {
        const PageIndex page = pool.allocate(PageKind::Links, 0, 0, 0);
        heads = reinterpret_cast<u32*>(pool.entries(page));
        for (u32 n = 0; n < heads_per_page; ++n) heads[n] = 0;
    }
}

void ReverseMap::add(PageIndex table, u32 slot, u32 frame) {
    const u32 entry = table * entries_per_page + slot;
    u32& first = head(frame);
    link(entry) = {first, 0};
    if (first != 0) link(first).previous = entry;
    first = entry;
}

void ReverseMap::remove(PageIndex table, u32 slot, u32 frame) {
    const Link old = link(table * entries_per_page + slot);
    if (old.next != 0) link(old.next).previous = old.previous;
    if (old.previous != 0)
        link(old.previous).next = old.next;
    else
        head(frame) = old.next;
}

} // namespace ringmaster
