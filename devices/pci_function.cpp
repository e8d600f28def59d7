#include "devices/pci_function.hpp"

#include <algorithm>
#include <cassert>

namespace truering {

namespace {

constexpr u32 io_space_flag = 1;
constexpr u32 prefetchable_flag = 8;
constexpr u32 rom_enable = 1;
constexpr u16 implemented_commands =
    pci_command::io_space | pci_command::memory_space | pci_command::bus_master | 1 << 6 | 1 << 8; // parity, SERR#
constexpr u16 status_error_bits = 0xF900;

bool is_unclaimed(const PortBus& ports, u32 first, u32 size) {
    if (first == 0 || first + size > 65536) return false;
    for (u32 port = first; port < first + size; ++port)
        if (ports.is_mapped(static_cast<u16>(port))) return false;
    return true;
}

bool is_unclaimed(const PhysicalMemory& memory, u32 first, u32 size) {
    if (first == 0 || u64{first} + size > PhysicalMemory::four_gib) return false;
    for (u32 done = 0; done < size; done += page_size) {
        const PageMapping& page = memory.page({u64{first} + done});
        if (page.read != nullptr || page.write != nullptr || page.device != nullptr) return false;
    }
    return true;
}

constexpr bool is_power_of_two(u64 n) { return n != 0 && (n & (n - 1)) == 0; }

} // namespace

PciFunction::PciFunction(const PciIdentity& identity, PciPin pin) {
    set_config(offset_of(PciRegister::VendorId), identity.vendor, 2);
    set_config(offset_of(PciRegister::DeviceId), identity.device, 2);
    set_config(offset_of(PciRegister::RevisionId), identity.class_code << 8 | identity.revision, 4);
    set_config(offset_of(PciRegister::SubsystemVendorId), identity.subsystem_vendor, 2);
    set_config(offset_of(PciRegister::SubsystemId), identity.subsystem, 2);
    set_config(offset_of(PciRegister::InterruptPin), static_cast<u32>(pin));
    allow_writes(offset_of(PciRegister::Command), implemented_commands, 2);
    clear_by_ones(offset_of(PciRegister::Status), status_error_bits, 2);
    allow_writes(offset_of(PciRegister::CacheLineSize), 0xFF);
    allow_writes(offset_of(PciRegister::LatencyTimer), 0xFF);
    allow_writes(offset_of(PciRegister::InterruptLine), 0xFF);
}

void PciFunction::reset() {
    intx.lower();
    set_config(offset_of(PciRegister::Command), 0, 2);
    set_config(offset_of(PciRegister::CacheLineSize), 0);
    set_config(offset_of(PciRegister::LatencyTimer), 0);
    set_config(offset_of(PciRegister::InterruptLine), 0);
    for (unsigned n = 0; n < region_count; ++n)
        for (u8 i = 0; i < 4; ++i) {
            const u8 offset = static_cast<u8>(bar_offset(n) + i);
            config_[offset] = static_cast<u8>(config_[offset] & ~writable_[offset]);
        }
}

u32 PciFunction::read_config(u8 offset, unsigned size) const {
    u32 value = 0;
    for (unsigned i = 0; i < size && offset + i < config_.size(); ++i) value |= u32{config_[offset + i]} << (8 * i);
    return value;
}

void PciFunction::write_config(u8 offset, u32 value, unsigned size) {
    for (unsigned i = 0; i < size && offset + i < config_.size(); ++i) {
        const unsigned at = offset + i;
        const unsigned written = value >> (8 * i) & 0xFF;
        unsigned now = (config_[at] & ~unsigned{writable_[at]}) | (written & writable_[at]);
        now &= ~(written & write_1_clears_[at]);
        config_[at] = static_cast<u8>(now);
    }
    config_written(offset, size);
}

void PciFunction::config_written(u8, unsigned) {}

u16 PciFunction::config_16(PciRegister reg) const {
    return static_cast<u16>(config_[offset_of(reg)] | config_[offset_of(reg) + 1] << 8);
}

u32 PciFunction::config_32(u8 offset) const {
    u32 value = 0;
    for (unsigned i = 0; i < 4; ++i) value |= u32{config_[offset + i]} << (8 * i);
    return value;
}

void PciFunction::set_config(u8 offset, u32 value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) config_[offset + i] = static_cast<u8>(value >> (8 * i));
}

