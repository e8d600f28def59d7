#include "memory/port_bus.hpp"

#include <algorithm>

namespace truering {

PortBus::PortBus() : mappings_{{nullptr, PortWidth::Dword}} { owner_.fill(nobody); }

void PortBus::map(u16 first, unsigned count, PortDevice& device, PortWidth width) {
    const auto same = [&](const Mapping& m) { return m.device == &device && m.width == width; };
    auto found = std::find_if(mappings_.begin(), mappings_.end(), same);
    if (found == mappings_.end()) found = mappings_.insert(mappings_.end(), Mapping{&device, width});
    std::fill_n(owner_.begin() + first, std::min(count, 65536u - first), static_cast<u16>(found - mappings_.begin()));
}

void PortBus::unmap(u16 first, unsigned count) {
    std::fill_n(owner_.begin() + first, std::min(count, 65536u - first), nobody);
}

bool PortBus::one_access(u16 port, unsigned size) const {
    return port + size <= 65536u && size <= static_cast<unsigned>(mappings_[owner_[port]].width) &&
           owner_[port] == owner_[port + size - 1];
}

u32 PortBus::read(u16 port, unsigned size) {
    if (size > 1 && !one_access(port, size)) {
        const unsigned half = size / 2;
        const u32 low = read(port, half);
        return low | read(static_cast<u16>(port + half), half) << (half * 8);
    }
    const u32 mask = size == 4 ? ~u32{0} : (u32{1} << (size * 8)) - 1;
    PortDevice* const device = mappings_[owner_[port]].device;
    return device == nullptr ? mask : device->read_port(port, size) & mask;
}

void PortBus::write(u16 port, u32 value, unsigned size) {
    if (size > 1 && !one_access(port, size)) {
        const unsigned half = size / 2;
        write(port, value & ((u32{1} << (half * 8)) - 1), half);
        write(static_cast<u16>(port + half), value >> (half * 8), half);
        return;
    }
    if (PortDevice* const device = mappings_[owner_[port]].device) device->write_port(port, value, size);
}

} // namespace truering
