#include "vmm/hidden_range.hpp"

extern "C" {
extern char image_end[];
void move_and_switch(truering::u32 to, truering::u32 bytes, truering::u32 directory);
extern truering::u32 first_directory[1024];
}

namespace ringmaster {

PhysicalRange hidden;

namespace {

constexpr u32 directory_entries = 1024;
alignas(4096) [[gnu::section(".bss.pages")]] u32 directory[directory_entries];
u8* next_page = nullptr;

constexpr u32 large_entry(u32 address) {
    constexpr u32 P = 1, RW = 2, A = 0x20, D = 0x40, PS = 0x80;
    return address | P | RW | A | D | PS;
}

} // namespace

void move_there(PhysicalRange range) {
    write_cr4(CR4_PSE);
    constexpr u32 first_linear = linear_base / large_page;
    for (u32 n = 0; n < first_linear; ++n) first_directory[n] = directory[n] = large_entry(n * large_page);
    for (u32 at = 0; at < range.size; at += large_page)
        directory[first_linear + at / large_page] = large_entry(range.base + at);
    constexpr u32 PCD = 0x10;
    directory[io_apic_address / large_page] = large_entry(io_apic_address & ~(large_page - 1)) | PCD;
    asm volatile("mov %%cr3, %%eax; mov %%eax, %%cr3" : : : "eax", "memory"); // the first directory has changed
    hidden = range;
    const u32 image = reinterpret_cast<u32>(image_end) - linear_base;
    next_page = reinterpret_cast<u8*>(image_end);
    move_and_switch(range.base, image, physical(directory));
}

u32 pages_left() { return (linear_base + hidden.size - reinterpret_cast<u32>(next_page)) / page_size; }

void* take_pages(u32 count) {
    if (count > pages_left()) return nullptr;
    auto* const words = reinterpret_cast<u32*>(next_page);
    for (u32 n = 0; n < count * (page_size / sizeof(u32)); ++n) words[n] = 0;
    next_page += count * page_size;
    return words;
}

} // namespace ringmaster
