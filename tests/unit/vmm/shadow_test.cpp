// The shadow against a plain model of paging: random tables, accesses, edits and flushes. What an access meets must be
// what a processor with the guest's own tables gives: the frame, the accessed and dirty bits, or the page fault with
// its error code. Where the guest has edited without a flush, what a TLB could still hold is right as well.
#include "tests/unit/vmm/shadow_machine.hpp"

#include <cstdlib>
#include <utility>

namespace vmm_test {
namespace {

enum class Mode { Bits32, PSE, PAE, PAE_NX };

class RandomGuest {
  public:
    RandomGuest(unsigned seed, u32 pool_pages) : random_(seed), machine_(pool_pages), model_(machine_.memory) {
        for (const u32 quarter : {0u, 1u, 3u})
            for (const u32 directory : {0u, 0x20'0000u, 0x40'0000u, 0x3FE0'0000u})
                for (const u32 page : {0x1'0000u, 0xF'0000u, 0x11'0000u, 0x1F'F000u})
                    pages_.emplace_back().linear = quarter << 30 | directory | page;
        start_paging();
    }

    void step() {
        const u32 dice = below(1000);
        if (dice < 600)
            access(any_page());
        else if (dice < 780)
            edit();
        else if (dice < 860)
            invlpg(any_page());
        else if (dice < 940)
            load_CR3(below(3) == 0 ? random_CR3() : model_.r.cr3);
        else if (dice < 970)
            translate(any_page());
        else if (dice < 985)
            machine_.evict(random_);
        else if (dice < 990)
            load_CR4(model_.r.cr4 ^ 0x80);
        else if (dice < 994)
            load_CR0(model_.r.cr0 ^ 0x1'0000);
        else if (dice < 996)
            load_CR4(model_.r.cr4 ^ 0x10);
        else if (dice < 998)
            load_EFER(model_.r.efer ^ 0x800);
        else if (dice < 999)
            load_CR4(model_.r.cr4 ^ 0x20);
        else if (chance(50))
            set_A20();
        else
            start_paging();
    }

    [[nodiscard]] const ringmaster::ShadowCounters& counters() const { return machine_.shadow.counters(); }
    unsigned certain = 0, uncertain = 0; // accesses that had one right answer, or several

  private:
    struct Page {
        u32 linear = 0;
        u64 since = 0, large_since = 0; // when what is cached for it, and for its large page, was last dropped
        std::set<Outcome> globals;      // what a TLB may hold from before MOV CR3
    };

    u32 below(u32 n) { return static_cast<u32>(random_() % n); }
    bool chance(u32 percent) { return below(100) < percent; }
    Page& any_page() { return pages_[below(static_cast<u32>(pages_.size()))]; }
    u32 any_table() { return TableMemory::frame_of(below(TableMemory::frames - 1)); }
    static u32 guest_frame(u32 n) {
        return n == TableMemory::frames - 1 ? TableMemory::patched_frame : TableMemory::frame_of(n);
    }
    Kind any_kind() { return static_cast<Kind>(below(3)); }
    Ring any_ring() { return static_cast<Ring>(below(2)); }
    [[nodiscard]] unsigned entry_size() const { return model_.r.PAE() ? 8 : 4; }

    // ---- Entries

    u64 any_frame() {
        const u32 dice = below(100);
        if (dice < 60) return any_table();
        if (dice < 80) return below(1024);
        if (dice < 85) return TableMemory::hidden_first + below(2);
        if (dice < 90) return TableMemory::patched_frame;
        return below(model_.r.PAE() ? 0x100'0000 : 0x10'0000);
    }
    u64 any_entry(bool directory) {
        u64 entry = any_frame() << 12;
        if (chance(90)) entry |= 1;
        if (chance(70)) entry |= 2;
        if (chance(70)) entry |= 4;
        entry |= random_() & 0xE60; // A, D, and what software may use
        if (chance(25)) entry |= 0x100;
        if (directory && chance(20)) entry = any_large(entry);
        if (model_.r.PAE() && chance(20)) entry |= u64{1} << 63;
        if (model_.r.PAE() && chance(2)) entry |= u64{1} << (36 + below(27));
        return entry;
    }
    u64 any_large(u64 entry) {
        const u64 region = chance(70) ? below(2) * 512 : chance(50) ? TableMemory::hidden_first : any_frame();
        entry =
            (entry & 0x8000'0000'0000'0FFF) | 0x80 | (region << 12 & (model_.r.PAE() ? ~u64{0x1F'FFFF} : 0xFFC0'0000));
        if (!model_.r.PAE() && chance(20)) entry |= below(16) << 13;
        if (chance(3)) entry |= u64{1} << (13 + below(8));
        return entry;
    }
    u32 random_CR3() { return any_table() << 12 | (model_.r.PAE() ? below(2) * 32 : 0); }

    void fill_tables() {
        for (u32 n = 0; n < TableMemory::frames; ++n) {
            const u64 frame = u64{guest_frame(n)} << 12;
            for (const Page& page : pages_) {
                const u32 number = page.linear >> 12;
                const u32 upper = model_.r.PAE() ? (number >> 9) & 511 : number >> 10;
                const u32 lower = number & (model_.r.PAE() ? 511 : 1023);
                machine_.memory.store(frame + upper * entry_size(), any_entry(n % 2 == 0), entry_size());
                machine_.memory.store(frame + lower * entry_size(), any_entry(n % 2 == 0), entry_size());
            }
        }
        if (!model_.r.PAE()) return;
        for (u32 n = 0; n < TableMemory::frames; n += 3) // directory pointers; the others mostly have reserved bits
            for (u32 k = 0; k < 8; ++k) {
                const u64 pointer = u64{any_table()} << 12 | (chance(90) ? 1 : 0);
                machine_.memory.store((u64{guest_frame(n)} << 12) + k * 8, pointer, 8);
            }
    }

    // ---- The guest's own loads of registers

    void reset_past() {
        machine_.memory.forget_past();
        for (Page& page : pages_) {
            page.since = page.large_since = machine_.memory.now();
            page.globals.clear();
        }
    }
    void start_paging() {
        load_CR0(model_.r.cr0 & ~0x8000'0000);
        for (unsigned n = 0; n < 4; ++n) access(any_page());
        const Mode mode = static_cast<Mode>(below(4));
        load_EFER(mode == Mode::PAE_NX ? 0x800 : 0);
        load_CR4((mode == Mode::PSE ? 0x10u : mode == Mode::Bits32 ? 0 : 0x20u) | (chance(50) ? 0x80 : 0));
        fill_tables();
        const u32 cr0 = 0x8000'0000 | (chance(70) ? 0x1'0000 : 0);
        do load_CR3(random_CR3());
        while (!load_CR0(cr0));
    }
    bool load_CR0(u32 value) {
        const u32 changed = value ^ model_.r.cr0;
        const bool fails = (changed & value & 0x8000'0000) != 0 && model_.r.PAE() && !model_.load_pdptes(model_.r.cr3);
        const ringmaster::Load load = machine_.shadow.load_CR0(value);
        EXPECT_EQ(load == ringmaster::Load::GeneralProtection, fails);
        if (fails) return false;
        model_.r.cr0 = value;
        if ((changed & 0x8000'0000) != 0) reset_past();
        return true;
    }
    void load_CR3(u32 value) {
        const Registers old = model_.r;
        const bool fails = model_.r.PG() && model_.r.PAE() && !model_.load_pdptes(value);
        const ringmaster::Load load = machine_.shadow.load_CR3(value);
        EXPECT_EQ(load == ringmaster::Load::GeneralProtection, fails);
        if (fails) return;
        const Registers loaded = std::exchange(model_.r, old); // what the old tables gave may stay, where it is global
        for (Page& page : pages_) {
            if (model_.r.PGE())
                for (const Outcome& o : model_.possible(page.linear, page.since, page.large_since))
                    if (o.maps() && o.global && o.accessed) page.globals.insert(o);
            page.since = page.large_since = machine_.memory.now();
        }
        machine_.memory.forget_past();
        model_.r = loaded;
        model_.r.cr3 = value;
    }
    void load_CR4(u32 value) {
        const bool fails = model_.r.PG() && (value & 0x20) != 0 && !model_.load_pdptes(model_.r.cr3);
        const ringmaster::Load load = machine_.shadow.load_CR4(value);
        EXPECT_EQ(load == ringmaster::Load::GeneralProtection, fails);
        if (fails) return;
        model_.r.cr4 = value;
        reset_past();
    }
    void load_EFER(u32 value) {
        machine_.shadow.load_EFER(value);
        model_.r.efer = value;
        reset_past();
    }
    void set_A20() {
        const u32 mask = machine_.memory.address_mask == ~u64{0} ? ~0x10'0000u : ~u32{0};
        machine_.memory.address_mask = ~u64{~mask};
        machine_.shadow.load_address_mask(mask);
        reset_past();
    }
    void invlpg(Page& page) {
        machine_.shadow.invalidate(page.linear);
        if (!model_.r.PG()) return;
        dropped(page);
        const u32 large_mask = model_.r.PAE() ? ~0x1F'FFFFu : ~0x3F'FFFFu;
        for (Page& other : pages_) {
            if (((other.linear ^ page.linear) & large_mask) != 0) continue;
            other.large_since = machine_.memory.now();
            std::erase_if(other.globals, [](const Outcome& o) { return o.large; });
        }
    }
    void dropped(Page& page) {
        page.since = page.large_since = machine_.memory.now();
        page.globals.clear();
    }

    // ---- Accesses

    Result access(Page& page) { return access(page, any_kind(), any_ring()); }

    Result access(Page& page, Kind kind, Ring ring) {
        const Outcome now = model_.walk(page.linear);
        std::set<Outcome> possible = model_.possible(page.linear, page.since, page.large_since);
        possible.insert(page.globals.begin(), page.globals.end());
        const std::vector<u8> before = machine_.memory.content();
        const Result result = machine_.access(page.linear, kind, ring);
        ++(possible.size() == 1 ? certain : uncertain);
        if (result.faulted) {
            expect_fault(now, kind, ring, result.error_code);
            EXPECT_EQ(before, machine_.memory.content());
            dropped(page);
            return result;
        }
        EXPECT_TRUE(is_right(result, now, possible, kind, ring))
            << std::hex << page.linear << " gives frame " << result.frame << " instead of " << now.frame;
        const std::vector<u8> content = machine_.memory.content();
        if (possible.size() > 1 && content == before) return result;
        if (now.maps()) model_.mark(page.linear, kind);
        EXPECT_EQ(content, machine_.memory.content()) << "accessed and dirty bits";
        return result;
    }
    void expect_fault(const Outcome& now, Kind kind, Ring ring, u32 error_code) {
        EXPECT_FALSE(now.allows(model_.r, kind, ring)) << "frame " << std::hex << now.frame;
        EXPECT_EQ(error_code, now.error_code(model_.r, kind, ring));
    }
    bool is_right(const Result& result, const Outcome& now, const std::set<Outcome>& possible, Kind kind, Ring ring) {
        if (now.allows(model_.r, kind, ring) && result.frame == machine_.memory.machine_frame(now.frame)) return true;
        for (const Outcome& o : possible) {
            const bool cacheable = o.accessed && (kind != Kind::Write || o.dirty);
            if (cacheable && o.allows(model_.r, kind, ring) && result.frame == machine_.memory.machine_frame(o.frame))
                return true;
        }
        return false;
    }
    void translate(Page& page) {
        const Kind kind = any_kind();
        const Ring ring = any_ring();
        const Outcome now = model_.walk(page.linear);
        const ringmaster::Translation t = machine_.shadow.translate(
            page.linear + 5, static_cast<ringmaster::Access>(kind), static_cast<ringmaster::Privilege>(ring));
        if (t.result == ringmaster::Translation::Result::Faulted) {
            expect_fault(now, kind, ring, t.fault.error_code);
            dropped(page);
            return;
        }
        EXPECT_TRUE(now.allows(model_.r, kind, ring));
        EXPECT_EQ(t.physical, u64{machine_.memory.machine_frame(now.frame)} << 12 | 5);
        const std::vector<u8> content = machine_.memory.content();
        model_.mark(page.linear, kind);
        EXPECT_EQ(content, machine_.memory.content());
        if (kind == Kind::Write && t.bytes != nullptr) { // the VMM's store, where an entry may be
            const u32 index = (any_page().linear >> 12) & (model_.r.PAE() ? 511 : 1023);
            machine_.memory.edit((t.physical & ~u64{0xFFF}) + index * entry_size(), any_entry(false), entry_size());
        }
    }

    // ---- Edits: by a store of the guest where one of its pages maps the table, else by a store of the VMM

    void edit() {
        if (!model_.r.PG()) return;
        const Page& page = any_page();
        const u32 dice = below(100);
        u64 at = 0;
        bool directory = true;
        if (dice < 3 && model_.r.PAE()) {
            at = (model_.r.cr3 & ~31u) + (page.linear >> 30) * 8;
            return store(at, u64{any_table()} << 12 | (chance(90) ? 1 : 0), 8);
        }
        if (!model_.directory_entry(page.linear, at)) return;
        const u64 upper = machine_.memory.read(at, entry_size());
        if (dice < 70 && (upper & 1) != 0 && !model_.is_large(upper)) {
            at = model_.table_entry(upper, page.linear);
            directory = false;
        }
        u64 value = any_entry(directory);
        const u64 old = machine_.memory.read(at, entry_size());
        if (chance(40)) value = old ^ u64 { 1 } << (chance(80) ? below(9) : 63 % (entry_size() * 8)); // a single bit
        store(at, value, entry_size());
    }
    void store(u64 at, u64 value, unsigned size) {
        const u64 frame = machine_.memory.machine_frame(at >> 12);
        if (!TableMemory::is_table(frame)) return;
        if (!store_by_guest(frame)) machine_.shadow.written(at);
        machine_.memory.edit(at, value, size);
    }
    bool store_by_guest(u64 frame) {
        const u32 start = below(static_cast<u32>(pages_.size()));
        for (u32 n = 0; n < pages_.size(); ++n) {
            Page& page = pages_[(start + n) % pages_.size()];
            const Outcome o = model_.walk(page.linear);
            if (machine_.memory.machine_frame(o.frame) != frame || !o.allows(model_.r, Kind::Write, Ring::Supervisor))
                continue;
            const Result result = access(page, Kind::Write, Ring::Supervisor);
            if (!result.faulted && result.frame == frame) return true;
        }
        return false;
    }

    std::mt19937 random_;
    ShadowMachine machine_;
    PagingModel model_;
    std::vector<Page> pages_;
};

unsigned setting(const char* name, unsigned otherwise) {
    const char* wanted = std::getenv(name);
    return wanted == nullptr ? otherwise : static_cast<unsigned>(std::atoi(wanted));
}
unsigned steps() { return setting("TRUERING_SHADOW_STEPS", 30'000); }
unsigned first_seed() { return setting("TRUERING_SHADOW_SEED", 1); }

void run(unsigned seed, u32 pool_pages) {
    RandomGuest guest(seed, pool_pages);
    for (unsigned n = 0; n < steps() && !testing::Test::HasFailure(); ++n) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << ", step " << n);
        guest.step();
    }
    const ringmaster::ShadowCounters& c = guest.counters();
    testing::Test::RecordProperty("certain", static_cast<int>(guest.certain));
    testing::Test::RecordProperty("uncertain", static_cast<int>(guest.uncertain));
    testing::Test::RecordProperty("opened", static_cast<int>(c.opened));
    testing::Test::RecordProperty("compared", static_cast<int>(c.compared));
    testing::Test::RecordProperty("collected", static_cast<int>(c.collected));
    // The run has been about something.
    EXPECT_GT(guest.certain, guest.uncertain / 4);
    EXPECT_GT(c.fills, steps() / 100);
    EXPECT_GT(c.guest_faults, steps() / 100);
    EXPECT_GT(c.opened, steps() / 200);
    EXPECT_GT(c.compared, steps() / 200);
}

TEST(Shadow, GivesWhatTheGuestsTablesSay) {
    for (unsigned n = 0; n < 5 && !HasFailure(); ++n) run(first_seed() + n, 512);
}

TEST(Shadow, SurvivesAPoolThatIsTooSmall) {
    for (unsigned n = 5; n < 8 && !HasFailure(); ++n) run(first_seed() + n, ringmaster::ShadowTables::pool_pages_least);
}

} // namespace
} // namespace vmm_test
