#include "screen.hpp"

#include "ports.hpp"

namespace demo::screen {
namespace {

constexpr int columns = 80;
constexpr int rows = 25;
constexpr uint16_t blank = 0x0700 | ' '; // light grey on black

volatile uint16_t* const cells = reinterpret_cast<volatile uint16_t*>(0xb8000);
int row, column;

void scroll() {
    for (int i = 0; i < columns * (rows - 1); ++i) {
        cells[i] = cells[i + columns];
    }
    for (int i = columns * (rows - 1); i < columns * rows; ++i) {
        cells[i] = blank;
    }
}

// The cursor is the CRT controller's: registers 0EH and 0FH, reached by index port 3D4H and data port 3D5H.
void show_cursor() {
    const auto position = static_cast<uint16_t>(row * columns + column);
    outw(0x3d4, static_cast<uint16_t>(0x0e | (position & 0xff00)));
    outw(0x3d4, static_cast<uint16_t>(0x0f | (position << 8)));
}

} // namespace

void clear() {
    for (int i = 0; i < columns * rows; ++i) {
        cells[i] = blank;
    }
    row = column = 0;
    show_cursor();
}

void put(char c) {
    if (c != '\n') {
        cells[row * columns + column++] = static_cast<uint16_t>(0x0700 | static_cast<uint8_t>(c));
    }
    if (c == '\n' || column == columns) {
        column = 0;
        if (++row == rows) {
            scroll();
            row = rows - 1;
        }
    }
    show_cursor();
}

} // namespace demo::screen
