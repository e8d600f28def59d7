// The text screen as text: what a terminal view draws and what a test waits for.
#pragma once

#include "devices/vbe_dispi.hpp"
#include "devices/vga_registers.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace truering {

struct TextCell {
    u8 character; // code page 437
    u8 attribute; // bits 3:0 foreground, 6:4 background, 7 blink or bright background
};

struct TextScreen {
    unsigned columns = 0;
    unsigned rows = 0;
    std::vector<TextCell> cells; // row by row
    unsigned cursor_column = 0;
    unsigned cursor_row = 0;
    bool cursor_visible = false; // and on the screen; blinking does not matter

    // A row as UTF-8 without trailing blanks.
    [[nodiscard]] std::string row(unsigned n) const;
    // All rows, each ended by a newline, without trailing empty ones.
    [[nodiscard]] std::string text() const;
};

// Nothing while a graphics mode is shown.
std::optional<TextScreen> read_text_screen(const VgaRegisters& registers, const VbeDispi& dispi,
                                           std::span<const u8> vram);

// The character of code page 437 as UTF-8, control codes as the pictures that the display shows for them.
std::string utf8_from_cp437(u8 character);

} // namespace truering
