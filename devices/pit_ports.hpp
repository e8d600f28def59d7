// Where a PC has its timer: ports 40H-43H.
#pragma once

#include "devices/pit_8254.hpp"
#include "memory/port_bus.hpp"

namespace truering {

class PitPorts final : public PortDevice {
  public:
    static constexpr u16 first_port = 0x40;

    explicit PitPorts(Pit8254& pit) : pit_(pit) {}

    void map(PortBus& bus) { bus.map(first_port, 4, *this); }

    u32 read_port(u16 port, unsigned) override { return pit_.read(reg(port)); }
    void write_port(u16 port, u32 value, unsigned) override { pit_.write(reg(port), static_cast<u8>(value)); }

  private:
    static Pit8254::Reg reg(u16 port) { return static_cast<Pit8254::Reg>(port & 3); }

    Pit8254& pit_;
};

} // namespace truering
