// Open and closed frames (vmm/shadow/tables.hpp).
#include "vmm/shadow/tables.hpp"

namespace ringmaster {

using namespace shadow_detail;

bool ShadowTables::is_closed(u32 frame) const {
    for (PageIndex page = pool_.first_table(frame); page != no_page; page = pool_.info(page).next)
        if (pool_.info(page).key == frame) return (pool_.info(page).flags & page_open) == 0;
    return false;
}

bool ShadowTables::is_splintered(u32 region) const {
    return ((pool_.region_bits()[region / 32] >> region % 32) & 1) != 0;
}

void ShadowTables::enrol(PageIndex page) {
    // All pages that mirror one frame are open, or none.
    PageInfo& info = pool_.info(page);
    for (PageIndex other = pool_.first_table(info.key); other != no_page; other = pool_.info(other).next) {
        if (other == page || pool_.info(other).key != info.key) continue;
        if ((pool_.info(other).flags & page_open) != 0) {
            info.flags |= page_open;
            info.next_open = open_;
            open_ = page;
        }
        return;
    }
    close(info.key);
}

void ShadowTables::open(u32 frame) {
    bool opened = false;
    for (PageIndex page = pool_.first_table(frame); page != no_page; page = pool_.info(page).next) {
        PageInfo& info = pool_.info(page);
        if (info.key != frame || (info.flags & page_open) != 0) continue;
        info.flags |= page_open;
        info.next_open = open_;
        open_ = page;
        opened = true;
    }
    if (opened) ++counters.opened;
}

bool ShadowTables::open_for_store(u32 linear, Privilege privilege) {
    const PageIndex directory = root_[linear >> 30];
    if (directory == no_page || !guest_->protects_from_supervisor()) return false;
    const u64 upper = pool_.entries(directory)[slot_in_directory(linear)];
    const u64 wanted = entry_P | entry_RW | (privilege == Privilege::User ? u64{entry_US} : 0);
    if ((upper & wanted) != wanted || (upper & entry_PS) != 0) return false;
    const PageIndex child = pool_.index_of(upper);
    const PageInfo& info = pool_.info(child);
    if (((pool_.info(directory).flags | info.flags) & page_open) != 0) return false;
    const u32 slot = slot_in_table(linear);
    const u64 leaf = pool_.entries(child)[slot];
    if (((leaf | entry_RW) & wanted) != wanted || !is_closed(frame_of(leaf))) return false;
    if (info.kind == PageKind::Table) {
        constexpr u64 stored = entry_RW | entry_D;
        if ((guest_entry(table_bytes(info.key), info, slot) & stored) != stored) return false;
    } else if ((info.rights & right_write) == 0) {
        return false;
    }
    open(frame_of(leaf));
    set_leaf(child, slot, leaf | entry_RW);
    return true;
}

// Takes the right to write from all entries that map the frame.
void ShadowTables::close(u32 frame) {
    if (table_bytes(frame) == nullptr) return; // the guest's table reads as ones, whatever it stores there
    writable_.for_each(frame, [&](PageIndex table, u32 slot) {
        const u64 entry = pool_.entries(table)[slot];
        if (frame_of(entry) == frame) set_leaf(table, slot, entry & ~u64{entry_RW});
    });
    const GuestMemory& memory = guest_->memory;
    protect(frame);
    const u32 masked_bits = ~memory.frame_mask;
    if (masked_bits != 0) protect(frame | masked_bits);
    for (u32 n = 0; n < memory.substitute_count; ++n) {
        const Substitute& substitute = memory.substitutes[n];
        if (substitute.machine_frame != frame) continue;
        protect(substitute.guest_frame);
        if (masked_bits != 0) protect(substitute.guest_frame | masked_bits);
    }
}

// The same in what maps large pages, where the guest's page holds a frame that may stand behind this one's address.
void ShadowTables::protect(u32 guest_frame) {
    const u32 region = guest_frame / frames_per_large;
    if (region >= PagePool::regions) return;
    if (!is_splintered(region)) splinter_region(region); // uneven ones have Splinters all the same
    for (PageIndex page = pool_.first_splinter(region); page != no_page; page = pool_.info(page).next) {
        if (pool_.info(page).key != region) continue;
        const u32 slot = guest_frame % frames_per_large;
        set_leaf(page, slot, pool_.entries(page)[slot] & ~u64{entry_RW});
    }
}

void ShadowTables::splinter_region(u32 region) {
    pool_.region_bits()[region / 32] |= 1u << region % 32;
    for (u32 n = pool_.first_index(); n < pool_.end_index(); ++n) {
        const PageIndex page = static_cast<PageIndex>(n);
        const PageInfo& info = pool_.info(page);
        if (info.kind != PageKind::Directory) continue;
        for_each_present(info, [&](u32 slot) {
            const u64 entry = pool_.entries(page)[slot];
            const bool maps = (entry & entry_PS) != 0 && frame_of(entry) / frames_per_large == region;
            if (maps) set_directory_entry(page, slot, 0);
        });
    }
}

} // namespace ringmaster
