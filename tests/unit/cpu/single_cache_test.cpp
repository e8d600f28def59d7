// The cache of instructions that stand in no block: it must know by the bytes alone whether it may answer.
#include "cpu/interpreter/single_cache.hpp"
#include "cpu/model.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace truering {
namespace {

class SingleCacheTest : public testing::Test {
  protected:
    const Instruction* decode(const SingleCache::Bytes& bytes, CodeSize size = CodeSize::Bits32, u32 linear = 0xFFE) {
        return cache_.decode(linear, bytes, size, features_);
    }
    FeatureSet features_ = find_cpu_model("pentium4")->features;
    SingleCache cache_;
};

constexpr SingleCache::Bytes mov_eax_1 = {0xB8, 1, 0, 0, 0};

TEST_F(SingleCacheTest, ChangedBytesAreDecodedAgain) {
    ASSERT_NE(decode(mov_eax_1), nullptr);
    EXPECT_EQ(decode(mov_eax_1)->immediate, 1u);
    SingleCache::Bytes changed = mov_eax_1;
    changed[4] = 0x80;
    EXPECT_EQ(decode(changed)->immediate, 0x8000'0001u);
    EXPECT_EQ(decode(mov_eax_1)->immediate, 1u);
}

TEST_F(SingleCacheTest, BytesBehindTheInstructionDoNotMatter) {
    SingleCache::Bytes other = mov_eax_1;
    other[5] = 0xF4;
    const Instruction* const first = decode(mov_eax_1);
    EXPECT_EQ(decode(other), first);
    EXPECT_EQ(decode(other)->length, 5);
}

TEST_F(SingleCacheTest, TheCodeSizeMatters) {
    EXPECT_EQ(decode(mov_eax_1)->length, 5);
    EXPECT_EQ(decode(mov_eax_1, CodeSize::Bits16)->length, 3);
    EXPECT_EQ(decode(mov_eax_1)->length, 5);
}

TEST_F(SingleCacheTest, AnUndefinedInstructionIsNoAnswer) {
    EXPECT_EQ(decode({0xF0, 0x90}), nullptr); // LOCK NOP
    EXPECT_NE(decode(mov_eax_1), nullptr);
    EXPECT_EQ(decode({0xF0, 0x90}), nullptr);
}

TEST_F(SingleCacheTest, KnowsWhichBytesNeedMore) {
    const auto goes_beyond = [&](std::vector<u8> bytes, CodeSize size = CodeSize::Bits32) {
        return cache_.goes_beyond(0x5FFE, bytes, size);
    };
    EXPECT_FALSE(goes_beyond({0xB8, 1}));
    ASSERT_NE(decode(mov_eax_1), nullptr);
    EXPECT_TRUE(goes_beyond({0xB8, 1}));
    EXPECT_TRUE(goes_beyond({0xB8, 1, 0, 0}));
    EXPECT_FALSE(goes_beyond({0xB8, 1, 0, 0, 0})) << "it is whole";
    EXPECT_FALSE(goes_beyond({0xB9, 1})) << "another instruction";
    EXPECT_FALSE(goes_beyond({0xB8, 1}, CodeSize::Bits16)) << "there it may be shorter";
}

TEST_F(SingleCacheTest, PlacesThatShareAnEntryDoNotMixUp) {
    const SingleCache::Bytes nop = {0x90};
    for (int n = 0; n < 3; ++n) {
        EXPECT_EQ(decode(mov_eax_1, CodeSize::Bits32, 0xFFE)->length, 5);
        EXPECT_EQ(decode(nop, CodeSize::Bits32, 0x1FFE)->length, 1);
    }
}

} // namespace
} // namespace truering
