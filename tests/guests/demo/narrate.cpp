#include "narrate.hpp"

#include "screen.hpp"
#include "serial.hpp"

namespace demo {

void put(char c) {
    screen::put(c);
    serial::put(c);
}

void put(const char* text) {
    while (*text) {
        put(*text++);
    }
}

void put(uint32_t number) {
    char digits[10];
    int count = 0;
    do {
        digits[count++] = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number);
    while (count) {
        put(digits[--count]);
    }
}

void put(Hex number) {
    for (int digit = number.digits; digit-- > 0;) {
        put("0123456789ABCDEF"[number.value >> (4 * digit) & 15]);
    }
}

} // namespace demo
