#include "vmm/identity_map.hpp"

#include "vmm/empty_socket.hpp"
#include "vmm/hidden_range.hpp"

namespace ringmaster {

namespace {

constexpr u32 entries = 512, directories = 4;
constexpr u32 pae_large_page = 2u << 20;

// A and D are set beforehand: the processor then never writes here.
enum IdentityEntry : u64 { P = 1, RW = 2, US = 4, A = 0x20, D = 0x40, PS = 0x80 };

struct Tables {
    u64 directory[directories][entries];
    u64 low[entries];
    u64 pointer[directories];
};
alignas(4096) [[gnu::section(".bss.pages")]] Tables tables;

} // namespace

void build_identity_map() {
    constexpr u64 rights = P | RW | US | A | D;
    for (u32 n = 0; n < directories * entries; ++n) {
        const u64 address = u64{n} * pae_large_page;
        tables.directory[n / entries][n % entries] = (hidden.contains(address) ? empty_socket : address) | rights | PS;
    }
    for (u32 n = 0; n < entries; ++n) tables.low[n] = u64{n} * page_size | rights;
    tables.directory[0][0] = physical(tables.low) | rights;
    for (u32 n = 0; n < directories; ++n) tables.pointer[n] = physical(tables.directory[n]) | P;
}

u32 identity_cr3() { return physical(tables.pointer); }

void replace_in_identity_map(u32 guest_page, u32 machine_page) {
    tables.low[guest_page / page_size] = machine_page | P | RW | US | A | D;
}

} // namespace ringmaster
