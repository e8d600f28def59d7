#include "tools/truering/terminal_keys.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

std::string typed(const std::string& bytes) {
    TerminalKeys keys;
    for (const char c : bytes) keys.take(static_cast<u8>(c));
    keys.idle();
    std::string text;
    while (!keys.empty()) {
        const KeyStroke stroke = keys.next();
        for (const Key modifier : stroke.modifiers) text += std::string(codes_of(modifier).name) + "+";
        text += std::string(codes_of(stroke.key).name) + " ";
    }
    return text;
}

std::string names(std::initializer_list<Key> keys) {
    std::string text;
    for (const Key key : keys) text += std::string(codes_of(key).name) + " ";
    return text;
}

TEST(TerminalKeys, LettersAndControls) {
    EXPECT_EQ(typed("a\r\x7F"), names({Key::A, Key::Enter, Key::Backspace}));
    EXPECT_EQ(typed("\x03"), std::string(codes_of(Key::LeftCtrl).name) + "+" + names({Key::C}));
    EXPECT_EQ(typed("A"), std::string(codes_of(Key::LeftShift).name) + "+" + names({Key::A}));
}

TEST(TerminalKeys, Sequences) {
    EXPECT_EQ(typed("\x1B[A\x1BOD\x1B[3~\x1B[24~\x1BOP"), names({Key::Up, Key::Left, Key::Delete, Key::F12, Key::F1}));
    EXPECT_EQ(typed("\x1B[1;5C"), std::string(codes_of(Key::LeftCtrl).name) + "+" + names({Key::Right}));
}

TEST(TerminalKeys, EscapeAloneAndAlt) {
    EXPECT_EQ(typed("\x1B"), names({Key::Escape}));
    EXPECT_EQ(typed("\x1Bx"), std::string(codes_of(Key::LeftAlt).name) + "+" + names({Key::X}));
}

TEST(TerminalKeys, NonsenseIsHarmless) {
    for (int seed = 0; seed < 2000; ++seed) {
        std::string bytes;
        unsigned state = static_cast<unsigned>(seed) * 2654435761u + 1;
        for (int n = 0; n < 20; ++n) {
            state = state * 1664525 + 1013904223;
            bytes += "\x1B[O;~0129Aaz\x01\x1C\x1F\xFF"[state >> 16 & 15];
        }
        (void)typed(bytes);
    }
}

} // namespace
} // namespace truering
