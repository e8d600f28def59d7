// What the keyboard controller sees of a keyboard or mouse: bytes out, bytes in, over the two-wire serial link.
//
// The controller owns the pace: a device keeps its bytes until they are taken.
#pragma once

#include "memory/line.hpp"

namespace truering {

class Ps2Device {
  public:
    // High while the device has bytes to send.
    Line request;

    // The next byte; call it only while `request` is high.
    virtual u8 take_byte() = 0;

    // A byte from the host.
    virtual void receive(u8 byte) = 0;

  protected:
    ~Ps2Device() = default;
};

// Bytes that devices send, besides data.
namespace ps2 {
inline constexpr u8 ack = 0xFA;
inline constexpr u8 resend = 0xFE;
inline constexpr u8 self_test_passed = 0xAA;
inline constexpr u8 echo = 0xEE;
} // namespace ps2

} // namespace truering
