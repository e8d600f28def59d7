// Single rules of the shadow that random tables meet too rarely. 32-bit paging, the directory in frame 10H.
#include "tests/unit/vmm/shadow_machine.hpp"

namespace vmm_test {
namespace {

constexpr u32 PG = 0x8000'0000, WP = 0x1'0000, PSE = 0x10, PGE = 0x80;
constexpr u32 present = 1, writable = 2, user = 4, accessed = 0x20, dirty = 0x40, large = 0x80, global = 0x100;
constexpr u32 usual = present | writable | user | accessed | dirty;
constexpr u32 directory = 0x10, table = 0x11, late_table = 0x210;

class ShadowRules : public testing::Test {
  protected:
    explicit ShadowRules(u32 pool_pages = 256) : machine(pool_pages) {}

    void put(u32 frame, u32 index, u32 entry) { machine.memory.store((u64{frame} << 12) + index * 4, entry, 4); }
    u32 get(u32 frame, u32 index) { return static_cast<u32>(machine.memory.read((u64{frame} << 12) + index * 4, 4)); }
    void start(u32 cr0 = PG | WP, u32 cr4 = PSE | PGE) {
        ASSERT_EQ(machine.shadow.load_CR4(cr4), ringmaster::Load::Done);
        load_CR3(directory);
        ASSERT_EQ(machine.shadow.load_CR0(cr0), ringmaster::Load::Done);
    }
    void load_CR3(u32 frame) { ASSERT_EQ(machine.shadow.load_CR3(frame << 12), ringmaster::Load::Done); }
    Result access(u32 linear, Kind kind = Kind::Read, Ring ring = Ring::Supervisor) {
        return machine.access(linear, kind, ring);
    }

