#include "vmm/log.hpp"

#include "vmm/processor.hpp"

namespace ringmaster {

namespace {

constexpr u16 debug_port = 0xE9;
constexpr u16 com_ports[] = {0x3F8, 0x2F8};
constexpr u32 screen_columns = 80, screen_rows = 25;
constexpr u16 white_on_red = 0x4F00;

LogTarget target = LogTarget::None;
bool on_screen = false;
u32 row = 0, column = 0;

enum Uart : u16 { THR = 0, DLL = 0, DLM = 1, IER = 1, LCR = 3, LSR = 5 };

void open_com(u16 port) {
    constexpr u8 LCR_DLAB = 0x80, LCR_8N1 = 3;
    out8(static_cast<u16>(port + LCR), LCR_DLAB);
    out8(static_cast<u16>(port + DLL), 1); // 115200 baud
    out8(static_cast<u16>(port + DLM), 0);
    out8(static_cast<u16>(port + LCR), LCR_8N1);
}

void to_com(u16 port, char character) {
    constexpr u8 LSR_THRE = 0x20;
    constexpr u32 patience = 100'000; // a port that is not there answers at once, one that hangs never
    for (u32 n = 0; n < patience && (in8(static_cast<u16>(port + LSR)) & LSR_THRE) == 0; ++n) {
    }
    out8(static_cast<u16>(port + THR), static_cast<u8>(character));
}

void to_target(char character) {
    switch (target) {
    case LogTarget::None: break;
    case LogTarget::DebugPort: out8(debug_port, static_cast<u8>(character)); break;
    case LogTarget::Com1: to_com(com_ports[0], character); break;
    case LogTarget::Com2: to_com(com_ports[1], character); break;
    }
}

void to_screen(char character) {
    auto* const text = reinterpret_cast<volatile u16*>(0xB8000);
    if (character == '\n') {
        for (; column < screen_columns; ++column) text[row * screen_columns + column] = white_on_red | ' ';
        column = 0;
        row = row + 1 < screen_rows ? row + 1 : 0;
    } else if (column < screen_columns) {
        text[row * screen_columns + column++] = static_cast<u16>(white_on_red | static_cast<u8>(character));
    }
}

void spaces(u32 used, u32 width) {
    for (; used < width; ++used) print(' ');
}

u32 length(const char* text) {
    u32 n = 0;
    while (text[n] != 0) ++n;
    return n;
}

// The digits of a number, the last at the end of the buffer.
struct Digits {
    char text[21] = {};
    const char* first = text + 20;

    explicit Digits(u64 number) {
        char* at = text + 20;
        do {
            const u64 rest = divide(number, 10);
            *--at = static_cast<char>('0' + (number - rest * 10));
            number = rest;
        } while (number != 0);
        first = at;
    }
};

} // namespace

void open_log(LogTarget where) {
    target = where;
    if (where == LogTarget::Com1) open_com(com_ports[0]);
    if (where == LogTarget::Com2) open_com(com_ports[1]);
}

void use_screen() { on_screen = true; }

void print(char character) {
    if (character == '\n' && target != LogTarget::DebugPort) to_target('\r');
    to_target(character);
    if (on_screen) to_screen(character);
}

void print(const char* text) {
    while (*text != 0) print(*text++);
}
void print(u64 number) { print(Digits(number).first); }
void print(u32 number) { print(u64{number}); }
void print(Hex number) {
    for (u32 n = number.digits; n-- > 0;) print("0123456789ABCDEF"[(number.value >> (4 * n)) & 15]);
}
void print(Right<const char*> text) {
    spaces(length(text.value), text.width);
    print(text.value);
}
void print(Right<u64> number) {
    const Digits digits(number.value);
    print(Right<const char*>{digits.first, number.width});
}
void print(Right<u32> number) { print(Right<u64>{number.value, number.width}); }
void print(Left text) {
    print(text.text);
    spaces(length(text.text), text.width);
}

void stop(Ending ending) {
    constexpr u16 debug_exit_ports[] = {0x501, 0xF4};
    for (const u16 port : debug_exit_ports) out8(port, static_cast<u8>(ending));
    for (;;) asm volatile("cli; hlt");
}

} // namespace ringmaster
