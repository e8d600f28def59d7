// From the bytes that a terminal sends to strokes on a PC keyboard: letters, control characters, the sequences of
// function and cursor keys, and Alt as ESC before a letter.
//
// An ESC by itself is told from the start of a sequence by what does not follow: call idle() when no byte has come for
// a moment.
//
// Source: xterm control sequences (ctlseqs), "PC-Style Function Keys"; ECMA-48.
#pragma once

#include "machine/key_text.hpp"

#include <deque>
#include <string>

namespace truering {

class TerminalKeys {
  public:
    void take(u8 byte);
    void idle();

    [[nodiscard]] bool empty() const { return strokes_.empty(); }
    KeyStroke next();

  private:
    void plain(u8 byte, bool alt);
    void finish_sequence();
    void push(Key key, unsigned modifiers);

    std::string pending_; // from ESC on
    std::deque<KeyStroke> strokes_;
};

} // namespace truering