void PciFunction::allow_writes(u8 offset, u32 mask, unsigned size) {
    for (unsigned i = 0; i < size; ++i) writable_[offset + i] |= static_cast<u8>(mask >> (8 * i));
}

void PciFunction::clear_by_ones(u8 offset, u32 mask, unsigned size) {
    for (unsigned i = 0; i < size; ++i) write_1_clears_[offset + i] |= static_cast<u8>(mask >> (8 * i));
}

u32 PciFunction::bar_address(unsigned n) const { return config_32(bar_offset(n)) & ~(regions_[n].size - 1); }

// Software learns a region's size by writing ones: only the address bits above the size are there to be written.
void PciFunction::declare(unsigned n, Region region, u32 flags) {
    assert(is_power_of_two(region.size));
    allow_writes(bar_offset(n), ~(region.size - 1) | (n == rom_region ? rom_enable : 0), 4);
    set_config(bar_offset(n), flags, 4);
    regions_[n] = region;
}

void PciFunction::add_io_bar(unsigned n, u32 size, PortDevice& device, PortWidth width) {
    Region region;
    region.kind = Region::Kind::Io;
    region.size = size;
    region.ports = &device;
    region.width = width;
    declare(n, region, io_space_flag);
}

void PciFunction::add_memory_bar(unsigned n, u32 size, MmioDevice& device) {
    assert(size >= page_size);
    Region region;
    region.kind = Region::Kind::Device;
    region.size = size;
    region.device = &device;
    declare(n, region, 0);
}

void PciFunction::add_memory_bar(unsigned n, std::span<u8> memory, PciPrefetch prefetch) {
    assert(memory.size() >= page_size);
    Region region;
    region.kind = Region::Kind::Memory;
    region.size = static_cast<u32>(memory.size());
    region.memory = memory;
    declare(n, region, prefetch == PciPrefetch::Yes ? prefetchable_flag : 0);
}

void PciFunction::add_rom(std::span<const u8> image) {
    if (image.empty()) return;
    size_t size = page_size;
    while (size < image.size()) size *= 2;
    rom_.assign(image.begin(), image.end());
    rom_.resize(size, 0xFF);
    Region region;
    region.kind = Region::Kind::Rom;
    region.size = static_cast<u32>(size);
    declare(rom_region, region, 0);
}

bool PciFunction::is_enabled(unsigned n) const {
    switch (regions_[n].kind) {
    case Region::Kind::None: return false;
    case Region::Kind::Io: return (command() & pci_command::io_space) != 0;
    case Region::Kind::Rom:
        return (command() & pci_command::memory_space) != 0 && (config_32(bar_offset(n)) & rom_enable) != 0;
    default: return (command() & pci_command::memory_space) != 0;
    }
}

void PciFunction::unmap_moved(PortBus& ports, PhysicalMemory& memory) {
    for (unsigned n = 0; n < region_count; ++n) {
        Region& region = regions_[n];
        if (!region.mapped || (is_enabled(n) && bar_address(n) == region.mapped_at)) continue;
        region.mapped = false;
        if (region.kind == Region::Kind::Io)
            ports.unmap(static_cast<u16>(region.mapped_at), region.size);
        else
            memory.unmap({region.mapped_at}, region.size);
    }
}

void PciFunction::map_wanted(PortBus& ports, PhysicalMemory& memory) {
    for (unsigned n = 0; n < region_count; ++n)
        if (!regions_[n].mapped && is_enabled(n)) map_region(n, ports, memory);
}

void PciFunction::map_region(unsigned n, PortBus& ports, PhysicalMemory& memory) {
    Region& region = regions_[n];
    const u32 address = bar_address(n);
    const bool is_io = region.kind == Region::Kind::Io;
    if (is_io ? !is_unclaimed(ports, address, region.size) : !is_unclaimed(memory, address, region.size)) return;
    region.mapped = true;
    region.mapped_at = address;
    switch (region.kind) {
    case Region::Kind::Io: ports.map(static_cast<u16>(address), region.size, *region.ports, region.width); break;
    case Region::Kind::Device: memory.map_device({address}, region.size, *region.device); break;
    case Region::Kind::Memory: memory.map_memory({address}, region.memory); break;
    case Region::Kind::Rom: memory.map_rom({address}, rom_); break;
    case Region::Kind::None: break;
    }
}

} // namespace truering
