// A processor's paging, written down a second time and as plainly as possible (SDM vol. 3A, chapter 4), to judge the
// shadow by: what the guest's tables say now, and what a TLB could still say.
#pragma once

#include "tests/unit/vmm/table_memory.hpp"

#include <optional>
#include <set>

namespace vmm_test {

struct Registers {
    u32 cr0 = 0, cr3 = 0, cr4 = 0, efer = 0;
    u64 pdpte[4] = {};

    [[nodiscard]] bool PG() const { return (cr0 >> 31) != 0; }
    [[nodiscard]] bool WP() const { return ((cr0 >> 16) & 1) != 0; }
    [[nodiscard]] bool PSE() const { return ((cr4 >> 4) & 1) != 0; }
    [[nodiscard]] bool PAE() const { return ((cr4 >> 5) & 1) != 0; }
    [[nodiscard]] bool PGE() const { return ((cr4 >> 7) & 1) != 0; }
    [[nodiscard]] bool NXE() const { return ((efer >> 11) & 1) != 0; }
};

enum class Kind { Read, Write, Fetch };
enum class Ring { Supervisor, User };

// What two entries (one, for a large page) give for a linear page.
struct Outcome {
    bool present = false, reserved = false, large = false, global = false;
    bool accessed = true; // in all entries
    bool dirty = false;
    bool user = true, write = true, fetch = true;
    u32 frame = 0;

    [[nodiscard]] bool maps() const { return present && !reserved; }
    [[nodiscard]] bool allows(const Registers& r, Kind kind, Ring ring) const {
        if (!maps()) return false;
        if (ring == Ring::User && !user) return false;
        if (kind == Kind::Write && !write && (ring == Ring::User || r.WP())) return false;
        return kind != Kind::Fetch || fetch;
    }
    [[nodiscard]] u32 error_code(const Registers& r, Kind kind, Ring ring) const {
        u32 code = present ? 1 : 0;
        if (kind == Kind::Write) code |= 2;
        if (ring == Ring::User) code |= 4;
        if (present && reserved) code |= 8;
        if (kind == Kind::Fetch && r.PAE() && r.NXE()) code |= 16;
        return code;
    }
    friend bool operator<(const Outcome& a, const Outcome& b) { return a.order() < b.order(); }

  private:
    [[nodiscard]] u64 order() const {
        u64 bits = frame;
        for (const bool b : {present, reserved, large, global, accessed, dirty, user, write, fetch})
            bits = bits << 1 | b;
        return bits;
    }
};

class PagingModel {
  public:
    explicit PagingModel(TableMemory& memory) : memory_(memory) {}

    Registers r;

    bool load_pdptes(u32 cr3) {
        u64 loaded[4];
        for (unsigned n = 0; n < 4; ++n) {
            loaded[n] = memory_.read((cr3 & ~31u) + n * 8, 8);
            if ((loaded[n] & 1) != 0 && (loaded[n] & 0xFFFF'FFF0'0000'01E6) != 0) return false;
        }
        std::memcpy(r.pdpte, loaded, sizeof loaded);
        return true;
    }

    // The present state of the tables.
    Outcome walk(u32 linear) const {
        Outcome found;
        visit(linear, ~u64{0}, ~u64{0}, [&](const Outcome& o) { found = o; });
        return found;
    }
    // All that the tables have said since these times: of 4-KiB pages, and of large ones.
    std::set<Outcome> possible(u32 linear, u64 since, u64 large_since) const {
        std::set<Outcome> all;
        visit(linear, since, large_since, [&](const Outcome& o) { all.insert(o); });
        return all;
    }
    // Stores what a processor that uses the present entries for this access stores.
    void mark(u32 linear, Kind kind) {
        if (!r.PG()) return;
        const unsigned size = r.PAE() ? 8 : 4;
        u64 at = 0;
        if (!directory_entry(linear, at)) return;
        const u64 entry = memory_.read(at, size);
        if (is_large(entry)) {
            memory_.store(at, entry | 0x20 | (kind == Kind::Write ? 0x40 : 0), size);
            return;
        }
        memory_.store(at, entry | 0x20, size);
        const u64 leaf = table_entry(entry, linear);
        memory_.store(leaf, memory_.read(leaf, size) | 0x20 | (kind == Kind::Write ? 0x40 : 0), size);
    }

    // Addresses of the entries; false: no directory.
    bool directory_entry(u32 linear, u64& at) const {
        if (!r.PAE()) {
            at = (r.cr3 & ~0xFFFu) + (linear >> 22) * 4;
            return true;
        }
        at = (r.pdpte[linear >> 30] & 0xF'FFFF'F000) + ((linear >> 21) & 511) * 8;
        return (r.pdpte[linear >> 30] & 1) != 0;
    }
    u64 table_entry(u64 directory_entry, u32 linear) const {
        if (!r.PAE()) return (directory_entry & 0xFFFF'F000) + ((linear >> 12) & 1023) * 4;
        return (directory_entry & 0xF'FFFF'FFFF'F000) + ((linear >> 12) & 511) * 8;
    }
    bool is_large(u64 entry) const { return (entry & 0x80) != 0 && (r.PAE() || r.PSE()); }

  private:
    template <class Visit> void visit(u32 linear, u64 since, u64 large_since, Visit visit) const {
        if (!r.PG()) {
            Outcome identity;
            identity.present = identity.large = identity.dirty = true;
            identity.frame = linear >> 12;
            return visit(identity);
        }
        u64 at = 0;
        if (!directory_entry(linear, at)) return visit(Outcome{});
        const unsigned size = r.PAE() ? 8 : 4;
        for (const u64 entry : memory_.values_since(at, size, since)) {
            if ((entry & 1) == 0) {
                visit(Outcome{});
                continue;
            }
            if (is_large(entry)) continue;
            Outcome upper = taken(Outcome{}, entry, upper_reserved());
            if (upper.reserved) {
                visit(upper);
                continue;
            }
            for (const u64 leaf : memory_.values_since(table_entry(entry, linear), size, since)) {
                Outcome o = (leaf & 1) == 0 ? Outcome{} : taken(upper, leaf, upper_reserved());
                o.frame = static_cast<u32>((leaf & 0xF'FFFF'F000) >> 12);
                visit(o);
            }
        }
        for (const u64 entry : memory_.values_since(at, size, large_since)) {
            if ((entry & 1) == 0 || !is_large(entry)) continue;
            Outcome o = taken(Outcome{}, entry, upper_reserved() | (r.PAE() ? 0x1F'E000 : 0x3E'0000));
            o.large = true;
            o.frame = r.PAE() ? static_cast<u32>((entry & 0xF'FFE0'0000) >> 12) + ((linear >> 12) & 511)
                              : static_cast<u32>((entry & 0xFFC0'0000) >> 12 | ((entry >> 13) & 15) << 20) +
                                    ((linear >> 12) & 1023);
            visit(o);
        }
    }
    u64 upper_reserved() const {
        if (!r.PAE()) return 0;
        return 0x7FFF'FFF0'0000'0000 | (r.NXE() ? 0 : u64{1} << 63);
    }
    Outcome taken(Outcome o, u64 entry, u64 reserved) const {
        o.present = true;
        o.reserved = (entry & reserved) != 0;
        o.accessed = o.accessed && (entry & 0x20) != 0;
        o.dirty = (entry & 0x40) != 0;
        o.write = o.write && (entry & 2) != 0;
        o.user = o.user && (entry & 4) != 0;
        o.fetch = o.fetch && (entry >> 63) == 0;
        o.global = (entry & 0x100) != 0;
        return o;
    }

    TableMemory& memory_;
};

} // namespace vmm_test
