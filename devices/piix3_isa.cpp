#include "devices/piix3_isa.hpp"

namespace truering {

namespace {

constexpr u8 route_disabled = 0x80;
constexpr u16 routable = 0xDEF8; // not 0, 1, 2, 8, 13
constexpr u8 reset_hard = 1 << 1;
constexpr u8 reset_processor = 1 << 2;

} // namespace

Piix3Isa::Piix3Isa(PortBus& ports) : PciFunction({.vendor = 0x8086, .device = 0x7000, .class_code = 0x060100}) {
    ports.map(reset_control_port, 1, *this);
    set_config(offset_of(PciRegister::Status), 0x0200, 2); // medium DEVSEL#
    set_config(offset_of(PciRegister::HeaderType), 0x80);  // the IDE function always stands beside it
    for (u8 offset = 0x4C; offset < 0x50; ++offset) allow_writes(offset, 0xFF);
    allow_writes(at(Reg::PIRQRCA), 0x8F8F8F8F, 4);
    for (u8 offset = at(Reg::TOM); offset < 0x6C; ++offset) allow_writes(offset, 0xFF);
    allow_writes(at(Reg::MBIRQ0), 0xFF);
    allow_writes(at(Reg::MBDMA0), 0x8F8F, 2);
    allow_writes(at(Reg::PCSC), 0xFFFF, 2);
    allow_writes(at(Reg::APICBASE), 0x7F);
    allow_writes(at(Reg::DLC), 0x0F);
    for (u8 offset = at(Reg::SMICNTL); offset < 0xB0; ++offset) allow_writes(offset, 0xFF);
    Piix3Isa::reset();
}

void Piix3Isa::reset() {
    PciFunction::reset();
    // The bridge always decodes: the three enables are wired on.
    set_config(offset_of(PciRegister::Command),
               pci_command::io_space | pci_command::memory_space | pci_command::bus_master, 2);
    set_config(at(Reg::IORT), 0x4D);
    set_config(0x4D, 0);
    set_config(at(Reg::XBCS), 0x03, 2);
    set_config(at(Reg::PIRQRCA), 0x80808080, 4);
    set_config(at(Reg::TOM), 0x02);
    set_config(at(Reg::MSTAT), 0, 2);
    set_config(at(Reg::MBIRQ0), 0x80);
    set_config(at(Reg::MBDMA0), 0x0C0C, 2);
    set_config(at(Reg::PCSC), 0x02, 2);
    set_config(at(Reg::APICBASE), 0);
    set_config(at(Reg::DLC), 0);
    set_config(at(Reg::SMICNTL), 0x08);
    for (u8 offset = 0xA1; offset < 0xB0; ++offset) set_config(offset, 0);
    reset_control_ = 0;
    update_irqs();
}

void Piix3Isa::hear_pirq(unsigned n, bool level) {
    pirq_[n & 3] = level;
    update_irqs();
}

void Piix3Isa::update_irqs() {
    u32 levels = 0;
    for (u8 n = 0; n < 4; ++n) {
        const u8 route = config_8(static_cast<u8>(at(Reg::PIRQRCA) + n));
        if (pirq_[n] && (route & route_disabled) == 0) levels |= bit(route & 15);
    }
    for (unsigned n = 0; n < irq.size(); ++n) irq[n].set(test_bit(levels & routable, n));
}

void Piix3Isa::config_written(u8, unsigned) { update_irqs(); }

u32 Piix3Isa::read_port(u16, unsigned) { return reset_control_; }

void Piix3Isa::write_port(u16, u32 value, unsigned) {
    const bool asked = (value & reset_processor) != 0 && (reset_control_ & reset_processor) == 0;
    reset_control_ = static_cast<u8>(value & (reset_hard | reset_processor));
    if (!asked) return;
    reset_control_ &= static_cast<u8>(~reset_processor); // it falls by itself when the reset is over
    ((value & reset_hard) != 0 ? hard_reset : processor_init).pulse();
}

} // namespace truering
