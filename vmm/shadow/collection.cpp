// Finding pages that are out of use (vmm/shadow/tables.hpp).
#include "vmm/shadow/tables.hpp"

namespace ringmaster {

using namespace shadow_detail;

namespace {

constexpr u32 pages_for_a_map = 3; // that one map() may take: a directory, a table and its links
constexpr u32 worthwhile_part = 8; // fewer than one in so many free pages: forget everything instead

} // namespace

void ShadowTables::make_room() {
    if (!notices_ && pool_.free_count() < pool_.end_index() / 2) begin_to_notice();
    if (pool_.free_count() < pages_for_a_map) collect();
}

void ShadowTables::begin_to_notice() {
    notices_ = true;
    for (u32 n = pool_.first_index(); n < pool_.end_index(); ++n) {
        PageInfo& info = pool_.info(static_cast<PageIndex>(n));
        if (info.kind == PageKind::Directory) info.flags &= static_cast<u8>(~page_used);
    }
    for (const PageIndex directory : root_)
        if (directory != no_page) pool_.info(directory).flags |= page_used;
}

bool ShadowTables::is_out_of_use(PageIndex page) const {
    const PageInfo& info = pool_.info(page);
    return info.kind == PageKind::Directory ? root_[info.part] != page : info.parents == 0;
}

void ShadowTables::free_page(PageIndex page) {
    const PageInfo& info = pool_.info(page);
    if (info.kind == PageKind::Directory) for_each_present(info, [&](u32 slot) { set_directory_entry(page, slot, 0); });
    if (info.kind == PageKind::Table) {
        for_each_present(info, [&](u32 slot) { set_leaf(page, slot, 0); });
        pool_.free(info.links);
    }
    pool_.free(page);
}

void ShadowTables::mark_children(PageIndex directory) {
    for_each_present(pool_.info(directory), [&](u32 slot) {
        const u64 entry = pool_.entries(directory)[slot];
        if ((entry & entry_PS) == 0) pool_.info(pool_.index_of(entry)).flags |= page_used;
    });
}

void ShadowTables::collect() {
    ++counters.collected;
    close_all(); // no freed page is left in the list of open ones
    const auto for_each_page = [&](auto visit) {
        for (u32 n = pool_.first_index(); n < pool_.end_index(); ++n) {
            const PageIndex page = static_cast<PageIndex>(n);
            PageInfo& info = pool_.info(page);
            if (info.kind != PageKind::Free && info.kind != PageKind::Links) visit(page, info);
        }
    };
    for_each_page([](PageIndex, PageInfo& info) {
        if (info.kind != PageKind::Directory) info.flags &= static_cast<u8>(~page_used);
    });
    for_each_page([&](PageIndex page, PageInfo& info) {
        if (info.kind == PageKind::Directory && (info.flags & page_used) != 0) mark_children(page);
    });
    for_each_page([&](PageIndex page, PageInfo& info) { // parents first
        if (info.kind == PageKind::Directory && (info.flags & page_used) == 0) free_page(page);
    });
    for_each_page([&](PageIndex page, PageInfo& info) {
        if ((info.flags & page_used) == 0) free_page(page);
    });
    begin_to_notice();
    drop.all();
    if (pool_.free_count() < pool_.end_index() / worthwhile_part) restart();
}

} // namespace ringmaster
