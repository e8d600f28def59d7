#include "tools/truering/window_keys.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace truering {

namespace {

using Pair = std::pair<SDL_Scancode, Key>;

constexpr std::array others{
    Pair{SDL_SCANCODE_RETURN, Key::Enter},
    Pair{SDL_SCANCODE_ESCAPE, Key::Escape},
    Pair{SDL_SCANCODE_BACKSPACE, Key::Backspace},
    Pair{SDL_SCANCODE_TAB, Key::Tab},
    Pair{SDL_SCANCODE_SPACE, Key::Space},
    Pair{SDL_SCANCODE_MINUS, Key::Minus},
    Pair{SDL_SCANCODE_EQUALS, Key::Equal},
    Pair{SDL_SCANCODE_LEFTBRACKET, Key::LeftBracket},
    Pair{SDL_SCANCODE_RIGHTBRACKET, Key::RightBracket},
    Pair{SDL_SCANCODE_BACKSLASH, Key::Backslash},
    Pair{SDL_SCANCODE_NONUSHASH, Key::Backslash},
    Pair{SDL_SCANCODE_SEMICOLON, Key::Semicolon},
    Pair{SDL_SCANCODE_APOSTROPHE, Key::Quote},
    Pair{SDL_SCANCODE_GRAVE, Key::Grave},
    Pair{SDL_SCANCODE_COMMA, Key::Comma},
    Pair{SDL_SCANCODE_PERIOD, Key::Period},
    Pair{SDL_SCANCODE_SLASH, Key::Slash},
    Pair{SDL_SCANCODE_CAPSLOCK, Key::CapsLock},
    Pair{SDL_SCANCODE_PRINTSCREEN, Key::PrintScreen},
    Pair{SDL_SCANCODE_SCROLLLOCK, Key::ScrollLock},
    Pair{SDL_SCANCODE_PAUSE, Key::Pause},
    Pair{SDL_SCANCODE_INSERT, Key::Insert},
    Pair{SDL_SCANCODE_HOME, Key::Home},
    Pair{SDL_SCANCODE_PAGEUP, Key::PageUp},
    Pair{SDL_SCANCODE_DELETE, Key::Delete},
    Pair{SDL_SCANCODE_END, Key::End},
    Pair{SDL_SCANCODE_PAGEDOWN, Key::PageDown},
    Pair{SDL_SCANCODE_RIGHT, Key::Right},
    Pair{SDL_SCANCODE_LEFT, Key::Left},
    Pair{SDL_SCANCODE_DOWN, Key::Down},
    Pair{SDL_SCANCODE_UP, Key::Up},
    Pair{SDL_SCANCODE_NUMLOCKCLEAR, Key::NumLock},
    Pair{SDL_SCANCODE_KP_DIVIDE, Key::KeypadSlash},
    Pair{SDL_SCANCODE_KP_MULTIPLY, Key::KeypadStar},
    Pair{SDL_SCANCODE_KP_MINUS, Key::KeypadMinus},
    Pair{SDL_SCANCODE_KP_PLUS, Key::KeypadPlus},
    Pair{SDL_SCANCODE_KP_ENTER, Key::KeypadEnter},
    Pair{SDL_SCANCODE_KP_PERIOD, Key::KeypadPeriod},
    Pair{SDL_SCANCODE_KP_COMMA, Key::KeypadComma},
    Pair{SDL_SCANCODE_KP_0, Key::Keypad0},
    Pair{SDL_SCANCODE_NONUSBACKSLASH, Key::NonUsBackslash},
    Pair{SDL_SCANCODE_APPLICATION, Key::Menu},
    Pair{SDL_SCANCODE_LCTRL, Key::LeftCtrl},
    Pair{SDL_SCANCODE_LSHIFT, Key::LeftShift},
    Pair{SDL_SCANCODE_LALT, Key::LeftAlt},
    Pair{SDL_SCANCODE_LGUI, Key::LeftWin},
    Pair{SDL_SCANCODE_RCTRL, Key::RightCtrl},
    Pair{SDL_SCANCODE_RSHIFT, Key::RightShift},
    Pair{SDL_SCANCODE_RALT, Key::RightAlt},
    Pair{SDL_SCANCODE_RGUI, Key::RightWin},
    Pair{SDL_SCANCODE_INTERNATIONAL1, Key::Ro},
    Pair{SDL_SCANCODE_INTERNATIONAL2, Key::KatakanaHiragana},
    Pair{SDL_SCANCODE_INTERNATIONAL3, Key::Yen},
    Pair{SDL_SCANCODE_INTERNATIONAL4, Key::Henkan},
    Pair{SDL_SCANCODE_INTERNATIONAL5, Key::Muhenkan},
    Pair{SDL_SCANCODE_POWER, Key::Power},
    Pair{SDL_SCANCODE_SLEEP, Key::Sleep},
    Pair{SDL_SCANCODE_AUDIOMUTE, Key::Mute},
    Pair{SDL_SCANCODE_AUDIONEXT, Key::NextTrack},
    Pair{SDL_SCANCODE_AUDIOPREV, Key::PreviousTrack},
    Pair{SDL_SCANCODE_AUDIOSTOP, Key::StopMedia},
    Pair{SDL_SCANCODE_AUDIOPLAY, Key::PlayPause},
};

// Keys in a row, in SDL's order.
constexpr Key letters[] = {Key::A, Key::B, Key::C, Key::D, Key::E, Key::F, Key::G, Key::H, Key::I,
                           Key::J, Key::K, Key::L, Key::M, Key::N, Key::O, Key::P, Key::Q, Key::R,
                           Key::S, Key::T, Key::U, Key::V, Key::W, Key::X, Key::Y, Key::Z};
constexpr Key digits[] = {Key::Digit1, Key::Digit2, Key::Digit3, Key::Digit4, Key::Digit5,
                          Key::Digit6, Key::Digit7, Key::Digit8, Key::Digit9, Key::Digit0};
constexpr Key functions[] = {Key::F1, Key::F2, Key::F3, Key::F4,  Key::F5,  Key::F6,
                             Key::F7, Key::F8, Key::F9, Key::F10, Key::F11, Key::F12};
constexpr Key keypad[] = {Key::Keypad1, Key::Keypad2, Key::Keypad3, Key::Keypad4, Key::Keypad5,
                          Key::Keypad6, Key::Keypad7, Key::Keypad8, Key::Keypad9};

} // namespace

std::optional<Key> key_of(SDL_Scancode code) {
    if (code >= SDL_SCANCODE_A && code <= SDL_SCANCODE_Z) return letters[code - SDL_SCANCODE_A];
    if (code >= SDL_SCANCODE_1 && code <= SDL_SCANCODE_0) return digits[code - SDL_SCANCODE_1];
    if (code >= SDL_SCANCODE_F1 && code <= SDL_SCANCODE_F12) return functions[code - SDL_SCANCODE_F1];
    if (code >= SDL_SCANCODE_KP_1 && code <= SDL_SCANCODE_KP_9) return keypad[code - SDL_SCANCODE_KP_1];
    const auto* const found =
        std::find_if(others.begin(), others.end(), [&](const Pair& pair) { return pair.first == code; });
    if (found == others.end()) return std::nullopt;
    return found->second;
}

} // namespace truering
