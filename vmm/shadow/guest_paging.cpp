#include "vmm/shadow/guest_paging.hpp"

#include "base/bits.hpp"

namespace ringmaster {

namespace {

constexpr u64 pae_frame_bits = 0x000F'FFFF'FFFF'F000;
constexpr u64 pae_upper_reserved = 0x7FF0'0000'0000'0000;
constexpr u32 pdpte_reserved = 0x1E6;         // bits 8:5 and 2:1 (SDM vol. 3A, table 4-8)
constexpr u64 pae_large_reserved = 0x1F'E000; // bits 20:13 (table 4-9)
// A 4-MiB page (table 4-4): bits 16..13 are address bits 35..32 with PSE-36, bits 21..17 are reserved.
constexpr u64 pse36_bits = 0x1'E000;
constexpr u64 pse36_reserved = 0x3E'0000;
constexpr u64 pse_reserved = 0x3F'E000;

u32 frame_of(u64 address) { return static_cast<u32>(address >> 12); }

u32 load_u32(const u8* at) { return *reinterpret_cast<const volatile u32*>(at); }

} // namespace

void GuestPaging::start(const GuestMemory& guest_memory, const PagingModel& model) {
    memory = guest_memory;
    model_ = model;
    registers = {};
    const u64 above = pae_frame_bits & ~((u64{1} << model.physical_bits) - 1);
    always_reserved_ = above | pae_upper_reserved;
}

u64 GuestPaging::read_entry(const u8* table, u32 offset) const {
    if (!is_PAE()) return table == nullptr ? ~u32{0} : load_u32(table + offset);
    if (table == nullptr) return ~u64{0};
    return load_u32(table + offset) | u64{load_u32(table + offset + 4)} << 32;
}

bool GuestPaging::load_PDPTEs(u32 cr3) {
    const u8* page = memory.bytes(cr3 >> 12);
    const u8* at = page == nullptr ? nullptr : page + (cr3 & 0xFE0);
    const u32 reserved_high = static_cast<u32>((always_reserved_ | entry_NX) >> 32);
    u32 low[4], high[4];
    for (u32 n = 0; n < 4; ++n) {
        low[n] = at == nullptr ? ~u32{0} : load_u32(at + n * 8);
        high[n] = at == nullptr ? ~u32{0} : load_u32(at + n * 8 + 4);
        if ((low[n] & entry_P) != 0 && ((low[n] & pdpte_reserved) != 0 || (high[n] & reserved_high) != 0)) return false;
    }
    for (unsigned n = 0; n < 4; ++n) pdpte_[n] = low[n] | u64{high[n]} << 32;
    return true;
}

bool GuestPaging::directory_frame(unsigned quarter, u32& frame) const {
    frame = is_PAE() ? frame_of(pdpte_[quarter] & pae_frame_bits) : registers.cr3 >> 12;
    return !is_PAE() || (pdpte_[quarter] & entry_P) != 0;
}

Parsed GuestPaging::parse_directory_entry(u64 entry) const {
    Parsed parsed;
    parsed.present = (entry & entry_P) != 0;
    if (is_PAE()) {
        parsed.large = (entry & entry_PS) != 0;
        u64 reserved = always_reserved_ | (parsed.large ? pae_large_reserved : 0);
        if ((registers.efer & EFER_NXE) == 0) reserved |= entry_NX;
        parsed.reserved = (entry & reserved) != 0;
        parsed.frame = frame_of(entry & pae_frame_bits) & (parsed.large ? ~(frames_per_large - 1) : ~u32{0});
        return parsed;
    }
    parsed.large = (entry & entry_PS) != 0 && (registers.cr4 & CR4_PSE) != 0;
    parsed.frame = frame_of(entry);
    if (parsed.large) {
        parsed.reserved = (entry & (model_.has_PSE36 ? pse36_reserved : pse_reserved)) != 0;
        parsed.frame = frame_of((entry & 0xFFC0'0000) | (model_.has_PSE36 ? (entry & pse36_bits) << 19 : 0));
    }
    return parsed;
}

Parsed GuestPaging::parse_table_entry(u64 entry) const {
    Parsed parsed;
    parsed.present = (entry & entry_P) != 0;
    if (is_PAE()) {
        const u64 reserved = always_reserved_ | ((registers.efer & EFER_NXE) == 0 ? u64{entry_NX} : 0);
        parsed.reserved = (entry & reserved) != 0;
    }
    parsed.frame = frame_of(entry & pae_frame_bits);
    return parsed;
}

void GuestPaging::enter(GuestWalk& walk, u32 table, u32 index) const {
    GuestWalk::Level& level = walk.level[walk.levels];
    level.table = table;
    level.offset = index * entry_size();
    level.entry = read_entry(memory.bytes(table), level.offset);
    const Parsed parsed = walk.levels == 0 ? parse_directory_entry(level.entry) : parse_table_entry(level.entry);
    ++walk.levels;
    walk.present = parsed.present;
    if (!parsed.present) return;
    walk.reserved = parsed.reserved;
    walk.large = parsed.large;
    walk.frame = parsed.frame;
    walk.upper_rights = walk.rights;
    walk.rights &= rights_of(level.entry);
}

GuestWalk GuestPaging::walk(u32 linear) const {
    GuestWalk walk;
    if (!is_on()) {
        walk.present = walk.large = true;
        walk.frame = linear >> 12;
        return walk;
    }
    u32 directory = 0;
    if (!directory_frame(linear >> 30, directory)) return walk;
    const unsigned table_bits = is_PAE() ? 9 : 10;
    const u32 mask = (1u << table_bits) - 1;
    const u32 page = linear >> 12;
    enter(walk, directory, (page >> table_bits) & mask);
    if (!walk.present || walk.reserved) return walk;
    if (walk.large)
        walk.frame += page & mask;
    else
        enter(walk, walk.frame, page & mask);
    return walk;
}

bool GuestPaging::allows(const GuestWalk& walk, Access access, Privilege privilege) const {
    const bool user = privilege == Privilege::User;
    if (user && (walk.rights & right_user) == 0) return false;
    if (access == Access::Write && (walk.rights & right_write) == 0) return !user && !protects_from_supervisor();
    return access != Access::Fetch || (walk.rights & right_fetch) != 0;
}

u32 GuestPaging::error_code(const GuestWalk& walk, Access access, Privilege privilege) const {
    u32 code = walk.present ? u32{pf_present} : 0;
    if (walk.present && walk.reserved) code |= pf_reserved;
    if (access == Access::Write) code |= pf_write;
    if (privilege == Privilege::User) code |= pf_user;
    // Reported only where execution can be refused (SDM vol. 3A, 4.7).
    if (access == Access::Fetch && is_PAE() && (registers.efer & EFER_NXE) != 0) code |= pf_fetch;
    return code;
}

void GuestPaging::mark_used(GuestWalk& walk, Access access) const {
    for (unsigned n = 0; n < walk.levels; ++n) {
        GuestWalk::Level& level = walk.level[n];
        const bool dirties = access == Access::Write && n + 1 == walk.levels;
        const u64 marked = level.entry | entry_A | (dirties ? u64{entry_D} : 0);
        if (marked == level.entry) continue;
        level.entry = marked;
        u8* table = memory.bytes(level.table);
        if (table != nullptr) *reinterpret_cast<volatile u32*>(table + level.offset) = static_cast<u32>(marked);
    }
}

} // namespace ringmaster
