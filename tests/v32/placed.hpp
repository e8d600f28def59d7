// Instructions given by their bytes, for tests that go over many encodings.
//
// A placed instruction stands in RAM of its own with a V32CALL behind it: if the mode lets it run, the exit is there.
// fresh_v86() and fresh_real() copy it like any code.
#pragma once

#include "tests/v32/harness.hpp"

namespace proof {

struct Bytes {
    u8 byte[16];
    u32 length;
    template <class... T> constexpr Bytes(T... value) : byte{static_cast<u8>(value)...}, length(sizeof...(value)) {}
};

constexpr u32 placed_at = scratch_end - 0x1000;

inline Bytes prefixed(u32 prefix, const Bytes& bytes) {
    Bytes longer;
    longer.byte[0] = static_cast<u8>(prefix);
    for (u32 i = 0; i < bytes.length; ++i) longer.byte[i + 1] = bytes.byte[i];
    longer.length = bytes.length + 1;
    return longer;
}

inline Code place(const Bytes& bytes, u32 at = placed_at) {
    for (u32 i = 0; i < bytes.length; ++i) byte_at(at + i) = bytes.byte[i];
    byte_at(at + bytes.length) = 0x0f; // V32CALL
    byte_at(at + bytes.length + 1) = 0x04;
    byte_at(at + bytes.length + 2) = 0xc1;
    return reinterpret_cast<Code>(at);
}

// The exit at the V32CALL behind the instruction: it has run. The test adds what it did.
inline Wanted ran(const ControlArea& area, const Bytes& bytes) {
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.guest.eip += bytes.length;
    w.guest.eflags &= ~RF;
    w.guest.interruptibility &= by_NMI;
    return w;
}

// A name of parts, for as long as the check lasts.
class Name {
  public:
    Name(const char* first, const char* second, const char* third = "") {
        char* to = text;
        for (const char* part : {first, second, third})
            for (; *part && to < text + sizeof text - 1; ++part) *to++ = *part;
        *to = 0;
    }
    operator const char*() const { return text; }

  private:
    char text[120];
};

} // namespace proof
