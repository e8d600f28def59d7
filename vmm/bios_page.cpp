#include "vmm/bios_page.hpp"

#include "vmm/guest.hpp"
#include "vmm/handlers.hpp"
#include "vmm/hidden_range.hpp"
#include "vmm/low_memory.hpp"
#include "vmm/paging.hpp"

namespace ringmaster {

namespace {

constexpr u32 memory_vector = 0x15;
constexpr u32 rom_begin = 0xC'0000;
constexpr u32 patch_size = 3;
constexpr u8 V32CALL_bytes[patch_size] = {0x0F, 0x04, 0xC1};

alignas(4096) [[gnu::section(".bss.pages")]] u8 copy[page_size];
u8 original[patch_size];
u32 entry = 0;        // far pointer
u32 patched_page = 0; // guest-physical; 0: none
bool stepping = false;

u8* patch() { return copy + real_address(entry) % page_size; }

void put(const u8 (&bytes)[patch_size]) {
    for (u32 n = 0; n < patch_size; ++n) patch()[n] = bytes[n];
}

} // namespace

void install_bios_page() {
    entry = real_vector(memory_vector);
    area.redirect_software[0x19 / 8] = 0xFF;
    const u32 address = real_address(entry);
    const bool in_rom = address >= rom_begin && address < first_megabyte;
    if (!in_rom || address % page_size > page_size - patch_size) return; // then INT 15H itself must do
    patched_page = address & ~page_offset_mask;
    const u8* const page = low_memory<const u8>(patched_page);
    for (u32 n = 0; n < page_size; ++n) copy[n] = page[n];
    for (u32 n = 0; n < patch_size; ++n) original[n] = patch()[n];
    put(V32CALL_bytes);
    replace_page(patched_page, physical(copy));
}

void withdraw_bios_page() {
    constexpr u32 boot_vector = 0x19;
    area.redirect_software[boot_vector / 8] = static_cast<u8>(0xFF & ~bit(boot_vector % 8));
    stepping = false;
    entry = 0;
    if (patched_page != 0) replace_page(patched_page, 0);
    patched_page = 0;
}

u32 bios_memory_entry() { return entry; }

bool at_patched_entry() {
    return patched_page != 0 && !guest_protected() && guest().segment[CS].base + guest().eip == real_address(entry);
}

void step_original() {
    put(original);
    stepping = true;
}

bool steps_original() { return stepping; }

// The other who asks for steps is prepare_interrupts(), which sees for itself what has come of them.
void handle_STEP() {
    if (!stepping) return;
    stepping = false;
    put(V32CALL_bytes);
}

} // namespace ringmaster
