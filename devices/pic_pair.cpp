#include "devices/pic_pair.hpp"

namespace truering {

namespace {

constexpr u8 elcr_master_writable = 0xF8; // IRQ 3-7
constexpr u8 elcr_slave_writable = 0xDE;  // IRQ 9-12, 14, 15

Pic8259::Address address(u16 port) { return (port & 1) != 0 ? Pic8259::Address::A0_high : Pic8259::Address::A0_low; }

} // namespace

PicPair::PicPair() {
    slave_.intr.connect_to<&PicPair::hear_slave>(*this, cascade_irq);
    reset();
}

void PicPair::map(PortBus& bus) {
    bus.map(master_port, 2, *this);
    bus.map(slave_port, 2, *this);
    bus.map(elcr_port, 2, *this);
}

void PicPair::reset() {
    slave_.reset();
    master_.reset();
}

void PicPair::set_irq(unsigned irq, bool level) {
    if (irq == cascade_irq || irq >= inputs) return;
    (irq < 8 ? master_ : slave_).set_irq(irq & 7, level);
}

u8 PicPair::acknowledge_interrupt() {
    const Pic8259::Acknowledged served = master_.acknowledge();
    if (served.spurious || !master_.has_slave(served.level)) return master_.vector(served.level);
    if (served.level != cascade_irq || slave_.slave_number() != served.level) return 0xFF;
    return slave_.vector(slave_.acknowledge().level);
}

u32 PicPair::read_port(u16 port, unsigned) {
    switch (port) {
    case elcr_port: return master_.edge_level();
    case elcr_port + 1: return slave_.edge_level();
    default: return (port < slave_port ? master_ : slave_).read(address(port));
    }
}

void PicPair::write_port(u16 port, u32 value, unsigned) {
    const u8 byte = static_cast<u8>(value);
    switch (port) {
    case elcr_port: master_.set_edge_level(byte & elcr_master_writable); break;
    case elcr_port + 1: slave_.set_edge_level(byte & elcr_slave_writable); break;
    default: (port < slave_port ? master_ : slave_).write(address(port), byte); break;
    }
}

} // namespace truering
