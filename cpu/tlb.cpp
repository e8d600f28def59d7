#include "cpu/tlb.hpp"

#include <new>
#include <sys/mman.h>

namespace truering {

namespace {

// Pages of the host come one by one as they are touched: huge ones would all be cleared and held for a few entries.
template <class T> HostZeroes<T> host_zeroes(int protection = PROT_READ | PROT_WRITE) {
    void* const memory = mmap(nullptr, sizeof(T), protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    madvise(memory, sizeof(T), MADV_NOHUGEPAGE); // where the host has none of those, there is nothing to refuse
    return HostZeroes<T>(static_cast<T*>(memory), UnmapHost{sizeof(T)});
}

u64 host_delta(const u8* host, u32 page) {
    return host == nullptr ? 0 : reinterpret_cast<u64>(host) - u64{page} * page_size;
}

constexpr u64 list_marks = tlb_listed | tlb_listed_global;

} // namespace

void UnmapHost::operator()(void* memory) const { munmap(memory, bytes); }

Tlb::Tlb() : never_(host_zeroes<TlbView>(PROT_READ)) {}

Tlb::Side::Side() : privilege{{host_zeroes<TlbView>()}, {host_zeroes<TlbView>()}}, writers(host_zeroes<Writers>()) {}

// ---- Entries

void Tlb::fill(bool user, u32 linear, const TlbFill& what) {
    Privilege& p = now_->privilege[user];
    const u32 page = linear / page_size;
    const u64 before = p.view->frame_and_rights[page];
    u64 after = what.physical_page | what.rights | tlb_present | (before & list_marks);
    // The number of the page is the number of its frame's code: a right that comes or goes beside does not matter.
    constexpr u64 same_code = ~u64{page_offset_mask} | tlb_fetch;
    if (((before ^ after) & same_code) != 0) p.view->code[page] = 0;
    p.list(page, after);
    p.view->frame_and_rights[page] = after;
    p.view->read[page] = host_delta(what.read, page);
    p.view->write[page] = 0;
    if (what.write != nullptr) allow_fast_writes(user, linear, what.write);
}

void Tlb::allow_fast_writes(bool user, u32 linear, u8* host) {
    TlbView& v = *view(user);
    const u32 page = linear / page_size;
    now_->note_writer(page, frame_of(v.frame_and_rights[page]));
    v.write[page] = host_delta(host, page);
}

void Tlb::set_code(bool user, u32 linear, u32 number) {
    TlbView& v = *view(user);
    if (v.has(linear, tlb_fetch)) v.code[linear / page_size] = number;
}

void Tlb::Privilege::list(u32 page, u64& rights) {
    const bool global = (rights & tlb_global) != 0;
    const u64 mark = global ? tlb_listed_global : tlb_listed;
    if ((rights & mark) != 0) return;
    rights |= mark;
    (global ? listed_global : listed).push_back(page);
}

void Tlb::Privilege::clear(u32 page, u64 kept_rights) {
    view->read[page] = 0;
    view->write[page] = 0;
    view->code[page] = 0;
    view->frame_and_rights[page] &= kept_rights;
}

// ---- Flushing

void Tlb::Privilege::flush_list(std::vector<u32>& list) {
    for (const u32 page : list) clear(page, 0);
    list.clear();
}

void Tlb::Privilege::flush() {
    flush_list(listed);
    flush_list(listed_global);
}

void Tlb::Privilege::flush_non_global() {
    for (const u32 page : listed) {
        u64& rights = view->frame_and_rights[page];
        if ((rights & tlb_global) != 0) // it has become global since it was listed here
            rights &= ~u64{tlb_listed};
        else
            clear(page, tlb_listed_global);
    }
    listed.clear();
}

void Tlb::flush_all() {
    for (Privilege& p : now_->privilege) p.flush();
}

void Tlb::flush_side(TlbSide side) {
    for (Privilege& p : sides_[static_cast<unsigned>(side)].privilege) p.flush();
}

void Tlb::flush_non_global() {
    for (Privilege& p : now_->privilege) p.flush_non_global();
}

// An empty page on a list is harmless.
void Tlb::flush_page(u32 linear) {
    for (Privilege& p : now_->privilege)
        if (p.view->has(linear, tlb_present)) p.clear(linear / page_size, list_marks);
}

void Tlb::forget_code() {
    for (Side& side : sides_)
        for (Privilege& p : side.privilege)
            for (const std::vector<u32>* list : {&p.listed, &p.listed_global})
                for (const u32 page : *list) p.view->code[page] = 0;
}

// ---- Writers of a frame

bool Tlb::Side::writes(u32 page, u32 frame) const {
    for (const Privilege& p : privilege)
        if (p.view->write[page] != 0 && frame_of(p.view->frame_and_rights[page]) == frame) return true;
    return false;
}

void Tlb::Side::forbid(u32 page, u32 frame) {
    for (Privilege& p : privilege)
        if (frame_of(p.view->frame_and_rights[page]) == frame) p.view->write[page] = 0;
}

// A flush leaves what stands here alone: it is proven when its place is wanted.
void Tlb::Side::note_writer(u32 page, u32 frame) {
    u32(&known)[2] = writers->page[frame];
    const u32 number = page + 1;
    if (known[0] == number || known[1] == number) return;
    for (u32& place : known) {
        if (place != 0 && writes(place - 1, frame)) continue;
        place = number;
        return;
    }
    forbid(known[0] - 1, frame);
    known[0] = known[1];
    known[1] = number;
}

void Tlb::Side::forbid_all_of(u32 frame) {
    for (u32& place : writers->page[frame]) {
        if (place != 0) forbid(place - 1, frame);
        place = 0;
    }
}

void Tlb::forbid_fast_writes(u64 physical_page) {
    for (Side& side : sides_) side.forbid_all_of(frame_of(physical_page));
}

} // namespace truering
