// say("The PIT ticks ", 100u, " times a second.") writes a line to the text screen and to COM1.
//
// Parts are strings, unsigned numbers (decimal), and hex16/hex32 of a number. Overloads on the type of a part, and a
// fold expression over the parts, take the place of printf: nothing can be passed that is not understood.
#pragma once

#include <stdint.h>

namespace demo {

struct Hex {
    uint32_t value;
    int digits;
};
constexpr Hex hex16(uint32_t value) { return {value, 4}; }
constexpr Hex hex32(uint32_t value) { return {value, 8}; }

void put(char c);
void put(const char* text);
void put(uint32_t number);
void put(Hex number);

template <typename... Parts> void say(Parts... parts) {
    (put(parts), ...);
    put('\n');
}

} // namespace demo
