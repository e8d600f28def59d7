#include "devices/ide_channel.hpp"

namespace truering {

namespace {

// Device control register.
constexpr unsigned nIEN = 1;
constexpr unsigned SRST = 2;
constexpr unsigned HOB = 7;

constexpr u8 execute_device_diagnostic = 0x90;
constexpr u8 status_of_absent_drive = 0;

} // namespace

void IdeChannel::attach(unsigned number, IdeDrive* drive) {
    drives_[number & 1] = drive;
    if (drive == nullptr) return follow_pins();
    drive->set_number(number & 1);
    drive->intrq.connect_to<&IdeChannel::drive_pin_changed>(*this, number & 1);
    drive->dmarq.connect_to<&IdeChannel::drive_pin_changed>(*this, number & 1);
}

void IdeChannel::map(PortBus& bus) {
    bus.map(ports_.command_block, 8, *this, PortWidth::Dword);
    bus.map(ports_.control_block, 1, *this, PortWidth::Byte);
}

void IdeChannel::unmap(PortBus& bus) {
    bus.unmap(ports_.command_block, 8);
    bus.unmap(ports_.control_block, 1);
}

void IdeChannel::reset() {
    device_ = ata_device::obsolete_ones;
    control_ = 0;
    for (IdeDrive* drive : drives_)
        if (drive != nullptr) drive->reset();
    follow_pins();
}

void IdeChannel::drive_pin_changed(unsigned, bool) { follow_pins(); }

void IdeChannel::follow_pins() {
    const IdeDrive* drive = selected();
    intrq.set(drive != nullptr && drive->intrq.level() && !test_bit(control_, nIEN));
    dmarq.set(drive != nullptr && drive->dmarq.level());
}

bool IdeChannel::wants_to_send() const { return selected() != nullptr && selected()->wants_to_send(); }

size_t IdeChannel::dma_read(std::span<u8> to) { return selected() != nullptr ? selected()->dma_read(to) : 0; }

size_t IdeChannel::dma_write(std::span<const u8> from) {
    return selected() != nullptr ? selected()->dma_write(from) : 0;
}

// The data register is as wide as the access; the others are bytes, and a wide access reaches one after the other.
u32 IdeChannel::read_port(u16 port, unsigned size) {
    if (port == ports_.control_block) return selected() != nullptr ? selected()->status() : status_of_absent_drive;
    const unsigned offset = static_cast<unsigned>(port - ports_.command_block) & 7;
    if (offset == static_cast<unsigned>(AtaReg::Data)) return read_data(size);
    u32 value = 0;
    for (unsigned i = 0; i < size; ++i) {
        const u32 byte = offset + i < 8 ? read_register(static_cast<AtaReg>(offset + i)) : 0xFF;
        value |= byte << (8 * i);
    }
    return value;
}

void IdeChannel::write_port(u16 port, u32 value, unsigned size) {
    if (port == ports_.control_block) return write_device_control(static_cast<u8>(value));
    const unsigned offset = static_cast<unsigned>(port - ports_.command_block) & 7;
    if (offset == static_cast<unsigned>(AtaReg::Data)) return write_data(value, size);
    for (unsigned i = 0; i < size && offset + i < 8; ++i)
        write_register(static_cast<AtaReg>(offset + i), static_cast<u8>(value >> (8 * i)));
}

u32 IdeChannel::read_data(unsigned size) {
    IdeDrive* drive = selected();
    if (drive == nullptr) return 0;
    u32 value = drive->read_data();
    if (size == 4) value |= u32{drive->read_data()} << 16;
    return value;
}

void IdeChannel::write_data(u32 value, unsigned size) {
    IdeDrive* drive = selected();
    if (drive == nullptr) return;
    drive->write_data(static_cast<u16>(value));
    if (size == 4) drive->write_data(static_cast<u16>(value >> 16));
}

u8 IdeChannel::read_register(AtaReg reg) {
    IdeDrive* drive = selected();
    if (drive == nullptr) return status_of_absent_drive;
    const u8 value = drive->read_register(reg, test_bit(control_, HOB));
    if (reg == AtaReg::StatusCommand) drive->acknowledge_interrupt();
    return value;
}

void IdeChannel::write_register(AtaReg reg, u8 value) {
    control_ = with_bit(control_, HOB, false);
    if (reg == AtaReg::StatusCommand) return write_command(value);
    if (reg == AtaReg::Device) device_ = value;
    for (IdeDrive* drive : drives_)
        if (drive != nullptr) drive->write_register(reg, value);
    follow_pins();
}

void IdeChannel::write_command(u8 command) {
    if (command != execute_device_diagnostic) {
        if (selected() != nullptr) selected()->write_command(command);
        return;
    }
    device_ = ata_device::obsolete_ones; // the diagnostic leaves drive 0 selected
    for (IdeDrive* drive : drives_)
        if (drive != nullptr) drive->execute_diagnostic();
    follow_pins();
}

void IdeChannel::write_device_control(u8 value) {
    const u8 changed = control_ ^ value;
    control_ = value;
    if (test_bit(changed, SRST)) {
        if (test_bit(value, SRST)) device_ = ata_device::obsolete_ones;
        for (IdeDrive* drive : drives_)
            if (drive != nullptr) drive->soft_reset(test_bit(value, SRST));
    }
    follow_pins();
}

} // namespace truering
