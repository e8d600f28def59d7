#include "devices/pci_host.hpp"

#include <cassert>

namespace truering {

namespace {

constexpr u16 data_port = 0xCFC;
constexpr u32 enable_bit = u32{1} << 31;
constexpr u32 address_bits = 0x80FF'FFFC;
constexpr u32 multifunction = 0x80;

} // namespace

PciHost::PciHost(PortBus& ports, PhysicalMemory& memory) : ports_(ports), memory_(memory) {
    ports.map(first_port, port_count, *this, PortWidth::Dword);
}

void PciHost::attach(PciFunction& function, unsigned slot, unsigned number) {
    assert(slot < slot_count && number < functions_per_slot && functions_[slot][number] == nullptr);
    functions_[slot][number] = &function;
    const u8 header_type = PciFunction::offset_of(PciRegister::HeaderType);
    bool several = false;
    for (unsigned n = 1; n < functions_per_slot; ++n) several = several || functions_[slot][n] != nullptr;
    if (PciFunction* const first = functions_[slot][0]; several && first != nullptr)
        first->set_config(header_type, first->config_8(header_type) | multifunction);
    if (function.pin() != PciPin::None) {
        const unsigned pin = static_cast<unsigned>(function.pin()) - 1;
        function.intx.connect_to<&PciHost::hear_pin>(*this, (slot + pin + 3) % 4);
    }
}

void PciHost::hear_pin(unsigned line, bool level) {
    level ? ++asserted_[line] : --asserted_[line];
    pirq[line].set(asserted_[line] != 0);
}

void PciHost::reset() {
    address_ = 0;
    for (auto& slot : functions_)
        for (PciFunction* function : slot)
            if (function != nullptr) function->reset();
    update_mappings();
}

const PciFunction* PciHost::function(unsigned slot, unsigned number) const {
    return slot < slot_count && number < functions_per_slot ? functions_[slot][number] : nullptr;
}

PciFunction* PciHost::selected() const {
    const u32 bus = bits(address_, 23, 16);
    if ((address_ & enable_bit) == 0 || bus != 0) return nullptr;
    return functions_[bits(address_, 15, 11)][bits(address_, 10, 8)];
}

u32 PciHost::read_port(u16 port, unsigned size) {
    if (port == first_port && size == 4) return address_;
    const PciFunction* const function = selected();
    if (port < data_port || function == nullptr) return ~u32{0};
    return function->read_config(static_cast<u8>((address_ & 0xFC) + (port & 3)), size);
}

void PciHost::write_port(u16 port, u32 value, unsigned size) {
    if (port == first_port && size == 4) {
        address_ = value & address_bits;
        return;
    }
    PciFunction* const function = selected();
    if (port < data_port || function == nullptr) return;
    const u8 offset = static_cast<u8>((address_ & 0xFC) + (port & 3));
    function->write_config(offset, value, size);
    // Only the command register and the base addresses decide what is decoded: 04H-07H, 10H-33H.
    const u8 dword = offset & 0xFC;
    if (dword == 4 || (dword >= 0x10 && dword < 0x34)) update_mappings();
}

// All that moved goes first, so that regions may change places.
void PciHost::update_mappings() {
    for (auto& slot : functions_)
        for (PciFunction* function : slot)
            if (function != nullptr) function->unmap_moved(ports_, memory_);
    for (auto& slot : functions_)
        for (PciFunction* function : slot)
            if (function != nullptr) function->map_wanted(ports_, memory_);
}

} // namespace truering
