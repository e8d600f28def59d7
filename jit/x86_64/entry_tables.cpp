#include "jit/x86_64/entry_tables.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>
#include <system_error>

namespace truering {

EntryTables::EntryTables(u32 none) : none_(none) {
    void* const at = mmap(nullptr, size_t{capacity} * table_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_32BIT, -1, 0);
    if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "no memory for the entries of code");
    memory_ = static_cast<u32*>(at);
    make_empty(used_++);
}

EntryTables::~EntryTables() { munmap(memory_, size_t{capacity} * table_bytes); }

void EntryTables::make_empty(u32 table) {
    u32* const first = memory_ + size_t{table} * page_size;
    std::fill(first, first + page_size, none_);
}

CodePage* EntryTables::find(u64 physical, u32 linear) {
    const auto found = pages_.find(key(physical, linear));
    return found == pages_.end() ? nullptr : &found->second;
}

CodePage* EntryTables::page(u64 physical, u32 linear) {
    if (CodePage* const known = find(physical, linear)) return known;
    if (full()) return nullptr;
    make_empty(used_);
    const CodePage page{physical, linear & ~page_offset_mask, used_++ * table_bytes};
    return &pages_.emplace(key(physical, linear), page).first->second;
}

void EntryTables::clear_all() {
    pages_.clear();
    used_ = 1;
}

} // namespace truering
