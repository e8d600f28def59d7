#include "vmm/memory_map.hpp"

namespace ringmaster {

MemoryMap machine_map, guest_map;

namespace {

constexpr u32 info_has_map = 1u << 6;
constexpr u32 mebibyte = 1u << 20;
constexpr u32 lowest = 16 * mebibyte; // the 8237 writes anywhere below

// The firmware works at the top of memory whenever the guest resets: SeaBIOS keeps 16 MiB there for tables, and puts
// itself below; with little memory it takes less than 1 MiB.
constexpr u32 left_to_BIOS = 20 * mebibyte;
constexpr u32 left_to_BIOS_at_least = 4 * mebibyte;

void add(MemoryMap& map, const MapEntry& entry) {
    if (entry.length != 0 && map.count < MemoryMap::most) map.entry[map.count++] = entry;
}

// The shadow's tables live there too: the more memory, the more of them.
u32 wanted_size(u64 ram) {
    if (ram >= 1024ull * mebibyte) return 16 * mebibyte;
    return ram >= 256ull * mebibyte ? 8 * mebibyte : 4 * mebibyte;
}

} // namespace

bool read_memory_map(const MultibootInfo& info) {
    if ((info.flags & info_has_map) == 0) return false;
    for (u32 at = info.mmap_addr; at < info.mmap_addr + info.mmap_length;) {
        const auto* const words = reinterpret_cast<const u32*>(at); // size, base, length, type
        add(machine_map, {u64{words[2]} << 32 | words[1], u64{words[4]} << 32 | words[3], words[5]});
        at += words[0] + sizeof(u32);
    }
    return machine_map.count != 0;
}

PhysicalRange choose_hidden_range() {
    const MapEntry* best = nullptr;
    for (u32 n = 0; n < machine_map.count; ++n) {
        const MapEntry& entry = machine_map.entry[n];
        if (entry.type != map_RAM || entry.base >= linear_base) continue;
        if (best == nullptr || entry.length > best->length) best = &entry;
    }
    if (best == nullptr) return {};
    const u64 end = best->end() < linear_base ? best->end() : linear_base;
    const u32 size = wanted_size(end - best->base);
    const bool is_roomy = end >= u64{lowest} + left_to_BIOS + size + large_page;
    const u32 left = is_roomy ? left_to_BIOS : left_to_BIOS_at_least;
    if (end < u64{lowest} + left + size) return {};
    const u32 base = static_cast<u32>(end - left - size) & ~(large_page - 1);
    if (base < best->base || base < lowest) return {};
    return {base, size};
}

void hide_in_map(PhysicalRange range) {
    for (u32 n = 0; n < machine_map.count; ++n) {
        MapEntry entry = machine_map.entry[n];
        if (entry.type == map_RAM && entry.base >= (u64{1} << 32)) continue;
        if (entry.base > range.base || entry.end() < range.end()) {
            add(guest_map, entry);
            continue;
        }
        add(guest_map, {entry.base, range.base - entry.base, entry.type});
        add(guest_map, {range.base, range.size, map_reserved});
        add(guest_map, {range.end(), entry.end() - range.end(), entry.type});
    }
}

u64 MemoryMap::ram_from(u64 base) const {
    for (u32 n = 0; n < count; ++n)
        if (entry[n].type == map_RAM && entry[n].base <= base && base < entry[n].end()) return entry[n].end() - base;
    return 0;
}

} // namespace ringmaster
