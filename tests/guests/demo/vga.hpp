// The VGA, programmed without the BIOS: mode 13H (320 x 200, 256 colours), and the way back to the text screen.
//
// A mode is nothing but a set of register values. In text mode the character shapes stand in plane 2 of the same memory
// that mode 13H draws in, so they are saved before and put back afterwards.
#pragma once

#include <stdint.h>

namespace demo::vga {

constexpr int width = 320, height = 200;

void enter_mode_13h();
void set_colour(uint8_t index, uint8_t red, uint8_t green, uint8_t blue); // 6 bits each
void plot(int x, int y, uint8_t colour);
uint8_t colour_at(int x, int y);
void back_to_text(); // screen cleared

} // namespace demo::vga
