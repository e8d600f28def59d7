// What reaches a machine from outside: keys, the mouse, bytes on its serial ports, the buttons of its case.
//
// All of it goes through Pc::take(), between two instructions of the guest. Whoever must give a second machine the same
// (lockstep.hpp) listens there: a run is a function of the machine's configuration and of these, each at its moment.
#pragma once

#include "devices/keys.hpp"

#include <variant>

namespace truering {

struct KeyInput {
    Key key;
    bool pressed;
};
struct AllKeysReleased {};
struct MouseInput { // as Ps2Mouse::move() takes it
    int dx, dy, dz;
    u8 buttons;
};
struct SerialInput {
    unsigned port; // 0: COM1
    u8 byte;
};
struct SerialBreak {
    unsigned port;
};
struct PowerButton {};
struct ResetButton {};

using PcInput = std::variant<KeyInput, AllKeysReleased, MouseInput, SerialInput, SerialBreak, PowerButton, ResetButton>;

} // namespace truering
