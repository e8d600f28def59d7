#include "cpu/paging.hpp"

#include "cpu/exceptions.hpp"

namespace truering {

namespace {

// Bits of a paging-structure entry (SDM vol. 3A, tables 4-5, 4-6 and 4-8 to 4-11).
enum EntryBits : u64 {
    entry_P = 1,
    entry_RW = 2,
    entry_US = 4,
    entry_A = 0x20,
    entry_D = 0x40,
    entry_PS = 0x80,
    entry_G = 0x100,
    entry_NX = u64{1} << 63,
};

// What a walk found: the leaf and the rights that all levels agree on.
struct Walk {
    bool present = false;
    bool reserved = false; // a reserved bit is set
    u64 page = 0;          // physical address of the 4-KiB page
    u64 rights = 0;        // entry_RW and entry_US: set in every level; entry_NX: in any
    bool global = false;
    // The entries, for setting their accessed and dirty bits: [0] the directory's, [levels - 1] the leaf.
    u64 address[2] = {};
    u64 value[2] = {};
    unsigned levels = 0;
};

class Walker {
  public:
    explicit Walker(const Cpu& cpu) : cpu_(cpu) {}

    Walk walk(u32 linear) {
        if ((cpu_.cr4 & CR4_PAE) != 0)
            walk_pae(linear);
        else
            walk_32(linear);
        return walk_;
    }

  private:
    u64 read(u64 address, unsigned size) {
        address &= cpu_.a20_mask;
        PhysicalMemory& memory = const_cast<Cpu&>(cpu_).memory;
        u64 value = memory.read({address}, 4);
        if (size == 8) value |= u64{memory.read({address + 4}, 4)} << 32;
        return value;
    }

    // Takes an entry into account; false if the walk ends here.
    bool enter(u64 address, unsigned size, u64 reserved) {
        const u64 value = read(address, size);
        walk_.address[walk_.levels] = address;
        walk_.value[walk_.levels++] = value;
        if ((value & entry_P) == 0) return false;
        walk_.rights &= value | ~u64{entry_RW | entry_US};
        walk_.rights |= value & entry_NX;
        if ((value & reserved) != 0) {
            walk_.reserved = walk_.present = true;
            return false;
        }
        return true;
    }

    void finish(u64 page) {
        walk_.present = true;
        walk_.page = page;
        walk_.global = (cpu_.cr4 & CR4_PGE) != 0 && (walk_.value[walk_.levels - 1] & entry_G) != 0;
    }

    [[nodiscard]] u64 bits_above_physical() const {
        return ((u64{1} << 52) - 1) & ~((u64{1} << cpu_.model.physical_bits) - 1);
    }

