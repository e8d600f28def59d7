#include "tests/guests/audit/output.hpp"

namespace audit {

namespace {

void outb(u16 port, u8 value) { asm volatile("outb %0, %w1" : : "a"(value), "Nd"(port) : "memory"); }
void outw(u16 port, u16 value) { asm volatile("outw %0, %w1" : : "a"(value), "Nd"(port) : "memory"); }
void outl(u16 port, u32 value) { asm volatile("outl %0, %w1" : : "a"(value), "Nd"(port) : "memory"); }
u8 inb(u16 port) {
    u8 value = 0;
    asm volatile("inb %w1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
u32 inl(u16 port) {
    u32 value = 0;
    asm volatile("inl %w1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

constexpr u16 COM1 = 0x3F8, LSR = COM1 + 5;
constexpr u8 THRE = 0x20;
constexpr u32 columns = 80, rows = 25;
u16* const cells = reinterpret_cast<u16*>(0xB8000);
u32 row, column;

void show(char character) {
    if (character != '\n' && column < columns)
        cells[row * columns + column++] = static_cast<u16>(0x0700 | static_cast<u8>(character));
    if (character != '\n') return;
    column = 0;
    if (++row < rows) return;
    row = rows - 1;
    for (u32 n = 0; n < columns * rows; ++n) cells[n] = n < columns * row ? cells[n + columns] : 0x0720;
}

} // namespace

void start_output() {
    constexpr u8 latch = 0x80, eight_bits = 3;
    outb(COM1 + 3, latch | eight_bits);
    outb(COM1, 1); // 115200 baud
    outb(COM1 + 1, 0);
    outb(COM1 + 3, eight_bits);
    for (u32 n = 0; n < columns * rows; ++n) cells[n] = 0x0720;
    outb(0x21, 0xFF); // no interrupt of a device
    outb(0xA1, 0xFF);
}

void print(char character) {
    show(character);
    while ((inb(LSR) & THRE) == 0) {
    }
    outb(COM1, static_cast<u8>(character));
}

void print(const char* text) {
    while (*text != 0) print(*text++);
}

void print(u32 number) {
    if (number >= 10) print(number / 10);
    print(static_cast<char>('0' + number % 10));
}

void print(Hex number) {
    for (u32 n = number.digits; n-- > 0;) print("0123456789ABCDEF"[number.value >> (4 * n) & 15]);
}

void print(Column text) {
    u32 used = 0;
    for (; text.text[used] != 0; ++used) print(text.text[used]);
    for (; used < text.width; ++used) print(' ');
}

// The PIIX4's power management function (82371AB datasheet, section 7): SLP_EN with type 0 is "soft off". Where there
// is none: the debug-exit port, then HLT.
void power_off() {
    constexpr u16 address_port = 0xCF8, data_port = 0xCFC, SLP_EN = 1 << 13;
    constexpr u32 piix4_power = 0x8000'0B00, PMBASE = 0x40;
    outl(address_port, piix4_power);
    if (inl(data_port) == 0x7113'8086) {
        outl(address_port, piix4_power | PMBASE);
        outw(static_cast<u16>((inl(data_port) & 0xFFC0) + 4), SLP_EN);
    }
    outb(0xF4, 0);
    for (;;) asm volatile("cli; hlt");
}

} // namespace audit
