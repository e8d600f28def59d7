#include "machine/key_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace truering {

namespace {

struct Character {
    char plain;
    char shifted;
    Key key;
};

constexpr std::array characters{
    Character{'1', '!', Key::Digit1},      Character{'2', '@', Key::Digit2},       Character{'3', '#', Key::Digit3},
    Character{'4', '$', Key::Digit4},      Character{'5', '%', Key::Digit5},       Character{'6', '^', Key::Digit6},
    Character{'7', '&', Key::Digit7},      Character{'8', '*', Key::Digit8},       Character{'9', '(', Key::Digit9},
    Character{'0', ')', Key::Digit0},      Character{'-', '_', Key::Minus},        Character{'=', '+', Key::Equal},
    Character{'[', '{', Key::LeftBracket}, Character{']', '}', Key::RightBracket}, Character{'\\', '|', Key::Backslash},
    Character{';', ':', Key::Semicolon},   Character{'\'', '"', Key::Quote},       Character{'`', '~', Key::Grave},
    Character{',', '<', Key::Comma},       Character{'.', '>', Key::Period},       Character{'/', '?', Key::Slash},
    Character{' ', ' ', Key::Space},       Character{'\n', '\n', Key::Enter},      Character{'\t', '\t', Key::Tab},
    Character{'\b', '\b', Key::Backspace}, Character{'\x1B', '\x1B', Key::Escape},
};

// In the order of the alphabet.
constexpr Key letters[26] = {Key::A, Key::B, Key::C, Key::D, Key::E, Key::F, Key::G, Key::H, Key::I,
                             Key::J, Key::K, Key::L, Key::M, Key::N, Key::O, Key::P, Key::Q, Key::R,
                             Key::S, Key::T, Key::U, Key::V, Key::W, Key::X, Key::Y, Key::Z};

struct Alias {
    std::string_view name;
    Key key;
};

constexpr std::array aliases{
    Alias{"esc", Key::Escape},        Alias{"escape", Key::Escape},       Alias{"enter", Key::Enter},
    Alias{"return", Key::Enter},      Alias{"ret", Key::Enter},           Alias{"space", Key::Space},
    Alias{"tab", Key::Tab},           Alias{"backspace", Key::Backspace}, Alias{"bs", Key::Backspace},
    Alias{"del", Key::Delete},        Alias{"delete", Key::Delete},       Alias{"ins", Key::Insert},
    Alias{"insert", Key::Insert},     Alias{"pgup", Key::PageUp},         Alias{"pgdn", Key::PageDown},
    Alias{"ctrl", Key::LeftCtrl},     Alias{"control", Key::LeftCtrl},    Alias{"alt", Key::LeftAlt},
    Alias{"altgr", Key::RightAlt},    Alias{"shift", Key::LeftShift},     Alias{"win", Key::LeftWin},
    Alias{"print", Key::PrintScreen},
};

Key named_key(const std::string& name) {
    for (const Alias& alias : aliases)
        if (alias.name == name) return alias.key;
    if (const KeyCodes* codes = find_key(name)) return codes->key;
    KeyStroke stroke;
    if (name.size() == 1 && stroke_of(name[0], stroke) && stroke.modifiers.empty()) return stroke.key;
    throw KeyTextError(fmt::format("'{}' is no key; 'truering list keys' names them", name));
}

// "ctrl-alt-delete"; the last part may be '-' itself.
KeyStroke named_stroke(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    KeyStroke stroke;
    size_t at = 0;
    while (true) {
        const size_t dash = text.find('-', at + 1);
        const std::string part = text.substr(at, dash == std::string::npos ? dash : dash - at);
        if (dash == std::string::npos) {
            stroke.key = named_key(part);
            return stroke;
        }
        stroke.modifiers.push_back(named_key(part));
        at = dash + 1;
    }
}

// One element of a key text.
struct Element {
    bool is_name = false;
    std::string text; // a character, or what stands in the brackets
};

std::vector<Element> elements_of(const std::string& text) {
    std::vector<Element> elements;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            constexpr std::string_view letters_of_escapes = "ntrbe";
            constexpr std::string_view meanings = "\n\t\n\b\x1B";
            const size_t known = letters_of_escapes.find(text[++i]);
            elements.push_back({false, std::string(1, known == std::string_view::npos ? text[i] : meanings[known])});
        } else if (const size_t end = text.find('>', i); text[i] == '<' && end != std::string::npos && end > i + 1) {
            elements.push_back({true, text.substr(i + 1, end - i - 1)});
            i = end;
        } else {
            elements.push_back({false, std::string(1, text[i])});
        }
    }
    return elements;
}

std::string terminal_bytes(const KeyStroke& stroke, const std::string& name) {
    static constexpr std::pair<Key, std::string_view> sequences[] = {
        {Key::Enter, "\r"},       {Key::Escape, "\x1B"},    {Key::Tab, "\t"},          {Key::Backspace, "\x7F"},
        {Key::Space, " "},        {Key::Up, "\x1B[A"},      {Key::Down, "\x1B[B"},     {Key::Right, "\x1B[C"},
        {Key::Left, "\x1B[D"},    {Key::Home, "\x1B[H"},    {Key::End, "\x1B[F"},      {Key::Insert, "\x1B[2~"},
        {Key::Delete, "\x1B[3~"}, {Key::PageUp, "\x1B[5~"}, {Key::PageDown, "\x1B[6~"}};
    const bool control =
        std::find(stroke.modifiers.begin(), stroke.modifiers.end(), Key::LeftCtrl) != stroke.modifiers.end();
    for (char letter = 'a'; letter <= 'z'; ++letter)
        if (letters[letter - 'a'] == stroke.key)
            return std::string(1, static_cast<char>(control ? letter & 0x1F : letter));
    for (const auto& [key, bytes] : sequences)
        if (key == stroke.key) return std::string(bytes);
    throw KeyTextError(fmt::format("<{}> has no bytes on a serial line", name));
}

} // namespace

bool stroke_of(char character, KeyStroke& stroke) {
    stroke = {};
    const auto code = static_cast<unsigned char>(character);
    if (code < 0x80 && std::isalpha(code) != 0) {
        stroke.key = letters[std::tolower(code) - 'a'];
        if (std::isupper(code) != 0) stroke.modifiers.push_back(Key::LeftShift);
        return true;
    }
    for (const Character& known : characters) {
        if (known.plain != character && known.shifted != character) continue;
        stroke.key = known.key;
        if (known.plain != character) stroke.modifiers.push_back(Key::LeftShift);
        return true;
    }
    return false;
}

std::vector<KeyStroke> parse_key_text(const std::string& text) {
    std::vector<KeyStroke> strokes;
    for (const Element& element : elements_of(text)) {
        KeyStroke stroke;
        if (element.is_name)
            stroke = named_stroke(element.text);
        else if (!stroke_of(element.text[0], stroke))
            throw KeyTextError(fmt::format("the character {:#04x} is on no key of a US keyboard",
                                           static_cast<unsigned char>(element.text[0])));
        strokes.push_back(std::move(stroke));
    }
    return strokes;
}

std::string terminal_text(const std::string& text) {
    std::string bytes;
    for (const Element& element : elements_of(text)) {
        if (element.is_name)
            bytes += terminal_bytes(named_stroke(element.text), element.text);
        else
            bytes += element.text == "\n" ? "\r" : element.text;
    }
    return bytes;
}

} // namespace truering