    ShadowMachine machine;
};

TEST_F(ShadowRules, WithoutPagingMemoryIsItselfButForTheHiddenRange) {
    EXPECT_EQ(access(0x1234'5000, Kind::Write, Ring::User).frame, 0x1'2345u);
    EXPECT_EQ(access(TableMemory::hidden_first << 12).frame, TableMemory::empty_frame);
    EXPECT_EQ(access(TableMemory::patched_frame << 12).frame, TableMemory::patch_frame);
    EXPECT_EQ(access(0xFFFF'F000).frame, 0xF'FFFFu);
    const u32 fills = machine.shadow.counters().fills;
    access(0x1235'0000); // the same large page
    EXPECT_EQ(machine.shadow.counters().fills, fills);
}

// A large page maps a frame writable before it becomes a table.
TEST_F(ShadowRules, ALargePageLosesTheTableInIt) {
    put(directory, 0, usual | large);
    put(directory, 1, late_table << 12 | usual);
    put(late_table, 0, 0x5000'0000 | usual);
    start();
    EXPECT_EQ(access(0x21'0000, Kind::Write).frame, late_table);
    EXPECT_EQ(access(0x40'0000).frame, 0x5'0000u);
    EXPECT_EQ(access(0x21'0000, Kind::Write).frame, late_table);
    put(late_table, 0, 0x6000'0000 | usual);
    load_CR3(directory);
    EXPECT_EQ(access(0x40'0000).frame, 0x6'0000u);
}

// The same frame number, once of the substitute and once of the hidden page under it.
TEST_F(ShadowRules, TheHiddenPageIsNotItsSubstitute) {
    put(directory, 0, table << 12 | usual);
    put(directory, 1, usual | large);
    put(table, 0, TableMemory::patched_frame << 12 | usual);
    start();
    EXPECT_EQ(access(0).frame, TableMemory::patch_frame);
    EXPECT_EQ(access(0x40'0000 + (table << 12), Kind::Write).frame, table);
    put(table, 0, TableMemory::patch_frame << 12 | usual);
    load_CR3(directory);
    EXPECT_EQ(access(0).frame, TableMemory::empty_frame);
}

TEST_F(ShadowRules, TablesAreKeptOverMOVCR3) {
    put(directory, 0, table << 12 | usual);
    put(table, 0, 0x5000'0000 | usual);
    start();
    access(0, Kind::Write);
    const u32 fills = machine.shadow.counters().fills;
    load_CR3(0x13); // an address space without anything
    EXPECT_TRUE(access(0x1000).faulted);
    load_CR3(directory);
    EXPECT_EQ(access(0, Kind::Write).frame, 0x5'0000u);
    EXPECT_EQ(machine.shadow.counters().fills, fills);
}

TEST_F(ShadowRules, AFrameThatIsNoTableAnyLongerIsStoredToFreely) {
    const u32 window = 0x40'0000 | table << 12;
    put(directory, 0, table << 12 | usual);
    put(directory, 1, usual | large);
    put(table, 0, 0x5000'0000 | usual);
    start();
    access(0);
    access(0x40'0000 | directory << 12, Kind::Write);
    put(directory, 0, 0);
    load_CR3(directory);
    access(window, Kind::Write); // it has a shadow still, which nothing leads to
    load_CR3(directory);
    const u32 opened = machine.shadow.counters().opened;
    access(window, Kind::Write);
    load_CR3(directory);
    access(window, Kind::Write);
    EXPECT_EQ(machine.shadow.counters().opened, opened);
    EXPECT_TRUE(access(0).faulted);
}

TEST_F(ShadowRules, AccessedAndDirtyAreSetWhenAProcessorWould) {
    put(directory, 0, table << 12 | present | writable);
    put(table, 0, 0x5000'0000 | present | writable);
    start();
    access(0);
    EXPECT_EQ(get(directory, 0) & 0xFF, present | writable | accessed);
    EXPECT_EQ(get(table, 0) & 0xFF, present | writable | accessed);
    access(0, Kind::Write);
    EXPECT_EQ(get(directory, 0) & 0xFF, present | writable | accessed);
    EXPECT_EQ(get(table, 0) & 0xFF, present | writable | accessed | dirty);
    EXPECT_EQ(access(0, Kind::Read, Ring::User).error_code, 5u);
    EXPECT_EQ(access(0x1000, Kind::Write).error_code, 2u);
}

// With CR0.WP=0 one page serves a supervisor's stores and a user's loads by turns.
TEST_F(ShadowRules, WithoutWPASupervisorStoresWhereAUserMayOnlyRead) {
    put(directory, 0, table << 12 | present | writable | user);
    put(table, 0, 0x5000'0000 | present | user);
    start(PG);
    for (unsigned turn = 0; turn < 3; ++turn) {
        EXPECT_FALSE(access(0, Kind::Read, Ring::User).faulted);
        EXPECT_EQ(access(0, Kind::Write, Ring::User).error_code, 7u);
        EXPECT_FALSE(access(0, Kind::Write, Ring::Supervisor).faulted);
    }
    EXPECT_EQ(get(table, 0) & 0x60, accessed | dirty);
    ASSERT_EQ(machine.shadow.load_CR0(PG | WP), ringmaster::Load::Done);
    EXPECT_EQ(access(0, Kind::Write, Ring::Supervisor).error_code, 3u);
}

// A directory that maps itself, as many systems do: the tables are edited through their own window.
TEST_F(ShadowRules, ASelfMapEditsTheTablesThatItIsMadeOf) {
    constexpr u32 window = 0xFFC0'0000;
    put(directory, 1023, directory << 12 | usual);
    put(directory, 0, table << 12 | usual);
    put(table, 0, 0x5000'0000 | usual);
    start();
    EXPECT_EQ(access(0).frame, 0x5'0000u);
    EXPECT_EQ(access(window, Kind::Write).frame, table);
    put(table, 0, 0x6000'0000 | usual);
    machine.shadow.invalidate(0);
    EXPECT_EQ(access(0).frame, 0x6'0000u);
    EXPECT_EQ(access(window | 0x3F'F000, Kind::Write).frame, directory);
    put(directory, 0, (table + 1) << 12 | usual);
    put(table + 1, 0, 0x7000'0000 | usual);
    load_CR3(directory);
    EXPECT_EQ(access(0).frame, 0x7'0000u);
}

// What the guest finds where tables would be out of reach or hidden reads as ones: here, a large page with reserved
// bits, and without PSE a table that is as empty.
TEST_F(ShadowRules, TablesInTheHiddenRangeReadAsOnes) {
    start();
    load_CR3(TableMemory::hidden_first);
    EXPECT_EQ(access(0).error_code, 9u);
    ASSERT_EQ(machine.shadow.load_CR4(0), ringmaster::Load::Done);
    EXPECT_EQ(access(0, Kind::Write, Ring::User).frame, 0xF'FFFFu);
}

TEST_F(ShadowRules, ReservedBitsOfPDPTEsAreRefused) {
    for (u32 n = 0; n < 4; ++n) machine.memory.store((u64{directory} << 12) + n * 8, u64{table} << 12 | 1, 8);
    start(PG | WP, 0x20);
    machine.memory.store((u64{directory} << 12) + 16, u64{table} << 12 | 3, 8);
    EXPECT_EQ(machine.shadow.load_CR3(directory << 12), ringmaster::Load::GeneralProtection);
    machine.memory.store((u64{directory} << 12) + 16, u64{table} << 12 | 2, 8);
    EXPECT_EQ(machine.shadow.load_CR3(directory << 12), ringmaster::Load::Done);
}

class SmallPool : public ShadowRules {
  protected:
    SmallPool() : ShadowRules(ringmaster::ShadowTables::pool_pages_least) {}
};

// Pages that are freed may still be in the TLB, where they are global: none of them stays able to store.
TEST_F(SmallPool, ACollectionLeavesNoStaleRightToStore) {
    constexpr u32 roots[] = {0x12, 0x13};
    put(directory, 0, usual | large | global);
    start(PG);
    EXPECT_EQ(access(0x21'0000, Kind::Write).frame, late_table);
    u32 n = 0;
    const auto use_table = [&](u32 root) { // one after the other, of all frames, rights and halves
        const u32 frame = 0x14 + n % 8;
        put(root, 1 + n, frame << 12 | present | accessed | (n / 8 % 4) << 1);
        put(frame, 0, usual);
        access((1 + n) << 22);
        access((1 + n) << 22 | 0x20'0000);
        ++n;
    };
    load_CR3(roots[0]);
    while (n < 8) use_table(roots[0]);
    load_CR3(roots[1]);
    while (machine.shadow.counters().collected == 0 && n < 100) use_table(roots[1]);
    EXPECT_EQ(machine.shadow.counters().collected, 1u);
    EXPECT_EQ(machine.shadow.counters().restarted, 1u); // when paging began

    put(roots[1], 1000, late_table << 12 | usual);
    put(late_table, 0, 0x5000'0000 | usual);
    EXPECT_EQ(access(1000u << 22).frame, 0x5'0000u);
    if (access(0x21'0000, Kind::Write).faulted) return; // it is no longer in the TLB: just as good
    put(late_table, 0, 0x6000'0000 | usual);
    load_CR3(roots[1]);
    EXPECT_EQ(access(1000u << 22).frame, 0x6'0000u);
}

TEST_F(ShadowRules, AClearedDirtyBitIsSetAgain) {
    put(directory, 0, table << 12 | usual);
    put(directory, 1, usual | large);
    put(table, 0, 0x5000'0000 | usual);
    start();
    access(0, Kind::Write);
    access(0x40'0000 + (table << 12), Kind::Write);
    put(table, 0, 0x5000'0000 | (usual & ~dirty));
    load_CR3(directory);
    access(0, Kind::Write);
    EXPECT_EQ(get(table, 0), 0x5000'0000 | usual);
}

// The frame of a table, stored to through the page that it is substituted for.
TEST_F(ShadowRules, ASubstituteIsClosedToo) {
    put(directory, 0, usual | large);
    put(directory, 1, TableMemory::patched_frame << 12 | usual);
    put(TableMemory::patched_frame, 0, 0x5000'0000 | usual);
    start();
    access(TableMemory::patched_frame << 12, Kind::Write);
    EXPECT_EQ(access(0x40'0000).frame, 0x5'0000u);
    access(TableMemory::patched_frame << 12, Kind::Write);
    put(TableMemory::patched_frame, 0, 0x6000'0000 | usual);
    load_CR3(directory);
    EXPECT_EQ(access(0x40'0000).frame, 0x6'0000u);
}

// A table that lags behind (no flush since its edit) must not come to where a flush has been.
TEST_F(ShadowRules, AnOpenTableIsComparedWhereItIsLinkedAnew) {
    const u32 window = 0x40'0000;
    put(directory, 0, table << 12 | usual);
    put(directory, 1, usual | large);
    put(table, 0, 0x5000'0000 | usual);
    put(table, 1, 0x5000'1000 | usual);
    start();
    EXPECT_EQ(access(0).frame, 0x5'0000u);
    access(window | table << 12, Kind::Write);
    put(table, 0, 0x6000'0000 | usual);
    access(window | directory << 12, Kind::Write);
    put(directory, 0, 0);
    machine.shadow.invalidate(0);
    access(window | directory << 12, Kind::Write);
    put(directory, 0, table << 12 | usual);
    EXPECT_EQ(access(0x1000).frame, 0x5'0001u);
    EXPECT_EQ(access(0).frame, 0x6'0000u);
}

// A read-only mapping of a closed table that lags behind is not what a store is allowed by.
TEST_F(ShadowRules, AStoreIsJudgedByTheGuestsPresentEntry) {
    const u32 window = 0x40'0000;
    put(directory, 0, table << 12 | usual);
    put(directory, 1, usual | large);
    put(directory, 2, late_table << 12 | usual);
    put(late_table, 0, 0x5000'0000 | usual);
    put(table, 0, late_table << 12 | (usual & ~writable));
    start();
    EXPECT_EQ(access(0x80'0000).frame, 0x5'0000u);
    EXPECT_EQ(access(0).frame, late_table);
    access(window | table << 12, Kind::Write);
    put(table, 0, 0x6000'0000 | usual);
    EXPECT_EQ(access(0, Kind::Write).frame, 0x6'0000u);
}

// A Splinter that is there for another reason than tables loses them too.
TEST_F(ShadowRules, ASplinterOfAnUnevenRegionLosesTheTableInIt) {
    put(directory, 0, usual | large);
    put(directory, 1, late_table << 12 | usual);
    put(late_table, 0, 0x5000'0000 | usual);
    machine.memory.address_mask = ~u64{0x10'0000};
    machine.shadow.load_address_mask(~0x10'0000u); // every region is uneven
    start();
    access(0x21'0000, Kind::Write);
    access(0x40'0000);
    access(0x21'0000, Kind::Write);
    put(late_table, 0, 0x6000'0000 | usual);
    load_CR3(directory);
    EXPECT_EQ(access(0x40'0000).frame, 0x6'0000u);
}

TEST_F(ShadowRules, AFrameIsClosedUnderItsOtherAddressWithA20) {
    put(directory, 0, usual | large);
    put(directory, 1, table << 12 | usual);
    put(table, 0, 0x5000'0000 | usual);
    machine.memory.address_mask = ~u64{0x10'0000};
    machine.shadow.load_address_mask(~0x10'0000u);
    start();
    EXPECT_EQ(access(0x10'0000 | table << 12, Kind::Write).frame, table);
    EXPECT_EQ(access(0x40'0000).frame, 0x5'0000u & ~0x100u);
    access(0x10'0000 | table << 12, Kind::Write);
    put(table, 0, 0x6000'0000 | usual);
    load_CR3(directory);
    EXPECT_EQ(access(0x40'0000).frame, 0x6'0000u);
}

} // namespace
} // namespace vmm_test
