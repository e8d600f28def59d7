// Text for a guest, as a user writes it on a command line, as key strokes or as a terminal's bytes.
//
// Escapes: \n \t \b \e \\ \< and names in angle brackets, with modifiers: <enter> <f1> <ctrl-c> <ctrl-alt-delete>. A
// letter stands for its key on a US keyboard, with Shift where it needs one.
#pragma once

#include "devices/keys.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace truering {

class KeyTextError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct KeyStroke {
    std::vector<Key> modifiers; // held while `key` is pressed
    Key key = Key::Space;
};

// Throws KeyTextError for names that are no key, and for characters that the keyboard does not have.
std::vector<KeyStroke> parse_key_text(const std::string& text);

// The bytes that a terminal sends for it: Enter is a carriage return, <ctrl-c> is 03H, <up> is ESC [ A.
std::string terminal_text(const std::string& text);

// The stroke for a character; false when no key gives it.
bool stroke_of(char character, KeyStroke& stroke);

} // namespace truering
