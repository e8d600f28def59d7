#include "machine/kernel_starter.hpp"

#include <algorithm>

namespace truering {

namespace {

std::array<u32, boot_rom::entry_words> words_of(const KernelEntry& entry) {
    using namespace boot_rom;
    const bool real = entry.mode == KernelEntry::Mode::Real;
    const u32 code = real ? entry.cs : code_selector;
    const u32 data = real ? entry.data_segments : data_selector;
    std::array<u32, entry_words> words{};
    words[entry_mode] = real ? 0 : 1;
    words[entry_EIP] = entry.eip;
    words[entry_ESP] = entry.esp;
    words[entry_EBX] = entry.ebx;
    words[entry_selectors] = code << 16 | data;
    words[entry_EAX] = entry.eax;
    return words;
}

} // namespace

void KernelStarter::map(PortBus& bus) { bus.map(boot_rom::port, 4, *this, PortWidth::Dword); }

void KernelStarter::reset() {
    started_ = 0;
    unread_ = 0;
}

u32 KernelStarter::read_port(u16 port, unsigned size) {
    if (port != boot_rom::port || size != 4) return 0;
    if (unread_ != 0) return entry_[entry_.size() - unread_--];
    return static_cast<u32>(images_.size() - started_);
}

void KernelStarter::write_port(u16 port, u32 value, unsigned size) {
    if (port != boot_rom::port) return;
    if (size == 1) started_ = std::min<size_t>(started_, 1);
    // The kernels themselves have no business here.
    if (size != 2 || started_ == images_.size()) return;
    map_bytes_ = std::min(value, boot_rom::map_limit);
    asked_();
}

KernelStarter::MemoryMap KernelStarter::read_map(const PhysicalMemory& memory) const {
    MemoryMap map;
    std::vector<u8> bytes(map_bytes_);
    memory.peek(Physical{boot_rom::map_address}, bytes);
    for (size_t at = 0; at + boot_rom::map_entry_size <= bytes.size(); at += boot_rom::map_entry_size) {
        const auto wide = [&](size_t offset) {
            return field_32(bytes, at + offset) | u64{field_32(bytes, at + offset + 4)} << 32;
        };
        const MemoryRange range{wide(0), wide(8), field_32(bytes, at + 16)};
        if (range.length != 0 && range.base + range.length > range.base) map.push_back(range);
    }
    if (map.empty()) { // firmware without E820
        map.push_back({0, 0x9'F000, MemoryRange::ram});
        if (memory.ram_below_4g() > 0x10'0000)
            map.push_back({0x10'0000, memory.ram_below_4g() - 0x10'0000, MemoryRange::ram});
    }
    return map;
}

void KernelStarter::load(PhysicalMemory& memory) {
    if (started_ == images_.size()) return;
    if (maps_.size() == started_) maps_.push_back(read_map(memory));
    entry_ = words_of(images_[started_]->load(memory, maps_[started_]));
    ++started_;
    unread_ = boot_rom::entry_words;
}

} // namespace truering
