// Comparing open tables with what they mirror (vmm/shadow/tables.hpp). What does not agree is removed, never mended:
// the next access faults and maps it as it is then.
#include "vmm/shadow/tables.hpp"

namespace ringmaster {

using namespace shadow_detail;

namespace {

// For tables that have all rights of their own (CR0.WP=1).
bool is_the_same(u64 shadow, u64 guest) {
    constexpr u32 same_bits = 0xFFFF'F000 | entry_P | entry_US | entry_A | entry_G;
    constexpr u32 stored = entry_RW | entry_D;
    const u32 low = static_cast<u32>(shadow), guest_low = static_cast<u32>(guest);
    if (((low ^ guest_low) & same_bits) != 0 || static_cast<u32>(shadow >> 32) != static_cast<u32>(guest >> 32))
        return false;
    return (low & entry_RW) == 0 || (guest_low & stored) == stored;
}

} // namespace

u64 ShadowTables::guest_entry(const u8* table, const PageInfo& info, u32 slot) const {
    if (guest_->is_PAE()) return guest_->read_entry(table, slot * 8);
    // Two entries of a shadow directory, 2 MiB each, stand for one of the guest's.
    if (info.kind == PageKind::Directory) return guest_->read_entry(table, (info.part * 256u + slot / 2) * 4);
    return guest_->read_entry(table, (info.part * entries_per_page + slot) * 4);
}

// Rights that a shadow's entry has, against those that the guest's present entry gives.
bool ShadowTables::agrees(u8 shadow, u64 guest, u8 guest_rights) const {
    if ((guest & entry_A) == 0) return false;
    const bool dirty = (guest & entry_D) != 0;
    u8 wanted = guest_rights;
    if ((guest & entry_G) != 0) wanted |= right_global;
    if ((wanted & right_write) == 0 && !guest_->protects_from_supervisor()) {
        const bool for_supervisor = (shadow & (right_user | right_write)) == right_write;
        if (for_supervisor && (wanted & right_user) != 0) wanted &= static_cast<u8>(~right_user);
        if ((wanted & right_user) == 0) wanted |= right_write;
    }
    if (!dirty) wanted &= static_cast<u8>(~right_write);
    if ((shadow & right_write) != 0 && (wanted & right_write) == 0) return false;
    return ((shadow ^ wanted) & ~right_write) == 0;
}

void ShadowTables::compare_table_slot(PageIndex table, u32 slot, u64 guest) {
    const PageInfo& info = pool_.info(table);
    const u64 shadow = pool_.entries(table)[slot];
    const Parsed parsed = guest_->parse_table_entry(guest);
    const bool same =
        parsed.present && !parsed.reserved && guest_->memory.machine_frame(parsed.frame) == frame_of(shadow);
    const u8 rights = static_cast<u8>(info.rights & rights_of(guest));
    if (!same || !agrees(shadow_rights(shadow), guest, rights)) set_leaf(table, slot, 0);
}

bool ShadowTables::directory_slot_agrees(u64 shadow, u32 slot, u64 guest) const {
    const Parsed parsed = guest_->parse_directory_entry(guest);
    if (!parsed.present || parsed.reserved || (guest & entry_A) == 0) return false;
    const bool is_large = (shadow & entry_PS) != 0;
    const PageInfo* child = is_large ? nullptr : &pool_.info(pool_.index_of(shadow));
    const u8 half = guest_->is_PAE() ? u8{0} : static_cast<u8>(slot & 1);
    if (child != nullptr && child->kind == PageKind::Table) {
        const LinkRights rights = link_rights(rights_of(guest));
        return !parsed.large && child->key == guest_->memory.machine_frame(parsed.frame) && child->part == half &&
               child->rights == rights.of_table && shadow_rights(shadow) == rights.of_entry;
    }
    if (!parsed.large) return false;
    const u32 first = parsed.frame + half * frames_per_large;
    if (is_large) return frame_of(shadow) == first && agrees(shadow_rights(shadow), guest, rights_of(guest));
    return child->key == first / frames_per_large && agrees(child->rights, guest, rights_of(guest));
}

void ShadowTables::compare_directory_slot(PageIndex directory, u32 slot, u64 guest) {
    if (!directory_slot_agrees(pool_.entries(directory)[slot], slot, guest)) set_directory_entry(directory, slot, 0);
}

void ShadowTables::compare(PageIndex page) {
    ++counters.compared;
    const PageInfo& info = pool_.info(page);
    const u8* table = table_bytes(info.key);
    if (info.kind == PageKind::Table) return compare_table(page, table);
    for_each_present(info, [&](u32 slot) { compare_directory_slot(page, slot, guest_entry(table, info, slot)); });
}

// Most of what MOV CR3 costs. Nearly always nothing has changed, and what is equal bit by bit agrees without being
// taken apart.
void ShadowTables::compare_table(PageIndex page, const u8* table) {
    const PageInfo& info = pool_.info(page);
    const bool whole_rights = info.rights == rights_all && guest_->protects_from_supervisor();
    const FrameRange hidden = guest_->memory.hidden; // there no frame is itself
    const u64* shadows = pool_.entries(page);
    const u32 size = guest_->entry_size();
    const u8* guests = table == nullptr ? nullptr : table + info.part * entries_per_page * size;
    for_each_present(info, [&](u32 slot) {
        const u64 guest = guest_->read_entry(guests, slot * size);
        if (whole_rights && is_the_same(shadows[slot], guest) && !hidden.contains(frame_of(guest))) return;
        compare_table_slot(page, slot, guest);
    });
}

void ShadowTables::compare_path(u32 linear) {
    const PageIndex directory = root_[linear >> 30];
    if (directory == no_page || !guest_->is_on()) return;
    const u32 slot = slot_in_directory(linear);
    const u64& entry = pool_.entries(directory)[slot];
    const PageInfo& info = pool_.info(directory);
    if ((entry & entry_P) == 0) return;
    if ((info.flags & page_open) != 0)
        compare_directory_slot(directory, slot, guest_entry(table_bytes(info.key), info, slot));
    if ((entry & entry_P) == 0 || (entry & entry_PS) != 0) return;
    const PageIndex table = pool_.index_of(entry);
    const PageInfo& child = pool_.info(table);
    const u32 leaf = slot_in_table(linear);
    if ((child.flags & page_open) != 0 && (pool_.entries(table)[leaf] & entry_P) != 0)
        compare_table_slot(table, leaf, guest_entry(table_bytes(child.key), child, leaf));
}

void ShadowTables::invalidate(u32 linear) {
    // No paging-structure cache is left; those of other roots went with the last MOV CR3.
    for (const PageIndex page : root_)
        if (page != no_page && (pool_.info(page).flags & page_open) != 0) close_open(pool_.info(page).key);
    compare_path(linear);
    drop.page(linear, Globality::Global);
    // One INVLPG is for all of a large page, which is two entries here if it has 4 MiB. What the present root has
    // mapped by one and no longer does has been dropped with the entry.
    const u32 both = guest_->is_PAE() ? 1u << (linear >> 21) % 32 : 3u << ((linear >> 22) * 2) % 32;
    if ((large_globals_[linear >> 26] & both) != 0) drop.all();
}

void ShadowTables::close_open(u32 frame) {
    PageIndex* at = &open_;
    while (*at != no_page) {
        PageInfo& info = pool_.info(*at);
        if (info.key != frame) {
            at = &info.next_open;
            continue;
        }
        compare(*at);
        info.flags &= static_cast<u8>(~page_open);
        *at = info.next_open;
    }
    close(frame);
}

void ShadowTables::close_all() {
    PageIndex kept = no_page;
    for (PageIndex page = open_, next = no_page; page != no_page; page = next) {
        PageInfo& info = pool_.info(page);
        next = info.next_open;
        info.flags &= static_cast<u8>(~page_open);
        if (is_out_of_use(page)) {
            free_page(page);
            continue;
        }
        compare(page);
        info.next_open = kept;
        kept = page;
    }
    open_ = no_page;
    for (; kept != no_page; kept = pool_.info(kept).next_open) close(pool_.info(kept).key);
}

} // namespace ringmaster
