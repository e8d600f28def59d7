// The two 8259As of an AT: sixteen interrupt inputs, one request to the processor.
//
// The slave's INT is the master's IR2. In an acknowledge the master names the level; when ICW3 says that a slave hangs
// there, the slave that carries this number answers with the vector. If none does (ICW3 of the two disagree), nobody
// drives the bus and the processor reads FFH.
//
// Ports: 20H, 21H master; A0H, A1H slave; 4D0H, 4D1H ELCR, in which IRQ 0, 1, 2, 8 and 13 are always edge-triggered.
// Source: Intel 8259A datasheet, "Cascading"; PIIX3 (82371SB) datasheet, ELCR1 and ELCR2.
#pragma once

#include "devices/pic_8259.hpp"
#include "memory/interrupt_source.hpp"
#include "memory/port_bus.hpp"

namespace truering {

class PicPair final : public InterruptSource, public PortDevice {
  public:
    static constexpr unsigned inputs = 16;
    static constexpr unsigned cascade_irq = 2;
    static constexpr u16 master_port = 0x20;
    static constexpr u16 slave_port = 0xA0;
    static constexpr u16 elcr_port = 0x4D0;

    PicPair();
    PicPair(const PicPair&) = delete;
    PicPair& operator=(const PicPair&) = delete;

    void map(PortBus& bus);
    void reset();

    // To the processor's INTR.
    [[nodiscard]] Line& intr() { return master_.intr; }

    // IRQ 0-15; 2 is the cascade and is ignored. Fits Line::connect_to<&PicPair::set_irq>(pair, irq).
    void set_irq(unsigned irq, bool level);

    u8 acknowledge_interrupt() override;

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

    // For the monitor.
    [[nodiscard]] const Pic8259& master() const { return master_; }
    [[nodiscard]] const Pic8259& slave() const { return slave_; }

  private:
    void hear_slave(unsigned number, bool level) { master_.set_irq(number, level); }

    Pic8259 master_;
    Pic8259 slave_;
};

} // namespace truering
