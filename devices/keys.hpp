// The keys of a PC keyboard (101-105 keys, ACPI and multimedia keys) and the codes that each of the three scan code
// sets gives them.
//
// A row: the make code in set 1, the make code in set 2 (with E0 in the high byte where the key is an extended one),
// the code in set 3 (0: the key is not in that set), and how set 3 treats the key after power-on. PrintScreen and Pause
// stand here with the codes from which the keyboard builds their sequences.
// Source: IBM PS/2 hardware interface technical reference, keyboards; Microsoft keyboard scan code specification 1.3a.
#pragma once

#include "base/types.hpp"

#include <array>
#include <string_view>

namespace truering {

// clang-format off
enum class Key : u8 {
    Escape, F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, PrintScreen, ScrollLock, Pause, // top row
    Grave, Digit1, Digit2, Digit3, Digit4, Digit5, Digit6, Digit7, Digit8, Digit9, Digit0, Minus, Equal, Backspace,
    Tab, Q, W, E, R, T, Y, U, I, O, P, LeftBracket, RightBracket, Backslash,
    CapsLock, A, S, D, F, G, H, J, K, L, Semicolon, Quote, Enter,
    LeftShift, NonUsBackslash, Z, X, C, V, B, N, M, Comma, Period, Slash, RightShift,
    LeftCtrl, LeftWin, LeftAlt, Space, RightAlt, RightWin, Menu, RightCtrl,
    Insert, Home, PageUp, Delete, End, PageDown, Up, Left, Down, Right,
    NumLock, KeypadSlash, KeypadStar, KeypadMinus, KeypadPlus, KeypadEnter, KeypadPeriod,
    Keypad0, Keypad1, Keypad2, Keypad3, Keypad4, Keypad5, Keypad6, Keypad7, Keypad8, Keypad9,
    Yen, Ro, KatakanaHiragana, Henkan, Muhenkan, KeypadComma, // Japan, Brazil
    Power, Sleep, Wake,
    Mute, VolumeDown, VolumeUp, PlayPause, StopMedia, NextTrack, PreviousTrack, Mail, Calculator, WebHome, WebBack,
    WebForward, WebSearch,
};
// clang-format on

inline constexpr unsigned key_count = static_cast<unsigned>(Key::WebSearch) + 1;

// What set 3 sends for a key; commands F7H-FDH change it.
enum class KeyType : u8 {
    Typematic,          // make, repeated
    MakeBreak,          // make and break
    MakeOnly,           // make
    TypematicMakeBreak, // make, repeated, and break
};

struct KeyCodes {
    Key key;
    std::string_view name; // for people and scripts: "enter", "a", "kp7"
    u16 set1;
    u16 set2;
    u8 set3;
    KeyType type3;
};

// In the order of Key.
extern const std::array<KeyCodes, key_count> key_table;

inline const KeyCodes& codes_of(Key key) { return key_table[static_cast<unsigned>(key)]; }

// The key of a name of the table; null when there is none.
const KeyCodes* find_key(std::string_view name);

} // namespace truering
