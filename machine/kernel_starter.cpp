#include "machine/kernel_starter.hpp"

#include "cpu/cpu.hpp"
#include "machine/boot_rom.hpp"

#include <algorithm>

namespace truering {

namespace {

Segment flat_segment(u16 selector, u16 attributes) {
    Segment segment;
    segment.selector = selector;
    segment.attributes = attributes;
    segment.base = 0;
    segment.limit = 0xFFFF'FFFF;
    return segment;
}

Segment real_segment(u16 selector) {
    Segment segment;
    segment.selector = selector;
    segment.attributes = attr_P | attr_S | attr_writable | attr_accessed;
    segment.base = u32{selector} * 16;
    segment.limit = 0xFFFF;
    return segment;
}

constexpr SegmentIndex data_registers[] = {seg_ES, seg_SS, seg_DS, seg_FS, seg_GS};

void enter_real(Cpu& cpu, const KernelEntry& entry) {
    cpu.set_segment(seg_CS, real_segment(entry.cs));
    for (const SegmentIndex index : data_registers) cpu.set_segment(index, real_segment(entry.data_segments));
}

void enter_protected(Cpu& cpu) {
    constexpr u16 data = attr_P | attr_S | attr_writable | attr_accessed | attr_DB | attr_G;
    cpu.cr0 |= CR0_PE;
    cpu.set_segment(seg_CS, flat_segment(0x08, data | attr_code));
    for (const SegmentIndex index : data_registers) cpu.set_segment(index, flat_segment(0x10, data));
}

} // namespace

void KernelStarter::map(PortBus& bus) { bus.map(boot_rom::port, 2, *this, PortWidth::Word); }

void KernelStarter::write_port(u16, u32 value, unsigned size) {
    // The kernel itself has no business here.
    if (size != 2 || started_) return;
    started_ = true;
    map_bytes_ = std::min(value, boot_rom::map_limit);
    asked_();
}

std::vector<MemoryRange> KernelStarter::read_map(const PhysicalMemory& memory) const {
    std::vector<MemoryRange> map;
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

void KernelStarter::start(Cpu& cpu, PhysicalMemory& memory) {
    const KernelEntry entry = image_->load(memory, read_map(memory));
    for (u32& reg : cpu.gpr) reg = 0;
    cpu.gpr[reg_EAX] = entry.eax;
    cpu.gpr[reg_EBX] = entry.ebx;
    cpu.gpr[reg_ESP] = entry.esp;
    cpu.eip = entry.eip;
    cpu.halted = false;
    cpu.interruptibility = 0;
    cpu.set_eflags(0, EFLAGS_all & ~u32{EFLAGS_fixed});
    if (entry.mode == KernelEntry::Mode::Real)
        enter_real(cpu, entry);
    else
        enter_protected(cpu);
    cpu.update_segments();
    cpu.set_cpl(0);
    cpu.flush_tlb();
    cpu.update_view();
    cpu.update_attention();
}

} // namespace truering