    void walk_32(u32 linear) {
        walk_.rights = entry_RW | entry_US;
        const u64 directory = (cpu_.cr3 & ~u64{page_offset_mask}) + (linear >> 22) * 4;
        const bool large = (cpu_.cr4 & CR4_PSE) != 0 && (read(directory, 4) & entry_PS) != 0;
        // A 4-MiB page: bits 13..20 extend the address with PSE-36, else they are reserved; bit 21 always is.
        u64 reserved = 0;
        if (large) reserved = cpu_.has(Feature::PSE36) ? 0x3E'0000 : 0x3F'E000;
        if (!enter(directory, 4, reserved)) return;
        const u64 entry = walk_.value[0];
        if (large) {
            const u64 high = cpu_.has(Feature::PSE36) ? (entry & 0x1'E000) << 19 : 0;
            return finish((entry & 0xFFC0'0000) | high | (linear & 0x3F'F000));
        }
        if (!enter((entry & ~u64{page_offset_mask}) + ((linear >> 12) & 0x3FF) * 4, 4, 0)) return;
        finish(walk_.value[1] & ~u64{page_offset_mask});
    }

    void walk_pae(u32 linear) {
        walk_.rights = entry_RW | entry_US;
        constexpr u64 frame = 0x000F'FFFF'FFFF'F000;
        const u64 always_reserved =
            bits_above_physical() | 0x7FF0'0000'0000'0000 | ((cpu_.efer & EFER_NXE) != 0 ? 0 : u64{entry_NX});
        const u64 pointer = cpu_.pdpte[linear >> 30];
        if ((pointer & entry_P) == 0) return;
        const u64 directory = (pointer & frame) + ((linear >> 21) & 0x1FF) * 8;
        const bool large = (read(directory, 8) & entry_PS) != 0;
        if (!enter(directory, 8, always_reserved | (large ? 0x1F'E000 : 0))) return;
        const u64 entry = walk_.value[0];
        if (large) return finish((entry & frame & ~u64{0x1F'FFFF}) | (linear & 0x1F'F000));
        if (!enter((entry & frame) + ((linear >> 12) & 0x1FF) * 8, 8, always_reserved)) return;
        finish(walk_.value[1] & frame);
    }

    const Cpu& cpu_;
    Walk walk_;
};

bool allows(const Cpu& cpu, const Walk& walk, AccessKind kind, bool user) {
    if (user && (walk.rights & entry_US) == 0) return false;
    if (kind == AccessKind::Write && (walk.rights & entry_RW) == 0) return !user && (cpu.cr0 & CR0_WP) == 0;
    return kind != AccessKind::Fetch || (walk.rights & entry_NX) == 0;
}

u32 error_code(const Cpu& cpu, const Walk& walk, AccessKind kind, bool user) {
    u32 code = walk.present ? u32{pf_present} : 0u;
    if (walk.reserved) code |= pf_reserved;
    if (kind == AccessKind::Write) code |= pf_write;
    if (user) code |= pf_user;
    // The fetch bit is reported only where execution can be refused (SDM vol. 3A, 4.7).
    if (kind == AccessKind::Fetch && (cpu.cr4 & CR4_PAE) != 0 && (cpu.efer & EFER_NXE) != 0) code |= pf_fetch;
    return code;
}

// A and D are set in the low byte; entries are written only when that changes them.
void mark_used(Cpu& cpu, Walk& walk, bool write) {
    for (unsigned level = 0; level < walk.levels; ++level) {
        const bool leaf = level + 1 == walk.levels;
        const u64 marked = walk.value[level] | entry_A | (leaf && write ? u64{entry_D} : 0);
        if (marked == walk.value[level]) continue;
        cpu.memory.write({walk.address[level] & cpu.a20_mask}, static_cast<u32>(marked), 4);
        walk.value[level] = marked;
    }
}

// Where the page's bytes may be written without further ado: RAM without decoded code; else null.
u8* plain_host(const PageMapping& mapping) {
    return mapping.write == mapping.read && mapping.code_granules == 0 ? mapping.write : nullptr;
}

void fill(Cpu& cpu, u32 linear, bool user, u64 physical_page, u16 rights) {
    const PageMapping& mapping = cpu.memory.page({physical_page});
    u8* const writable = (rights & tlb_write) != 0 ? plain_host(mapping) : nullptr;
    cpu.tlb.fill(user, linear, {physical_page, rights, mapping.read, writable});
}

bool suffices(const TlbView& view, u32 linear, AccessKind kind) {
    switch (kind) {
    case AccessKind::Read: return view.has(linear, tlb_present);
    case AccessKind::Write: return view.has(linear, tlb_write);
    case AccessKind::Fetch: return view.has(linear, tlb_fetch);
    }
    return false;
}

// A page that held decoded code when it was last looked at may be plain by now.
void reconsider_writes(Cpu& cpu, u32 linear, bool user) {
    const TlbView& view = *cpu.tlb.view(user);
    if (view.write[linear / page_size] != 0) return;
    u8* const host = plain_host(cpu.memory.page({view.physical_page(linear)}));
    if (host != nullptr) cpu.tlb.allow_fast_writes(user, linear, host);
}

// Walks the tables, checks rights, fills the TLB.
Outcome translate_by_walk(Cpu& cpu, u32 linear, AccessKind kind, bool user) {
    Walk walk = Walker(cpu).walk(linear);
    if (!walk.present || walk.reserved || !allows(cpu, walk, kind, user)) {
        cpu.flush_tlb_page(linear); // a page fault drops what is cached for its address (SDM vol. 3A, 4.10.4.1)
        return raise_page_fault(cpu, linear, error_code(cpu, walk, kind, user));
    }
    mark_used(cpu, walk, kind == AccessKind::Write);
    // Writing goes fast only once the page is marked dirty.
    const bool dirty = (walk.value[walk.levels - 1] & entry_D) != 0;
    u16 rights = walk.global ? u16{tlb_global} : u16{0};
    if (dirty && allows(cpu, walk, AccessKind::Write, user)) rights |= tlb_write;
    if (allows(cpu, walk, AccessKind::Fetch, user)) rights |= tlb_fetch;
    fill(cpu, linear, user, walk.page & cpu.a20_mask, rights);
    return Outcome::Done;
}

} // namespace

Outcome translate(Cpu& cpu, u32 linear, AccessKind kind, bool user, u64& physical_page) {
    const TlbView& view = *cpu.tlb.view(user);
    if (suffices(view, linear, kind)) {
        if (kind == AccessKind::Write) reconsider_writes(cpu, linear, user);
    } else if (!cpu.paging()) {
        fill(cpu, linear, user, linear & ~page_offset_mask & cpu.a20_mask, tlb_write | tlb_fetch);
    } else if (const Outcome o = translate_by_walk(cpu, linear, kind, user); failed(o)) {
        return o;
    }
    physical_page = view.physical_page(linear);
    return Outcome::Done;
}

bool translate_for_debugger(const Cpu& cpu, u32 linear, u64& physical) {
    if (!cpu.paging()) {
        physical = linear & cpu.a20_mask;
        return true;
    }
    const Walk walk = Walker(cpu).walk(linear);
    physical = (walk.page | page_offset(linear)) & cpu.a20_mask;
    return walk.present && !walk.reserved;
}

bool read_pdptes(const Cpu& cpu, u32 cr3, u64 (&pdpte)[4]) {
    u64 loaded[4];
    for (unsigned n = 0; n < 4; ++n) {
        const Physical address{((cr3 & ~u64{31}) + n * 8) & cpu.a20_mask};
        loaded[n] = cpu.memory.read(address, 4) | u64{cpu.memory.read(address + 4, 4)} << 32;
        const u64 above = ~((u64{1} << cpu.model.physical_bits) - 1);
        constexpr u64 reserved = 0x1E6; // bits 8:5 and 2:1 (SDM vol. 3A, table 4-8)
        if ((loaded[n] & entry_P) != 0 && (loaded[n] & (above | reserved)) != 0) return false;
    }
    for (unsigned n = 0; n < 4; ++n) pdpte[n] = loaded[n];
    return true;
}

Outcome load_pdptes(Cpu& cpu, u32 cr3) {
    return read_pdptes(cpu, cr3, cpu.pdpte) ? Outcome::Done : raise(cpu, Vector::GP, 0);
}

} // namespace truering
