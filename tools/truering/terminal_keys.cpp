#include "tools/truering/terminal_keys.hpp"

#include <array>
#include <cstdlib>

namespace truering {

namespace {

constexpr char esc = 0x1B;
constexpr size_t longest_sequence = 12;

// xterm's modifier parameter less one.
enum ModifierBits : unsigned { shift = 1, alt = 2, control = 4 };

struct Final {
    char letter; // of ESC [ x and ESC O x
    Key key;
};
constexpr std::array finals{
    Final{'A', Key::Up},   Final{'B', Key::Down}, Final{'C', Key::Right}, Final{'D', Key::Left},
    Final{'H', Key::Home}, Final{'F', Key::End},  Final{'P', Key::F1},    Final{'Q', Key::F2},
    Final{'R', Key::F3},   Final{'S', Key::F4},   Final{'Z', Key::Tab},
};

struct Numbered {
    int number; // of ESC [ n ~
    Key key;
};
constexpr std::array numbered{
    Numbered{1, Key::Home},   Numbered{2, Key::Insert},   Numbered{3, Key::Delete}, Numbered{4, Key::End},
    Numbered{5, Key::PageUp}, Numbered{6, Key::PageDown}, Numbered{7, Key::Home},   Numbered{8, Key::End},
    Numbered{11, Key::F1},    Numbered{12, Key::F2},      Numbered{13, Key::F3},    Numbered{14, Key::F4},
    Numbered{15, Key::F5},    Numbered{17, Key::F6},      Numbered{18, Key::F7},    Numbered{19, Key::F8},
    Numbered{20, Key::F9},    Numbered{21, Key::F10},     Numbered{23, Key::F11},   Numbered{24, Key::F12},
};

} // namespace

void TerminalKeys::push(Key key, unsigned modifiers) {
    KeyStroke stroke;
    stroke.key = key;
    if ((modifiers & control) != 0) stroke.modifiers.push_back(Key::LeftCtrl);
    if ((modifiers & alt) != 0) stroke.modifiers.push_back(Key::LeftAlt);
    if ((modifiers & shift) != 0) stroke.modifiers.push_back(Key::LeftShift);
    strokes_.push_back(std::move(stroke));
}

void TerminalKeys::plain(u8 byte, bool with_alt) {
    KeyStroke stroke;
    const unsigned modifiers = with_alt ? alt : 0u;
    if (byte == '\r' || byte == '\n')
        push(Key::Enter, modifiers);
    else if (byte == '\t')
        push(Key::Tab, modifiers);
    else if (byte == 0x7F || byte == 0x08)
        push(Key::Backspace, modifiers);
    else if (byte == 0)
        push(Key::Space, modifiers | control);
    else if (byte < 0x1B) {
        stroke_of(static_cast<char>('a' + byte - 1), stroke);
        push(stroke.key, modifiers | control);
    } else if (byte < 0x20) { // Ctrl-\ ] ^ _
        stroke_of("\\]6-"[(byte - 0x1C) & 3], stroke);
        push(stroke.key, modifiers | control);
    } else if (stroke_of(static_cast<char>(byte), stroke)) {
        push(stroke.key, modifiers | (stroke.modifiers.empty() ? 0u : shift));
    }
}

void TerminalKeys::take(u8 byte) {
    const char c = static_cast<char>(byte);
    if (pending_.empty()) {
        if (c == esc)
            pending_ = c;
        else
            plain(byte, false);
        return;
    }
    if (pending_.size() == 1 && c != '[' && c != 'O') { // ESC and a letter: Alt
        pending_.clear();
        if (c == esc)
            push(Key::Escape, 0);
        else
            plain(byte, true);
        return;
    }
    pending_ += c;
    const bool parameters = (c >= '0' && c <= '9') || c == ';' || pending_.size() == 2;
    if (!parameters || pending_.size() >= longest_sequence) finish_sequence();
}

void TerminalKeys::finish_sequence() {
    const std::string sequence = std::move(pending_);
    pending_.clear();
    const size_t semicolon = sequence.find(';');
    const int parameter = semicolon == std::string::npos ? 1 : std::atoi(sequence.c_str() + semicolon + 1);
    const unsigned modifiers = parameter > 1 && parameter <= 8 ? static_cast<unsigned>(parameter - 1) : 0;
    if (sequence.back() == '~') {
        const int number = std::atoi(sequence.c_str() + 2);
        for (const Numbered& known : numbered)
            if (known.number == number) push(known.key, modifiers);
        return;
    }
    for (const Final& known : finals)
        if (known.letter == sequence.back()) push(known.key, sequence.back() == 'Z' ? shift : modifiers);
}

void TerminalKeys::idle() {
    if (pending_.size() == 1)
        push(Key::Escape, 0);
    else if (pending_.size() == 2)
        plain(static_cast<u8>(pending_[1]), true); // Alt-[ or Alt-O
    pending_.clear();
}

KeyStroke TerminalKeys::next() {
    KeyStroke stroke = std::move(strokes_.front());
    strokes_.pop_front();
    return stroke;
}

} // namespace truering
