#include "tools/truering/nearest.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

TEST(Nearest, Distances) {
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
    EXPECT_EQ(edit_distance("memroy", "memory"), 1u); // neighbours swapped
}

TEST(Nearest, NothingWhenNothingIsNear) {
    EXPECT_EQ(nearest_name("xyzzy", {"memory", "drive"}), "");
    EXPECT_EQ(nearest_name("drvie", {"memory", "drive"}), "drive");
    EXPECT_EQ(nearest_name("snap", {"snapshot", "sdl"}), "snapshot");
}

} // namespace
} // namespace truering
