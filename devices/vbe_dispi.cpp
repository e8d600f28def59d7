#include "devices/vbe_dispi.hpp"

#include <algorithm>

namespace truering {

namespace {

constexpr u16 id_first = 0xB0C0;
constexpr u16 id_last = 0xB0C5;
constexpr u16 max_bits_per_pixel = 32;

} // namespace

VbeDispi::VbeDispi(u32 video_memory) : video_memory_(video_memory) { reset(); }

void VbeDispi::reset() {
    registers_ = {};
    index_ = 0;
    set(Index::ID, id_last);
    set(Index::XRES, 640);
    set(Index::YRES, 480);
    set(Index::BPP, 8);
    set(Index::VIDEO_MEMORY_64K, static_cast<u16>(video_memory_ >> 16));
    ++changes_;
}

u16 VbeDispi::read_port(u16 port) const { return port == index_port ? index_ : read(index_); }

bool VbeDispi::write_port(u16 port, u16 value) {
    if (port != index_port) return write(index_, value);
    index_ = value;
    return false;
}

// With GETCAPS the first registers tell their largest values.
u16 VbeDispi::read(unsigned index) const {
    if (index >= index_count) return 0;
    if ((get(Index::ENABLE) & GETCAPS) != 0) {
        switch (static_cast<Index>(index)) {
        case Index::XRES: return max_width;
        case Index::YRES: return max_height;
        case Index::BPP: return max_bits_per_pixel;
        default: break;
        }
    }
    return registers_[index];
}

bool VbeDispi::write(unsigned index, u16 value) {
    if (index >= index_count) return false;
    ++changes_;
    const Index reg = static_cast<Index>(index);
    switch (reg) {
    case Index::ID:
        if (value >= id_first && value <= id_last) set(reg, value);
        break;
    case Index::XRES:
        if (value != 0 && value <= max_width) set(reg, value);
        break;
    case Index::YRES:
        if (value != 0 && value <= max_height) set(reg, value);
        break;
    case Index::BPP:
        if (value == 0) value = 8;
        if (value == 4 || value == 8 || value == 15 || value == 16 || value == 24 || value == 32) set(reg, value);
        break;
    case Index::ENABLE: return write_enable(value);
    case Index::BANK:
        if (u32{value} << 16 < video_memory_) set(reg, value);
        break;
    case Index::VIRT_WIDTH: fit_virtual_size(value); break;
    case Index::X_OFFSET:
    case Index::Y_OFFSET: set(reg, value); break;
    case Index::VIRT_HEIGHT:
    case Index::VIDEO_MEMORY_64K: break; // read-only
    }
    if (is_enabled() && get(Index::VIRT_WIDTH) < get(Index::XRES)) fit_virtual_size(get(Index::XRES));
    return false;
}

bool VbeDispi::write_enable(u16 value) {
    const bool was_enabled = is_enabled();
    set(Index::ENABLE, value & (ENABLED | GETCAPS | DAC_8BIT | LFB_ENABLED | NOCLEARMEM));
    if (!is_enabled()) {
        set(Index::BANK, 0);
        set(Index::ENABLE, get(Index::ENABLE) & GETCAPS); // the DAC goes back to six bits as well
        return false;
    }
    if (was_enabled) return false;
    set(Index::BANK, 0);
    set(Index::X_OFFSET, 0);
    set(Index::Y_OFFSET, 0);
    fit_virtual_size(get(Index::XRES));
    return (value & NOCLEARMEM) == 0;
}

u32 VbeDispi::bytes_of(u32 pixels) const {
    switch (get(Index::BPP)) {
    case 4: return pixels / 8;
    case 15: return pixels * 2;
    default: return pixels * get(Index::BPP) / 8;
    }
}

u32 VbeDispi::pitch() const { return bytes_of(get(Index::VIRT_WIDTH)); }

u32 VbeDispi::start() const { return get(Index::Y_OFFSET) * pitch() + bytes_of(get(Index::X_OFFSET)); }

// The line may be longer than the picture is wide; the height follows from what memory is left for.
void VbeDispi::fit_virtual_size(u16 wanted_width) {
    const u16 width = std::max(wanted_width, get(Index::XRES));
    const u32 line = std::max<u32>(bytes_of(width), 1);
    const u32 memory = get(Index::BPP) == 4 ? video_memory_ / 4 : video_memory_;
    if (u64{line} * get(Index::YRES) > memory && width > get(Index::XRES)) return; // would not fit: stays as it is
    set(Index::VIRT_WIDTH, width);
    set(Index::VIRT_HEIGHT, static_cast<u16>(std::min<u32>(memory / line, 0xFFFF)));
}

} // namespace truering
