#include "machine/media/geometry.hpp"

#include <algorithm>
#include <array>

namespace truering {

namespace {

constexpr u32 most_heads = 16;
constexpr u32 most_sectors = 63;
constexpr u64 most_cylinders = 16383;

struct Partition {
    u8 status;
    u8 type;
    u32 end_head;
    u32 end_sector;
    u64 start;
    u64 count;
};

u32 little_endian_32(std::span<const u8> bytes, size_t at) {
    return bytes[at] | u32{bytes[at + 1]} << 8 | u32{bytes[at + 2]} << 16 | u32{bytes[at + 3]} << 24;
}

Partition partition(std::span<const u8> sector_0, size_t number) {
    const size_t at = 446 + 16 * number;
    return {sector_0[at],
            sector_0[at + 4],
            sector_0[at + 5],
            sector_0[at + 6] & 0x3Fu,
            little_endian_32(sector_0, at + 8),
            little_endian_32(sector_0, at + 12)};
}

bool has_signature(std::span<const u8> sector_0) {
    return sector_0.size() >= 512 && sector_0[510] == 0x55 && sector_0[511] == 0xAA;
}

bool is_plausible(const Partition& p, u64 sectors) {
    return (p.status & 0x7F) == 0 && p.type != 0 && p.start != 0 && p.count != 0 && p.start < sectors;
}

DiskGeometry with_cylinders(u64 sectors, u32 heads, u32 track) {
    const u64 cylinders = std::clamp<u64>(sectors / (u64{heads} * track), 1, most_cylinders);
    return {static_cast<u32>(cylinders), heads, track};
}

} // namespace

bool has_partitions(std::span<const u8> sector_0, u64 sectors) {
    if (!has_signature(sector_0)) return false;
    for (size_t i = 0; i < 4; ++i)
        if (is_plausible(partition(sector_0, i), sectors)) return true;
    return false;
}

DiskGeometry guess_geometry(BlockMedium& medium) {
    const u64 sectors = medium.sectors();
    std::array<u8, BlockMedium::sector_size> first{};
    if (medium.read(0, first) == MediumStatus::Ok && has_signature(first)) {
        for (size_t i = 0; i < 4; ++i) {
            const Partition p = partition(first, i);
            const u32 heads = p.end_head + 1;
            // More than 16 heads come from a BIOS that translated; the drive itself then has the standard ones.
            if (!is_plausible(p, sectors) || heads < 2 || heads > most_heads || p.end_sector == 0) continue;
            if ((p.start + p.count) % (u64{heads} * p.end_sector) == 0)
                return with_cylinders(sectors, heads, p.end_sector);
        }
    }
    return with_cylinders(sectors, most_heads, most_sectors);
}

} // namespace truering
