// The TLB by itself: what a flush drops and keeps, and which pages may write a frame at once.
#include "cpu/tlb.hpp"

#include <gtest/gtest.h>

namespace truering {

namespace {

constexpr u32 page_a = 0x0040'0000, page_b = 0xC000'0000, page_c = 0xFFFF'F000;
constexpr u64 frame = 0x9'8765'4000;

class TlbTest : public testing::Test {
  protected:
    void fill(u32 linear, unsigned rights, u64 physical = frame, bool user = false) {
        u8* const host = (rights & tlb_write) != 0 ? memory : nullptr;
        tlb.fill(user, linear, {physical, static_cast<u16>(rights), memory, host});
    }
    [[nodiscard]] bool known(u32 linear, bool user = false) { return tlb.view(user)->has(linear, tlb_present); }
    [[nodiscard]] bool writes(u32 linear, bool user = false) { return tlb.view(user)->write[linear / page_size] != 0; }
    [[nodiscard]] u32 code(u32 linear) { return tlb.view(false)->code[linear / page_size]; }

    Tlb tlb;
    alignas(page_size) u8 memory[page_size];
};

} // namespace

TEST_F(TlbTest, AnEntrySaysWhereThePageLies) {
    fill(page_c, tlb_write | tlb_fetch);
    const TlbView& view = *tlb.view(false);
    EXPECT_EQ(view.read[page_c / page_size] + page_c + 5, reinterpret_cast<u64>(memory + 5));
    EXPECT_EQ(view.write[page_c / page_size], view.read[page_c / page_size]);
    EXPECT_EQ(view.physical_page(page_c), frame);
    EXPECT_FALSE(known(page_c, true)) << "another privilege";
    fill(page_c, tlb_fetch);
    EXPECT_FALSE(writes(page_c));
}

TEST_F(TlbTest, AFlushDropsEverything) {
    for (int round = 0; round < 2; ++round) {
        fill(page_a, tlb_write);
        fill(page_b, tlb_write | tlb_global, frame, true);
        tlb.flush_all();
        EXPECT_FALSE(known(page_a) || known(page_b, true) || writes(page_a) || writes(page_b, true));
        EXPECT_EQ(tlb.view(false)->frame_and_rights[page_a / page_size], 0u);
        EXPECT_EQ(tlb.view(true)->read[page_b / page_size], 0u);
    }
}

TEST_F(TlbTest, GlobalEntriesStayUntilTheyAreMeant) {
    fill(page_a, 0);
    fill(page_b, tlb_global);
    tlb.flush_non_global();
    EXPECT_FALSE(known(page_a));
    EXPECT_TRUE(known(page_b));
    tlb.flush_page(page_b + 0xFFF);
    EXPECT_FALSE(known(page_b));
}

TEST_F(TlbTest, APageMayBecomeGlobalAndCeaseToBe) {
    fill(page_a, 0);
    fill(page_a, tlb_global);
    tlb.flush_non_global();
    EXPECT_TRUE(known(page_a));
    fill(page_a, 0);
    tlb.flush_non_global();
    EXPECT_FALSE(known(page_a));
    fill(page_a, 0);
    tlb.flush_non_global();
    EXPECT_FALSE(known(page_a)) << "it is listed again";
    fill(page_a, tlb_global);
    tlb.flush_all();
    EXPECT_FALSE(known(page_a));
}

TEST_F(TlbTest, AFlushedPageIsListedOnce) {
    for (int round = 0; round < 3; ++round) {
        fill(page_a, 0);
        tlb.flush_page(page_a);
        EXPECT_FALSE(known(page_a));
    }
    fill(page_a, 0);
    tlb.flush_non_global();
    EXPECT_FALSE(known(page_a));
    EXPECT_EQ(tlb.view(false)->frame_and_rights[page_a / page_size], 0u);
}

TEST_F(TlbTest, SidesAreApart) {
    fill(page_a, tlb_write);
    tlb.select(TlbSide::Guest);
    EXPECT_FALSE(known(page_a));
    fill(page_a, tlb_write);
    tlb.flush_all();
    tlb.select(TlbSide::Root);
    EXPECT_TRUE(known(page_a));
    tlb.flush_side(TlbSide::Root);
    EXPECT_FALSE(known(page_a));
}

TEST_F(TlbTest, NumbersOfCodeLiveAsLongAsTheirPage) {
    tlb.set_code(false, page_a, 7);
    EXPECT_EQ(code(page_a), 0u) << "nothing is known of the page";
    fill(page_a, 0);
    tlb.set_code(false, page_a, 7);
    EXPECT_EQ(code(page_a), 0u) << "nothing may be fetched";
    fill(page_a, tlb_fetch);
    tlb.set_code(false, page_a, 7);
    fill(page_a, tlb_fetch | tlb_write);
    EXPECT_EQ(code(page_a), 7u) << "the same code, a right more";
    fill(page_a, tlb_fetch, frame + page_size);
    EXPECT_EQ(code(page_a), 0u) << "another frame";
    tlb.set_code(false, page_a, 7);
    tlb.flush_page(page_a);
    EXPECT_EQ(code(page_a), 0u);
}

TEST_F(TlbTest, NumbersOfCodeAreTakenBackOnBothSides) {
    fill(page_a, tlb_fetch | tlb_global);
    tlb.set_code(false, page_a, 7);
    tlb.select(TlbSide::Guest);
    fill(page_b, tlb_fetch);
    tlb.set_code(false, page_b, 8);
    tlb.forget_code();
    EXPECT_EQ(code(page_b), 0u);
    EXPECT_TRUE(known(page_b));
    tlb.select(TlbSide::Root);
    EXPECT_EQ(code(page_a), 0u);
}

TEST_F(TlbTest, AFrameLosesAllItsWriters) {
    fill(page_a, tlb_write);
    fill(page_b, tlb_write, frame, true);
    fill(page_c, tlb_write, frame + page_size);
    tlb.select(TlbSide::Guest);
    fill(page_c, tlb_write);
    tlb.forbid_fast_writes(frame);
    EXPECT_FALSE(writes(page_c));
    EXPECT_TRUE(known(page_c)) << "it may still be read";
    tlb.select(TlbSide::Root);
    EXPECT_FALSE(writes(page_a));
    EXPECT_FALSE(writes(page_b, true));
    EXPECT_TRUE(writes(page_c)) << "another frame";
}

// However many linear pages share a frame, with flushes and other uses of the pages between: afterwards none writes it.
TEST_F(TlbTest, NoWriterIsForgotten) {
    u32 state = 1;
    const auto below = [&](u32 end) { return (state = state * 1664525 + 1013904223, state >> 16) % end; };
    for (int round = 0; round < 20000; ++round) {
        const u32 linear = below(5) * page_size;
        const bool user = below(2) != 0;
        switch (below(8)) {
        case 0: tlb.flush_page(linear); break;
        case 1: tlb.flush_non_global(); break;
        case 2: tlb.select(below(2) != 0 ? TlbSide::Guest : TlbSide::Root); break;
        case 3:
            if (tlb.view(user)->has(linear, tlb_write)) tlb.allow_fast_writes(user, linear, memory);
            break;
        case 4: {
            const u64 forbidden = frame + u64{below(2)} * page_size;
            tlb.forbid_fast_writes(forbidden);
            for (const TlbSide side : {TlbSide::Guest, TlbSide::Root}) {
                tlb.select(side);
                for (u32 page = 0; page < 5; ++page)
                    for (const bool of_user : {false, true})
                        ASSERT_FALSE(writes(page * page_size, of_user) &&
                                     tlb.view(of_user)->physical_page(page * page_size) == forbidden);
            }
            break;
        }
        default:
            fill(linear, tlb_write | (below(2) != 0 ? u32{tlb_global} : 0u), frame + u64{below(2)} * page_size, user);
        }
    }
}

} // namespace truering
