#include "devices/vga_card.hpp"

#include <algorithm>

namespace truering {

namespace {

constexpr u32 register_page = 4096;
constexpr u32 vga_ports_offset = 0x400;
constexpr u32 vga_ports_size = 0x20;
constexpr u16 vga_ports_base = 0x3C0;
constexpr u32 dispi_offset = 0x500;
constexpr u32 dispi_size = VbeDispi::index_count * 2;

} // namespace

VgaCard::VgaCard(const Clock& clock, PortBus& ports, PhysicalMemory& memory, std::span<const u8> rom, u32 video_memory)
    : PciFunction({.vendor = 0x1234, .device = 0x1111, .class_code = 0x030000, .revision = 2}), registers_(clock),
      dispi_(video_memory), memory_(memory, registers_, dispi_, video_memory),
      renderer_(clock, registers_, dispi_, memory_.bytes()) {
    ports.map(VgaRegisters::first_port, VgaRegisters::port_count, *this);
    ports.map(VbeDispi::index_port, VbeDispi::port_count, *this, PortWidth::Word);
    add_memory_bar(0, memory_.bytes(), PciPrefetch::Yes);
    add_memory_bar(2, register_page, *this);
    add_rom(rom);
}

void VgaCard::reset() {
    PciFunction::reset();
    registers_.reset();
    dispi_.reset();
    after_write(false);
}

// Registers decide how the processor reaches memory, so each write may change that.
void VgaCard::after_write(bool clears_memory) {
    if (clears_memory) {
        const u64 scale = dispi_.is_linear() ? 1 : 4;
        const u64 size = std::min<u64>(u64{dispi_.pitch()} * dispi_.height() * scale, memory_.bytes().size());
        std::fill_n(memory_.bytes().begin(), size, u8{0});
    }
    registers_.set_dac_width(dispi_.is_dac_8_bit() ? DacWidth::Eight : DacWidth::Six);
    memory_.update_window();
}

u32 VgaCard::read_port(u16 port, unsigned) {
    return port < VgaRegisters::first_port ? dispi_.read_port(port) : registers_.read(port);
}

void VgaCard::write_port(u16 port, u32 value, unsigned) {
    bool clears_memory = false;
    if (port < VgaRegisters::first_port)
        clears_memory = dispi_.write_port(port, static_cast<u16>(value));
    else
        registers_.write(port, static_cast<u8>(value));
    after_write(clears_memory);
}

u32 VgaCard::read_mmio(u32 offset, unsigned size) {
    if (offset >= dispi_offset && offset < dispi_offset + dispi_size) {
        const u32 index = (offset - dispi_offset) / 2;
        u32 value = dispi_.read(index);
        if (size == 4) value |= u32{dispi_.read(index + 1)} << 16;
        return value >> (8 * (offset & 1));
    }
    u32 value = 0;
    for (u32 n = 0; n < size; ++n) {
        const u32 at = offset + n - vga_ports_offset;
        value |= (at < vga_ports_size ? registers_.read(static_cast<u16>(vga_ports_base + at)) : 0xFFu) << (8 * n);
    }
    return value;
}

void VgaCard::write_mmio(u32 offset, u32 value, unsigned size) {
    if (offset >= dispi_offset && offset < dispi_offset + dispi_size) {
        const u32 index = (offset - dispi_offset) / 2;
        after_write(dispi_.write(index, static_cast<u16>(value)));
        if (size == 4) after_write(dispi_.write(index + 1, static_cast<u16>(value >> 16)));
        return;
    }
    for (u32 n = 0; n < size; ++n) {
        const u32 at = offset + n - vga_ports_offset;
        if (at < vga_ports_size)
            registers_.write(static_cast<u16>(vga_ports_base + at), static_cast<u8>(value >> (8 * n)));
    }
    after_write(false);
}

} // namespace truering
