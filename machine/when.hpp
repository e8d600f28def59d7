// A moment in a guest's life that a user can name: after some virtual time, after some instructions, when a text has
// appeared, at the end.
#pragma once

#include "memory/clock.hpp"

#include <string>

namespace truering {

struct When {
    enum class Kind : u8 { Time, Instructions, Text, Exit };

    Kind kind = Kind::Time;
    Nanoseconds time = 0;  // Time: since power-on
    u64 instructions = 0;  // Instructions
    std::string text = {}; // Text: an ECMAScript regular expression, on the screen or on a watched port
};

} // namespace truering
