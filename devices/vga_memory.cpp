#include "devices/vga_memory.hpp"

#include <cstring>

namespace truering {

namespace {

constexpr u32 linear_window = 0x10000;
constexpr u8 ram_enable = 1 << 1;

// A byte for each plane, FFH where the plane's bit is set.
constexpr u32 spread(unsigned planes) {
    return ((planes & 1) != 0 ? 0xFFu : 0u) | ((planes & 2) != 0 ? 0xFF00u : 0u) |
           ((planes & 4) != 0 ? 0xFF0000u : 0u) | ((planes & 8) != 0 ? 0xFF000000u : 0u);
}

constexpr u32 in_all_planes(u8 value) { return value * 0x01010101u; }

constexpr u8 rotated_right(u8 value, unsigned count) {
    return static_cast<u8>(value >> count | value << ((8 - count) & 7));
}

} // namespace

VgaMemory::VgaMemory(PhysicalMemory& memory, const VgaRegisters& registers, const VbeDispi& dispi, u32 bytes)
    : memory_(memory), registers_(registers), dispi_(dispi), vram_(bytes) {
    hear_smram_open(0, false);
}

void VgaMemory::hear_smram_open(unsigned, bool level) {
    window_ = Window::Taken;
    if (level) return;
    memory_.map_device({window_base}, window_size, *this);
    window_ = Window::Trapped;
    update_window();
}

bool VgaMemory::is_plainly_linear() const {
    if (dispi_.is_linear()) return true;
    const bool first_64k = bits<unsigned>(registers_.get(Gfx::Miscellaneous), 3, 2) == 1;
    const bool reads_bytes = (registers_.get(Gfx::Mode) & 0x0B) == 0; // read mode 0, write mode 0
    const bool writes_bytes = registers_.get(Gfx::DataRotate) == 0 && registers_.get(Gfx::EnableSetReset) == 0 &&
                              registers_.get(Gfx::BitMask) == 0xFF && registers_.get(Seq::MapMask) == 15;
    return registers_.is_chain_4() && first_64k && reads_bytes && writes_bytes &&
           (registers_.miscellaneous_output() & ram_enable) != 0;
}

void VgaMemory::update_window() {
    if (window_ == Window::Taken) return;
    const u32 base = dispi_.is_enabled() ? dispi_.bank_base() : 0;
    if (is_plainly_linear() && u64{base} + linear_window <= vram_.size()) {
        if (window_ == Window::Linear && linear_base_ == base) return;
        window_ = Window::Linear;
        linear_base_ = base;
        memory_.map_memory({window_base}, bytes().subspan(base, linear_window));
    } else if (window_ == Window::Linear) {
        window_ = Window::Trapped;
        memory_.map_device({window_base}, linear_window, *this);
    }
}

// Which part of the range answers is the graphics controller's choice.
bool VgaMemory::reaches(u32 offset, u32& in_window) const {
    struct Map {
        u32 first, size;
    };
    static constexpr Map maps[4] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    const Map& map = maps[bits<unsigned>(registers_.get(Gfx::Miscellaneous), 3, 2)];
    in_window = offset - map.first;
    return offset >= map.first && in_window < map.size && (registers_.miscellaneous_output() & ram_enable) != 0;
}

// Chain 4: the two low address bits choose the plane. Odd/even (as in text): the lowest chooses between planes 0 and 2
// for even and 1 and 3 for odd addresses, and is not part of the address in the planes.
VgaMemory::Cell VgaMemory::cell_of(u32 in_window) const {
    const u32 base = dispi_.is_enabled() ? dispi_.bank_base() : 0;
    const u8 read_map = registers_.get(Gfx::ReadMapSelect);
    if (registers_.is_chain_4()) {
        const u8 plane = in_window & 3;
        return {(base + in_window) >> 2, bit<u8>(plane), plane};
    }
    Cell cell{base + in_window, 15, read_map};
    const u32 odd = in_window & 1;
    if ((registers_.get(Seq::MemoryMode) & 4) == 0) {
        cell.planes = odd != 0 ? 0xA : 0x5;
        cell.address &= ~u32{1};
    }
    if ((registers_.get(Gfx::Mode) & 0x10) != 0) {
        cell.read_plane = static_cast<u8>((read_map & 2) | odd);
        cell.address &= ~u32{1};
    }
    return cell;
}

u32 VgaMemory::load(u32 address) const {
    const u64 at = u64{address} * 4;
    u32 value = 0;
    if (at + 4 <= vram_.size()) std::memcpy(&value, &vram_[at], 4);
    return value;
}

u8 VgaMemory::read_byte(u32 offset) {
    if (dispi_.is_linear()) {
        const u64 at = u64{dispi_.bank_base()} + offset;
        return offset < linear_window && at < vram_.size() ? vram_[at] : u8{0xFF};
    }
    u32 in_window = 0;
    if (!reaches(offset, in_window)) return 0xFF;
    const Cell cell = cell_of(in_window);
    latches_ = load(cell.address);
    if ((registers_.get(Gfx::Mode) & 8) == 0) return static_cast<u8>(latches_ >> (8 * cell.read_plane));
    // Read mode 1: a bit is set where the colour of the pixel matches in all planes that are cared for.
    const u32 differs =
        (latches_ ^ spread(registers_.get(Gfx::ColorCompare))) & spread(registers_.get(Gfx::ColorDontCare));
    return static_cast<u8>(~(differs | differs >> 8 | differs >> 16 | differs >> 24));
}

// The four write modes: what goes to the planes, before the map mask.
u32 VgaMemory::pipeline(u8 value) const {
    const unsigned mode = registers_.get(Gfx::Mode) & 3;
    if (mode == 1) return latches_;
    const u8 rotated = rotated_right(value, registers_.get(Gfx::DataRotate) & 7u);
    const u32 set_reset = spread(registers_.get(Gfx::SetReset));
    u8 bit_mask = registers_.get(Gfx::BitMask);
    u32 data = 0;
    if (mode == 0) {
        const u32 enabled = spread(registers_.get(Gfx::EnableSetReset));
        data = (in_all_planes(rotated) & ~enabled) | (set_reset & enabled);
    } else if (mode == 2) {
        data = spread(value);
    } else {
        data = set_reset;
        bit_mask &= rotated;
    }
    switch (bits<unsigned>(registers_.get(Gfx::DataRotate), 4, 3)) {
    case 1: data &= latches_; break;
    case 2: data |= latches_; break;
    case 3: data ^= latches_; break;
    default: break;
    }
    const u32 mask = in_all_planes(bit_mask);
    return (data & mask) | (latches_ & ~mask);
}

void VgaMemory::write_byte(u32 offset, u8 value) {
    if (dispi_.is_linear()) {
        const u64 at = u64{dispi_.bank_base()} + offset;
        if (offset < linear_window && at < vram_.size()) vram_[at] = value;
        return;
    }
    u32 in_window = 0;
    if (!reaches(offset, in_window)) return;
    const Cell cell = cell_of(in_window);
    const u64 at = u64{cell.address} * 4;
    if (at + 4 > vram_.size()) return;
    const u32 written = spread(registers_.get(Seq::MapMask) & cell.planes);
    const u32 now = (load(cell.address) & ~written) | (pipeline(value) & written);
    std::memcpy(&vram_[at], &now, 4);
}

u32 VgaMemory::read_mmio(u32 offset, unsigned size) {
    u32 value = 0;
    for (unsigned n = 0; n < size; ++n) value |= u32{read_byte(offset + n)} << (8 * n);
    return value;
}

void VgaMemory::write_mmio(u32 offset, u32 value, unsigned size) {
    for (unsigned n = 0; n < size; ++n) write_byte(offset + n, static_cast<u8>(value >> (8 * n)));
}

} // namespace truering
