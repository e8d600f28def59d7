#include "vmm/shadow/page_pool.hpp"

namespace ringmaster {

namespace {

// The books: PDPTEs and hash heads in page 0, the regions' bits in page 1, the infos behind.
constexpr u32 table_heads_at = 1024;
constexpr u32 splinter_heads_at = 2048;
constexpr u32 infos_at = 2 * page_size;
constexpr u32 pages_most = 0x8000; // indices fit 16 bits, and entries of all pages 32

void clear(void* at, u32 bytes) {
    u32* words = static_cast<u32*>(at);
    for (u32 n = 0; n < bytes / 4; ++n) words[n] = 0;
}

// Making a table is mostly this: eight words a turn.
void clear_page(u64* entries) {
    for (u64* at = entries; at != entries + entries_per_page; at += 4) at[0] = at[1] = at[2] = at[3] = 0;
}

} // namespace

void PagePool::start(u8* pool, u32 pool_physical, u32 pages) {
    base_ = pool;
    physical_ = pool_physical;
    end_ = pages < pages_most ? pages : pages_most;
    info_ = reinterpret_cast<PageInfo*>(base_ + infos_at);
    table_heads_ = reinterpret_cast<PageIndex*>(base_ + table_heads_at);
    splinter_heads_ = reinterpret_cast<PageIndex*>(base_ + splinter_heads_at);
    first_ = (infos_at + end_ * static_cast<u32>(sizeof(PageInfo)) + page_size - 1) / page_size;
    restart();
}

void PagePool::restart() {
    clear(base_, first_ * page_size);
    free_ = no_page;
    free_count_ = 0;
    for (u32 page = end_; page-- > first_;) release(static_cast<PageIndex>(page));
}

void PagePool::release(PageIndex page) {
    info_[page].kind = PageKind::Free;
    info_[page].next = free_;
    free_ = page;
    ++free_count_;
}

PageIndex PagePool::allocate(PageKind kind, u32 key, u8 part, u8 rights) {
    const PageIndex page = free_;
    PageInfo& i = info_[page];
    free_ = i.next;
    --free_count_;
    clear(&i, sizeof i);
    if (kind != PageKind::Links) clear_page(entries(page)); // a link is written before it is read
    i.kind = kind;
    i.key = key;
    i.part = part;
    i.rights = rights;
    i.linear = no_linear;
    if (kind == PageKind::Links) return page;
    PageIndex& head = heads(kind)[hash(key)];
    i.next = head;
    head = page;
    return page;
}

void PagePool::free(PageIndex page) {
    const PageInfo& i = info_[page];
    if (i.kind != PageKind::Links) {
        PageIndex* at = &heads(i.kind)[hash(i.key)];
        while (*at != page) at = &info_[*at].next;
        *at = i.next;
    }
    release(page);
}

PageIndex PagePool::find(PageKind kind, u32 key, u8 part, u8 rights) const {
    for (PageIndex page = heads(kind)[hash(key)]; page != no_page; page = info_[page].next) {
        const PageInfo& i = info_[page];
        if (i.key == key && i.kind == kind && i.part == part && i.rights == rights) return page;
    }
    return no_page;
}

} // namespace ringmaster
