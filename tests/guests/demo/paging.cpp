#include "paging.hpp"

#include "narrate.hpp"

namespace demo::paging {
namespace {

// The low bits of an entry, SDM volume 3, table 4-6.
constexpr uint32_t P = 1, RW = 2, US = 4, D = 0x40;
constexpr uint32_t cr0_PG = 1u << 31; // CR0.WP stays 0: the kernel may write where ring 3 may only read
constexpr uint32_t entries = 1024;

struct alignas(page_size) Table {
    uint32_t entry[entries];
};

Table directory, low_table, lazy_table;
alignas(page_size) uint8_t frames[4][page_size]; // memory to give out
uint32_t frames_given;

uint32_t physical(const void* address) { return reinterpret_cast<uint32_t>(address); } // mapped to itself

// The entry that maps an address, or null where no page table stands.
uint32_t* entry_of(uint32_t address) {
    const uint32_t table = directory.entry[address >> 22];
    return table & P ? &reinterpret_cast<Table*>(table & ~0xfffu)->entry[address >> 12 & 1023] : nullptr;
}

void forget(uint32_t address) { asm volatile("invlpg (%0)" : : "r"(address) : "memory"); }

} // namespace

void start() {
    for (uint32_t page = 1; page < entries; ++page) {
        low_table.entry[page] = page * page_size | RW | P;
    }
    // The directory lets everything through; the page tables decide.
    directory.entry[0] = physical(&low_table) | US | RW | P;
    directory.entry[lazy_begin >> 22] = physical(&lazy_table) | US | RW | P;

    asm volatile("mov %0, %%cr3\n\t"
                 "mov %%cr0, %%eax\n\t"
                 "or %1, %%eax\n\t"
                 "mov %%eax, %%cr0"
                 :
                 : "r"(physical(&directory)), "i"(cr0_PG)
                 : "eax", "memory");
    uint32_t cr0;
    asm("mov %%cr0, %0" : "=r"(cr0));
    say("Paging: on; the first 4 MiB are mapped to themselves, page 0 is not; CR0.PG=", cr0 >> 31, ".");
}

void open_to_user(uint32_t begin, uint32_t end, Access access) {
    for (uint32_t address = begin; address < end; address += page_size) {
        uint32_t& entry = *entry_of(address);
        entry = (entry & ~RW) | US | (access == Access::write ? RW : 0);
        forget(address);
    }
}

bool user_may_read(uint32_t begin, uint32_t length) {
    if (!length || begin + length < begin) {
        return false;
    }
    for (uint32_t address = begin & ~0xfffu; address <= begin + length - 1; address += page_size) {
        const uint32_t* entry = entry_of(address);
        if (!entry || (*entry & (US | P)) != (US | P)) {
            return false;
        }
    }
    return true;
}

bool give_lazy_page(uint32_t address) {
    if (address < lazy_begin || address >= lazy_end || frames_given == 4) {
        return false;
    }
    *entry_of(address) = physical(frames[frames_given++]) | US | RW | P;
    return true;
}

bool is_dirty(uint32_t address) {
    const uint32_t* entry = entry_of(address);
    return entry && (*entry & D);
}

} // namespace demo::paging
