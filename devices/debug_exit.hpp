// QEMU's isa-debug-exit: a write ends the machine's run with a value of the guest's choice.
//
// By QEMU's convention the emulator then exits with status value * 2 + 1; what to do is the machine's.
#pragma once

#include "memory/port_bus.hpp"

#include <functional>
#include <utility>

namespace truering {

class DebugExit final : public PortDevice {
  public:
    static constexpr u16 usual_port = 0xF4;
    static constexpr u16 qemu_default_port = 0x501;
    static constexpr unsigned size = 4;

    // `finished` gets the value written, of 1, 2 or 4 bytes; it must only note it: the guest's instruction completes.
    explicit DebugExit(std::function<void(u32 value)> finished) : finished_(std::move(finished)) {}

    void map(PortBus& bus, u16 port) { bus.map(port, size, *this, PortWidth::Dword); }

    u32 read_port(u16, unsigned) override { return 0; }
    void write_port(u16, u32 value, unsigned) override { finished_(value); }

  private:
    std::function<void(u32 value)> finished_;
};

} // namespace truering
