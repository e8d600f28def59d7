// A debug console on a port: bytes written go out, a read gives E9H, by which firmware knows that it is there.
//
// The PC has two by convention: E9H (Bochs) and 402H (QEMU, where SeaBIOS writes its log).
#pragma once

#include "devices/serial_sink.hpp"
#include "memory/port_bus.hpp"

namespace truering {

class DebugConsole final : public PortDevice {
  public:
    static constexpr u16 bochs_port = 0xE9;
    static constexpr u16 qemu_port = 0x402;
    static constexpr u8 signature = 0xE9;

    explicit DebugConsole(SerialSink& sink) : sink_(sink) {}

    void map(PortBus& bus, u16 port) { bus.map(port, 1, *this); }

    u32 read_port(u16, unsigned) override { return signature; }
    void write_port(u16, u32 value, unsigned) override { sink_.transmit(static_cast<u8>(value)); }

  private:
    SerialSink& sink_;
};

} // namespace truering
