#include "machine/key_text.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

TEST(KeyText, LettersWithAndWithoutShift) {
    const auto strokes = parse_key_text("aB!\\n");
    ASSERT_EQ(strokes.size(), 4u);
    EXPECT_EQ(strokes[0].key, Key::A);
    EXPECT_TRUE(strokes[0].modifiers.empty());
    EXPECT_EQ(strokes[1].key, Key::B);
    EXPECT_EQ(strokes[1].modifiers, std::vector<Key>{Key::LeftShift});
    EXPECT_EQ(strokes[2].key, Key::Digit1);
    EXPECT_EQ(strokes[3].key, Key::Enter);
}

TEST(KeyText, NamesInBrackets) {
    const auto strokes = parse_key_text("<ctrl-alt-delete><F1><Enter><shift-a>");
    ASSERT_EQ(strokes.size(), 4u);
    EXPECT_EQ(strokes[0].key, Key::Delete);
    EXPECT_EQ(strokes[0].modifiers, (std::vector<Key>{Key::LeftCtrl, Key::LeftAlt}));
    EXPECT_EQ(strokes[1].key, Key::F1);
    EXPECT_EQ(strokes[2].key, Key::Enter);
    EXPECT_EQ(strokes[3].key, Key::A);
}

TEST(KeyText, ABracketThatIsNoName) {
    EXPECT_EQ(parse_key_text("a<b").size(), 3u);
    EXPECT_EQ(parse_key_text("\\<esc>").size(), 5u);
    EXPECT_EQ(parse_key_text("<>").size(), 2u);
    EXPECT_THROW((void)parse_key_text("<nokey>"), KeyTextError);
    EXPECT_THROW((void)parse_key_text("\xC3\xA4"), KeyTextError);
}

TEST(KeyText, BytesForASerialLine) {
    EXPECT_EQ(terminal_text("root\\n"), "root\r");
    EXPECT_EQ(terminal_text("<ctrl-c><up><tab>"), "\x03\x1B[A\t");
    EXPECT_THROW((void)terminal_text("<f13>"), KeyTextError);
}

TEST(KeyText, EveryPrintableCharacterHasAKey) {
    for (char c = ' '; c <= '~'; ++c) {
        KeyStroke stroke;
        EXPECT_TRUE(stroke_of(c, stroke)) << c;
    }
}

} // namespace
} // namespace truering
