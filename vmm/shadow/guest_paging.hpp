// The guest's paging as its own processor would do it (SDM vol. 3A, chapter 4): registers, walk, rights, accessed and
// dirty bits, error codes. Knows nothing of the shadow.
//
// Without paging the walk yields an identity map of large pages with all rights.
#pragma once

#include "vmm/shadow/guest_memory.hpp"

namespace ringmaster {

// The registers that decide on paging, with the values that the guest believes in.
struct PagingRegisters {
    u32 cr0 = 0, cr3 = 0, cr4 = 0, efer = 0;
};

enum ControlBits : u32 {
    CR0_WP = 1u << 16,
    CR0_NW = 1u << 29,
    CR0_CD = 1u << 30,
    CR0_PG = 1u << 31,
    CR4_PSE = 1u << 4,
    CR4_PAE = 1u << 5,
    CR4_PGE = 1u << 7,
    EFER_NXE = 1u << 11,
};

// What the guest's processor can do.
struct PagingModel {
    unsigned physical_bits = 36;
    bool has_PSE36 = true;
    bool has_NX = true; // EFER.NXE exists
};

enum class Access : u8 { Read, Write, Fetch };
enum class Privilege : u8 { Supervisor, User };

// A page fault to give to the guest: inject vector 14 with the error code, `linear` in CR2.
struct PageFault {
    u32 error_code = 0;
    u32 linear = 0;
};

enum PageFaultCode : u32 { pf_present = 1, pf_write = 2, pf_user = 4, pf_reserved = 8, pf_fetch = 16 };

// Bits of a paging-structure entry, the same in all formats where they exist.
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

// What is allowed; of several levels, what all of them allow. `right_global` goes along with them in the shadow.
enum Rights : u8 { right_write = 1, right_user = 2, right_fetch = 4, rights_all = 7, right_global = 8 };

constexpr u8 rights_of(u64 entry) {
    const u64 low = (entry >> 1) & (right_write | right_user); // R/W and U/S are bits 1 and 2
    return static_cast<u8>(low | ((entry & entry_NX) == 0 ? u64{right_fetch} : 0));
}

// An entry taken apart.
struct Parsed {
    bool present = false;
    bool reserved = false; // a reserved bit is set (present entries only)
    bool large = false;    // maps a page, in a directory
    u32 frame = 0;         // of the table or the page: a guest frame
};

struct GuestWalk {
    struct Level {
        u32 table = 0; // guest frame of the table
        u32 offset = 0;
        u64 entry = 0;
    };
    bool present = false;
    bool reserved = false;
    bool large = false;
    u8 rights = rights_all;       // of all levels
    u8 upper_rights = rights_all; // of all but the last
    u32 frame = 0;                // of the 4-KiB page
    unsigned levels = 0;
    Level level[2]; // [0] the directory's, [levels - 1] the last

    [[nodiscard]] u64 last_entry() const { return level[levels - 1].entry; }
};

class GuestPaging {
  public:
    void start(const GuestMemory& memory, const PagingModel& model);

    PagingRegisters registers;
    GuestMemory memory;

    [[nodiscard]] bool is_on() const { return (registers.cr0 & CR0_PG) != 0; }
    [[nodiscard]] bool is_PAE() const { return (registers.cr4 & CR4_PAE) != 0; }
    [[nodiscard]] bool protects_from_supervisor() const { return (registers.cr0 & CR0_WP) != 0; }
    [[nodiscard]] bool has_NX() const { return model_.has_NX; }

    // Reads the PDPTEs that CR3 names; false for reserved bits, with nothing changed.
    [[nodiscard]] bool load_PDPTEs(u32 cr3);
    // The frame of the directory for a quarter of the linear space; false: there is none.
    [[nodiscard]] bool directory_frame(unsigned quarter, u32& frame) const;

    [[nodiscard]] GuestWalk walk(u32 linear) const;
    [[nodiscard]] bool allows(const GuestWalk& walk, Access access, Privilege privilege) const;
    [[nodiscard]] u32 error_code(const GuestWalk& walk, Access access, Privilege privilege) const;
    // Sets A in all entries of a good walk, and D in the last for a write.
    void mark_used(GuestWalk& walk, Access access) const;

    [[nodiscard]] Parsed parse_directory_entry(u64 entry) const;
    [[nodiscard]] Parsed parse_table_entry(u64 entry) const;
    // Bytes of an entry, and an entry of a table by its offset.
    [[nodiscard]] u32 entry_size() const { return is_PAE() ? 8 : 4; }
    [[nodiscard]] u64 read_entry(const u8* table, u32 offset) const;

  private:
    void enter(GuestWalk& walk, u32 table, u32 index) const;

    PagingModel model_;
    u64 always_reserved_ = 0; // in PAE entries; NX aside
    u64 pdpte_[4] = {};
};

} // namespace ringmaster
