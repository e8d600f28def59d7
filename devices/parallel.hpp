// A PC's parallel port with a printer that is always ready (SPP: data, status, control).
//
// A rising STROBE bit hands the data register to the sink; the printer acknowledges within the same instruction, so
// BUSY is never seen. While control bit 4 enables it, the acknowledge raises the interrupt, which stands (status bit 2
// low) until the status is read or the next byte goes out. Control bit 5 turns the data lines round; nothing drives
// them then. Source: IBM PC AT technical reference, parallel printer adapter; IBM PS/2 technical reference, parallel
// port.
#pragma once

#include "base/bits.hpp"
#include "devices/serial_sink.hpp"
#include "memory/line.hpp"
#include "memory/port_bus.hpp"

namespace truering {

class ParallelPort final : public PortDevice {
  public:
    static constexpr u16 lpt1 = 0x378; // IRQ 7
    static constexpr u16 lpt2 = 0x278; // IRQ 5

    enum class Reg : u8 { Data = 0, Status = 1, Control = 2 };

    // sink: the printer; null for a port with nothing plugged in.
    explicit ParallelPort(SerialSink* sink) : sink_(sink) {}
    ParallelPort(const ParallelPort&) = delete;
    ParallelPort& operator=(const ParallelPort&) = delete;

    void map(PortBus& bus, u16 first) { bus.map(first, 4, *this); }
    void reset();

    Line irq;

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

  private:
    [[nodiscard]] u8 read_status();
    void write_control(u8 value);

    SerialSink* sink_;
    u8 data_ = 0;
    u8 control_ = 0;
};

} // namespace truering
