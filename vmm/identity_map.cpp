#include "vmm/identity_map.hpp"

#include "vmm/empty_socket.hpp"
#include "vmm/hidden_range.hpp"

namespace ringmaster {

namespace {

constexpr u32 pae_entries = 512, pae_directories = 4;
constexpr u32 pae_large_page = 2u << 20;
constexpr u32 old_entries = 1024;

// A and D are set beforehand: the processor then never writes here.
enum IdentityEntry : u32 { P = 1, RW = 2, US = 4, A = 0x20, D = 0x40, PS = 0x80, rights = P | RW | US | A | D };

struct PaeTables {
    u64 directory[pae_directories][pae_entries];
    u64 low[pae_entries];
    u64 pointer[pae_directories];
};
struct OldTables {
    u32 directory[old_entries];
    u32 low[old_entries];
};
union Tables {
    PaeTables pae;
    OldTables old;
};
alignas(4096) [[gnu::section(".bss.pages")]] Tables tables;
bool has_PAE = false;

void build(PaeTables& t) {
    for (u32 n = 0; n < pae_directories * pae_entries; ++n) {
        const u64 address = u64{n} * pae_large_page;
        const u64 page = hidden.contains(address) ? empty_socket : address;
        t.directory[n / pae_entries][n % pae_entries] = page | rights | PS;
    }
    for (u32 n = 0; n < pae_entries; ++n) t.low[n] = u64{n} * page_size | rights;
    t.directory[0][0] = physical(t.low) | rights;
    for (u32 n = 0; n < pae_directories; ++n) t.pointer[n] = physical(t.directory[n]) | P;
}

void build(OldTables& t) {
    for (u32 n = 0; n < old_entries; ++n) {
        const u32 address = n * large_page;
        t.directory[n] = (hidden.contains(address) ? empty_socket_below_4G : address) | rights | PS;
        t.low[n] = n * page_size | rights;
    }
    t.directory[0] = physical(t.low) | rights;
}

} // namespace

void build_identity_map() {
    has_PAE = (cpuid(1).edx & CPUID_PAE) != 0;
    if (has_PAE)
        build(tables.pae);
    else
        build(tables.old);
}

u32 identity_cr3() { return has_PAE ? physical(tables.pae.pointer) : physical(tables.old.directory); }
u32 identity_cr4() { return has_PAE ? CR4_PAE : CR4_PSE; }

void replace_in_identity_map(u32 guest_page, u32 machine_page) {
    if (has_PAE)
        tables.pae.low[guest_page / page_size] = machine_page | rights;
    else
        tables.old.low[guest_page / page_size] = machine_page | rights;
}

} // namespace ringmaster
