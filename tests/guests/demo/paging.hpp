// Paging: linear addresses become physical ones, 4 KiB at a time, and each page says who may touch it.
//
// The map: the first 4 MiB are mapped to themselves, for ring 0 only, except the pages of the ring-3 program. Page 0 is
// left out, so that a null pointer faults. One more page table stands at `lazy_begin`, empty: its pages are given out
// when a task first touches them (page_fault.cpp).
#pragma once

#include <stdint.h>

namespace demo::paging {

constexpr uint32_t page_size = 4096;
constexpr uint32_t lazy_begin = 0x40000000;
constexpr uint32_t lazy_end = lazy_begin + 4 * page_size;

enum class Access { read, write };

void start();
void open_to_user(uint32_t begin, uint32_t end, Access access); // whole pages inside the first 4 MiB
bool user_may_read(uint32_t begin, uint32_t length);            // would every page let ring 3 read?
bool give_lazy_page(uint32_t address);                          // false: none left, or not a lazy address
bool is_dirty(uint32_t address);                                // has the processor set D in the page's entry?

} // namespace demo::paging
