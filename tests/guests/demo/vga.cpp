#include "vga.hpp"

#include "ports.hpp"
#include "screen.hpp"

namespace demo::vga {
namespace {

enum Port : uint16_t {
    attribute = 0x3c0,
    misc_write = 0x3c2,
    sequencer = 0x3c4,
    dac_write_index = 0x3c8,
    dac_data = 0x3c9,
    graphics = 0x3ce,
    crtc = 0x3d4,
    input_status_1 = 0x3da,
};

// The values that the VGA BIOS uses for these modes.
struct Mode {
    uint8_t misc;
    uint8_t sequencer[5];
    uint8_t crtc[25];
    uint8_t graphics[9];
    uint8_t attribute[21];
};

constexpr Mode mode_13h = {
    0x63,
    {0x03, 0x01, 0x0f, 0x00, 0x0e},
    {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0x00, 0x0f, 0x00, 0x00},
};
constexpr Mode mode_03h = {
    0x67,
    {0x03, 0x00, 0x03, 0x00, 0x02},
    {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
     0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff},
    {0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00},
};

constexpr int font_bytes = 256 * 32;
uint8_t font[font_bytes];
uint8_t text_colours[64][3];

void write_indexed(uint16_t port, int index, uint8_t value) {
    outb(port, static_cast<uint8_t>(index));
    outb(static_cast<uint16_t>(port + 1), value);
}

void load(const Mode& mode) {
    outb(misc_write, mode.misc);
    write_indexed(sequencer, 0, 1); // synchronous reset while the clocks change
    for (int i = 1; i < 5; ++i) {
        write_indexed(sequencer, i, mode.sequencer[i]);
    }
    write_indexed(sequencer, 0, mode.sequencer[0]);
    write_indexed(crtc, 0x11, mode.crtc[0x11] & 0x7f); // bit 7 protects registers 0 to 7
    for (int i = 0; i < 25; ++i) {
        write_indexed(crtc, i, i == 0x11 ? mode.crtc[i] & 0x7f : mode.crtc[i]);
    }
    for (int i = 0; i < 9; ++i) {
        write_indexed(graphics, i, mode.graphics[i]);
    }
    inb(input_status_1); // the next write to 3C0H is an index
    for (int i = 0; i < 21; ++i) {
        outb(attribute, static_cast<uint8_t>(i));
        outb(attribute, mode.attribute[i]);
    }
    outb(attribute, 0x20); // the palette belongs to the display again
}

// Lets the processor reach plane 2, flat, at A0000H.
void open_font_plane() {
    write_indexed(sequencer, 2, 0x04); // write to plane 2
    write_indexed(sequencer, 4, 0x06); // no odd/even
    write_indexed(graphics, 4, 0x02);  // read from plane 2
    write_indexed(graphics, 5, 0x00);
    write_indexed(graphics, 6, 0x04); // A0000H, 64 KiB
}

volatile uint8_t* const memory = reinterpret_cast<volatile uint8_t*>(0xa0000);

} // namespace

void enter_mode_13h() {
    open_font_plane();
    for (int i = 0; i < font_bytes; ++i) {
        font[i] = memory[i];
    }
    outb(0x3c7, 0);
    for (auto& colour : text_colours) {
        for (uint8_t& part : colour) {
            part = inb(dac_data);
        }
    }
    load(mode_13h);
    for (int i = 0; i < width * height; ++i) {
        memory[i] = 0;
    }
}

void set_colour(uint8_t index, uint8_t red, uint8_t green, uint8_t blue) {
    outb(dac_write_index, index);
    outb(dac_data, red);
    outb(dac_data, green);
    outb(dac_data, blue);
}

void plot(int x, int y, uint8_t colour) { memory[y * width + x] = colour; }

uint8_t colour_at(int x, int y) { return memory[y * width + x]; }

void back_to_text() {
    load(mode_03h);
    open_font_plane();
    for (int i = 0; i < font_bytes; ++i) {
        memory[i] = font[i];
    }
    load(mode_03h);
    for (int i = 0; i < 64; ++i) {
        set_colour(static_cast<uint8_t>(i), text_colours[i][0], text_colours[i][1], text_colours[i][2]);
    }
    screen::clear();
}

} // namespace demo::vga
