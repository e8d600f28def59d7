#include "vmm/shadow/tables.hpp"

namespace ringmaster {

using namespace shadow_detail;

namespace {

// An identity map has no guest table: keys that are no frame.
constexpr u32 identity_key = 0xFFFF'FF00;
void set_present(PageInfo& info, u32 slot, u64 value) {
    u32& word = info.present[slot / 32];
    const u32 mask = 1u << slot % 32;
    word = (value & entry_P) != 0 ? word | mask : word & ~mask;
}

} // namespace

void ShadowTables::start(GuestPaging& guest, u8* pool, u32 pool_physical, u32 pages) {
    guest_ = &guest;
    counters = {};
    pool_.start(pool, pool_physical, pages);
    restart();
    counters.restarted = 0;
}

void ShadowTables::restart() {
    pool_.restart();
    writable_.start(pool_);
    open_ = no_page;
    notices_ = false;
    for (PageIndex& directory : root_) directory = no_page;
    for (u32& slots : large_globals_) slots = 0;
    drop.all();
    ++counters.restarted;
}

u8* ShadowTables::table_bytes(u32 frame) const {
    const GuestMemory& memory = guest_->memory;
    return frame == memory.empty_frame ? nullptr : memory.reach(memory.context, frame);
}

// ---- The root

void ShadowTables::load_root() {
    for (unsigned quarter = 0; quarter < 4; ++quarter) {
        u32 frame = 0;
        PageIndex directory = no_page;
        if (guest_->directory_frame(quarter, frame)) {
            const u32 key = guest_->memory.machine_frame(frame);
            directory = root_[quarter];
            if (directory == no_page || pool_.info(directory).key != key)
                directory = pool_.find(PageKind::Directory, key, static_cast<u8>(quarter), 0);
        }
        set_root(quarter, directory);
    }
}

void ShadowTables::set_root(unsigned quarter, PageIndex directory) {
    root_[quarter] = directory;
    pool_.root()[quarter] = directory == no_page ? 0 : pool_.physical(directory) | u64{entry_P};
    if (directory != no_page) pool_.info(directory).flags |= page_used;
}

PageIndex ShadowTables::directory_for(unsigned quarter) {
    if (root_[quarter] != no_page) return root_[quarter];
    u32 frame = 0;
    u32 key = identity_key;
    if (guest_->is_on() && guest_->directory_frame(quarter, frame)) key = guest_->memory.machine_frame(frame);
    const PageIndex directory = pool_.allocate(PageKind::Directory, key, static_cast<u8>(quarter), 0);
    pool_.info(directory).linear = quarter << 30;
    if (key != identity_key) enrol(directory);
    set_root(quarter, directory);
    return directory;
}

// ---- Entries

u64 ShadowTables::bits_of(u8 rights) const {
    u64 entry = entry_P | entry_A | entry_D;
    if ((rights & right_write) != 0) entry |= entry_RW;
    if ((rights & right_user) != 0) entry |= entry_US;
    if ((rights & right_global) != 0) entry |= entry_G;
    if ((rights & right_fetch) == 0 && guest_->has_NX()) entry |= entry_NX;
    return entry;
}

// With CR0.WP=0 a supervisor stores where it may only read. The record's CR0.WP is always 1; so a supervisor's page
// is writable then, and a user's read-only page is mapped for the one or the other: writable for the supervisor alone,
// or readable for both. The #PF that asks for the other drops what the TLB has.
u8 ShadowTables::rights_for(u8 rights, u64 guest_entry, Access access, Privilege privilege) const {
    if ((rights & right_write) == 0 && !guest_->protects_from_supervisor()) {
        if ((rights & right_user) == 0)
            rights |= right_write;
        else if (access == Access::Write && privilege == Privilege::Supervisor)
            rights = static_cast<u8>((rights & ~right_user) | right_write);
    }
    if ((guest_entry & entry_D) == 0) rights &= static_cast<u8>(~right_write);
    if ((guest_entry & entry_G) != 0) rights |= right_global;
    return rights;
}

// The rights of a directory's entry stand in the shadow's entry, so that one Table serves entries of different rights;
// not so with CR0.WP=0, where the processor's way to combine them is not the guest's.
ShadowTables::LinkRights ShadowTables::link_rights(u8 rights) const {
    if (guest_->protects_from_supervisor()) return {.of_entry = rights, .of_table = rights_all};
    return {.of_entry = rights_all, .of_table = rights};
}

void ShadowTables::drop_leaf(const PageInfo& info, u32 slot, u64 entry) {
    if ((info.flags & page_many_places) != 0)
        drop.all_of(globality(entry));
    else
        drop.page(info.linear + slot * page_size, globality(entry));
}

void ShadowTables::set_leaf(PageIndex page, u32 slot, u64 value) {
    u64& entry = pool_.entries(page)[slot];
    const u64 old = entry;
    if (old == value) return;
    PageInfo& info = pool_.info(page);
    const bool listed = info.kind == PageKind::Table;
    const bool same_frame = frame_of(old) == frame_of(value);
    const bool was_writable = (old & entry_RW) != 0;
    const bool is_writable = (value & entry_RW) != 0;
    entry = value;
    set_present(info, slot, value);
    if (was_writable && !(is_writable && same_frame)) {
        if (listed) writable_.remove(page, slot, frame_of(old));
        drop_leaf(info, slot, old);
    }
    if (listed && is_writable && !(was_writable && same_frame)) writable_.add(page, slot, frame_of(value));
}

void ShadowTables::set_directory_entry(PageIndex directory, u32 slot, u64 value) {
    u64& entry = pool_.entries(directory)[slot];
    const u64 old = entry;
    if (old == value) return;
    entry = value;
    set_present(pool_.info(directory), slot, value);
    if ((value & (entry_P | entry_PS)) == entry_P) ++pool_.info(pool_.index_of(value)).parents;
    if ((old & (entry_P | entry_PS)) == entry_P) --pool_.info(pool_.index_of(old)).parents;
    if ((old & entry_P) == 0) return;
    // What maps a guest's large page may be in the TLB in any number of parts, and one INVLPG of the guest is for all
    // of them: they leave together with the entry.
    const bool old_large = (old & entry_PS) != 0;
    if (!old_large && pool_.info(pool_.index_of(old)).kind != PageKind::Splinter) return;
    const u8 old_rights = old_large ? shadow_rights(old) : pool_.info(pool_.index_of(old)).rights;
    const bool upgrade = old_large && (value & entry_PS) != 0 && frame_of(old) == frame_of(value) &&
                         (old_rights & ~shadow_rights(value)) == 0;
    if (!upgrade) drop.all_of((old_rights & right_global) != 0 ? Globality::Global : Globality::NonGlobal);
}

void ShadowTables::link(PageIndex directory, u32 slot, PageIndex child, u8 rights) {
    const PageInfo& parent = pool_.info(directory);
    PageInfo& info = pool_.info(child);
    const u32 linear = parent.linear + slot * (page_size * entries_per_page);
    // Another address may have been flushed since an open table was compared: it must not meet what lags behind.
    const u64 old = pool_.entries(directory)[slot];
    const bool is_linked = (old & (entry_P | entry_PS)) == entry_P && pool_.index_of(old) == child;
    if (!is_linked && (info.flags & page_open) != 0) compare(child);
    if (info.linear == no_linear)
        info.linear = linear;
    else if (info.linear != linear)
        info.flags |= page_many_places;
    set_directory_entry(directory, slot, pool_.physical(child) | (bits_of(rights) & ~u64{entry_D}));
}

// ---- Mapping

void ShadowTables::map(u32 linear, const GuestWalk& walk, Access access, Privilege privilege) {
    make_room();
    const PageIndex directory = directory_for(linear >> 30);
    const u64 guest_entry = walk.levels == 0 ? u64{entry_D} : walk.last_entry();
    const u8 upper = link_rights(walk.upper_rights).of_table;
    const u8 own = walk.large ? walk.rights : static_cast<u8>(upper & rights_of(guest_entry));
    const u8 rights = rights_for(own, guest_entry, access, privilege);
    if (walk.large)
        map_large(directory, linear, walk, rights, access);
    else
        map_small(directory, linear, walk, rights, access);
}

void ShadowTables::map_small(PageIndex directory, u32 linear, const GuestWalk& walk, u8 rights, Access access) {
    const u32 table_frame = guest_->memory.machine_frame(walk.level[1].table);
    const u8 half = guest_->is_PAE() ? u8{0} : static_cast<u8>((linear >> 21) & 1);
    const u32 slot = slot_in_directory(linear);
    const LinkRights upper = link_rights(walk.upper_rights);
    PageIndex table = pool_.find(PageKind::Table, table_frame, half, upper.of_table);
    if (table == no_page) table = make_table(table_frame, half, upper.of_table);
    link(directory, slot, table, upper.of_entry);
    const u32 frame = guest_->memory.machine_frame(walk.frame);
    if ((rights & right_write) != 0 && is_closed(frame)) {
        if (access == Access::Write)
            open(frame);
        else
            rights &= static_cast<u8>(~right_write);
    }
    set_leaf(table, slot_in_table(linear), bits_of(rights) | u64{frame} << 12);
}

PageIndex ShadowTables::make_table(u32 frame, u8 part, u8 rights) {
    const PageIndex table = pool_.allocate(PageKind::Table, frame, part, rights);
    pool_.info(table).links = pool_.allocate(PageKind::Links, 0, 0, 0);
    enrol(table);
    return table;
}

void ShadowTables::map_large(PageIndex directory, u32 linear, const GuestWalk& walk, u8 rights, Access access) {
    const u32 first = walk.frame & ~(frames_per_large - 1);
    const u32 region = first / frames_per_large;
    const u32 slot = slot_in_directory(linear);
    if ((rights & right_global) != 0) large_globals_[linear >> 26] |= 1u << (linear >> 21) % 32;
    if (!is_splintered(region) && !guest_->memory.is_uneven(first))
        return set_directory_entry(directory, slot, bits_of(rights) | entry_PS | u64{first} << 12);
    PageIndex splinter = pool_.find(PageKind::Splinter, region, 0, rights);
    if (splinter == no_page) splinter = make_splinter(region, rights);
    link(directory, slot, splinter, rights_all);
    if (access != Access::Write || (rights & right_write) == 0) return;
    const u32 frame = guest_->memory.machine_frame(walk.frame);
    if (is_closed(frame)) open(frame);
    set_leaf(splinter, slot_in_table(linear), bits_of(rights) | u64{frame} << 12);
}

PageIndex ShadowTables::make_splinter(u32 region, u8 rights) {
    const PageIndex splinter = pool_.allocate(PageKind::Splinter, region, 0, rights);
    const u8 read_only = rights & static_cast<u8>(~right_write);
    for (u32 n = 0; n < entries_per_page; ++n) {
        const u32 frame = guest_->memory.machine_frame(region * frames_per_large + n);
        set_leaf(splinter, n, bits_of(is_closed(frame) ? read_only : rights) | u64{frame} << 12);
    }
    return splinter;
}

} // namespace ringmaster
