// Random numbers and random instructions, the same in each run.
#pragma once

#include "tests/v32/placed.hpp"

namespace proof {

inline u32 random_state = 0x2545f491;
inline u32 random() {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}
inline u32 random_below(u32 limit) { return random() % limit; }

// Prefixes, then anything; one in four has a two-byte opcode.
inline void random_code(u32 at) {
    u32 n = 0;
    const auto put = [&](u32 byte) { byte_at(at + n++) = static_cast<u8>(byte); };
    static constexpr u8 prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    while (random_below(3) == 0 && n < 4) put(prefixes[random_below(sizeof prefixes)]);
    if (random_below(4) == 0) put(0x0f);
    for (u32 i = 0; i < 10; ++i) put(random());
    while (n < 20) put(0xcc);
}

} // namespace proof
