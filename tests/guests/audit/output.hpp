// COM1 and the screen, and the way to switch the machine off.
#pragma once

#include "base/types.hpp"

namespace audit {

using namespace truering;

struct Hex {
    u32 value;
    u32 digits;
};
struct Column { // text, filled up to a width
    const char* text;
    u32 width;
};

void start_output();
void print(char character);
void print(const char* text);
void print(u32 number);
void print(Hex number);
void print(Column text);
template <class... Pieces> void say(const Pieces&... pieces) { (print(pieces), ...); }

[[noreturn]] void power_off();

} // namespace audit
