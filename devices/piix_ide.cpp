#include "devices/piix_ide.hpp"

namespace truering {

namespace {

constexpr u32 ide_with_bus_master_in_legacy_mode = 0x010180;
constexpr u16 status_power_on = 0x0280; // medium DEVSEL# timing, fast back-to-back
constexpr u16 decode_enable = 0x8000;

} // namespace

PiixIde::PiixIde(PiixModel model, PortBus& ports, PhysicalMemory& memory, IdeChannel& primary, IdeChannel& secondary)
    : PciFunction({0x8086, static_cast<u16>(model), ide_with_bus_master_in_legacy_mode}),
      ports_(ports), channels_{&primary, &secondary}, bus_master_(memory, primary, secondary) {
    set_config(offset_of(PciRegister::Status), status_power_on, 2);
    add_io_bar(4, BusMasterIde::port_count, bus_master_, PortWidth::Dword);
    allow_writes(static_cast<u8>(Reg::IDETIM), 0xFFFF'FFFF, 4); // both channels'
    allow_writes(static_cast<u8>(Reg::SIDETIM), 0xFF);
    if (model == PiixModel::Piix4) {
        allow_writes(static_cast<u8>(Reg::UDMACTL), 0x0F);
        allow_writes(static_cast<u8>(Reg::UDMATIM), 0x3333, 2);
    }
    reset();
}

void PiixIde::reset() {
    PciFunction::reset();
    set_config(static_cast<u8>(Reg::IDETIM), u32{decode_enable} << 16 | decode_enable, 4);
    set_config(static_cast<u8>(Reg::SIDETIM), 0);
    set_config(static_cast<u8>(Reg::UDMACTL), 0);
    set_config(static_cast<u8>(Reg::UDMATIM), 0, 2);
    for (IdeChannel* channel : channels_) channel->reset();
    bus_master_.reset();
    follow_decode_enables();
}

void PiixIde::config_written(u8, unsigned) {
    bus_master_.set_enabled(may_master_bus());
    follow_decode_enables();
}

bool PiixIde::decodes(unsigned channel) const {
    return test_bit(config_8(static_cast<u8>(static_cast<u8>(Reg::IDETIM) + 2 * channel + 1)), 7);
}

void PiixIde::follow_decode_enables() {
    for (unsigned i = 0; i < channels_.size(); ++i) {
        if (decodes(i) == mapped_[i]) continue;
        mapped_[i] = decodes(i);
        if (mapped_[i])
            channels_[i]->map(ports_);
        else
            channels_[i]->unmap(ports_);
    }
}

} // namespace truering
