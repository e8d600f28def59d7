// Segmentation (SDM vol. 3A, 3.4 and 5.2..5.7; vol. 2B, MOV): tables are read as supervisor whatever the CPL is, and a
// segment register changes only when every check and every memory access has succeeded.
#include "cpu/segmentation.hpp"

#include "cpu/access.hpp"
#include "cpu/exceptions.hpp"

namespace truering {

Segment Descriptor::to_segment(u16 selector) const {
    return {.selector = selector, .attributes = attributes(), .base = base(), .limit = limit()};
}

namespace {

constexpr u16 selector_TI = 4; // in the LDT
constexpr u32 descriptor_size = 8;
constexpr u32 access_byte = 5; // the descriptor's byte with type, S, DPL and P

// False: past the end of the table.
bool descriptor_address(const Cpu& cpu, u16 selector, u32& linear) {
    const u32 offset = selector & 0xFFF8u;
    if ((selector & selector_TI) != 0) {
        const Segment& ldt = cpu.segment[seg_LDTR];
        linear = ldt.base + offset;
        return ldt.usable() && offset + descriptor_size - 1 <= ldt.limit;
    }
    linear = cpu.gdtr.base + offset;
    return offset + descriptor_size - 1 <= cpu.gdtr.limit;
}

bool is_writable_data(const Descriptor& d) {
    return d.S() && (d.type() & (attr_code | attr_writable)) == attr_writable;
}
bool is_unreadable_code(const Descriptor& d) { return (d.type() & (attr_code | attr_writable)) == attr_code; }
bool is_conforming_code(const Descriptor& d) {
    constexpr unsigned conforming = attr_code | attr_conforming;
    return (d.type() & conforming) == conforming;
}

} // namespace

Outcome try_read_descriptor(Cpu& cpu, u16 selector, bool& found, Descriptor& descriptor, u32& linear) {
    found = !is_null_selector(selector) && descriptor_address(cpu, selector, linear);
    if (!found) return Outcome::Done;
    u64 raw = 0;
    if (const Outcome o = read_system(cpu, linear, raw); failed(o)) return o;
    descriptor = {static_cast<u32>(raw), static_cast<u32>(raw >> 32)};
    return Outcome::Done;
}

Outcome read_descriptor(Cpu& cpu, u16 selector, Vector vector, Descriptor& descriptor, u32& linear) {
    bool found = false;
    if (const Outcome o = try_read_descriptor(cpu, selector, found, descriptor, linear); failed(o)) return o;
    return found ? Outcome::Done : raise_selector(cpu, vector, selector);
}

Outcome set_accessed(Cpu& cpu, Descriptor& descriptor, u32 linear) {
    if ((descriptor.type() & attr_accessed) != 0) return Outcome::Done;
    descriptor.high |= u32{attr_accessed} << 8;
    return write_system(cpu, linear + access_byte, static_cast<u8>(descriptor.high >> 8));
}

Outcome select_descriptor(Cpu& cpu, u16 selector, Vector vector, SelectedDescriptor& selected) {
    selected.selector = selector;
    return read_descriptor(cpu, selector, vector, selected.descriptor, selected.linear);
}

Outcome set_accessed(Cpu& cpu, SelectedDescriptor& selected) {
    return set_accessed(cpu, selected.descriptor, selected.linear);
}

Outcome select_stack_segment(Cpu& cpu, u16 selector, unsigned level, Vector vector, SelectedDescriptor& selected) {
    if (is_null_selector(selector)) return raise(cpu, vector, 0);
    if (const Outcome o = select_descriptor(cpu, selector, vector, selected); failed(o)) return o;
    const Descriptor& d = selected.descriptor;
    if (selected.rpl() != level || !is_writable_data(d) || d.dpl() != level)
        return raise_selector(cpu, vector, selector);
    if (!d.present()) return raise_selector(cpu, Vector::SS, selector);
    return Outcome::Done;
}

Outcome select_data_segment(Cpu& cpu, u16 selector, Vector vector, SelectedDescriptor& selected) {
    if (const Outcome o = select_descriptor(cpu, selector, vector, selected); failed(o)) return o;
    const Descriptor& d = selected.descriptor;
    if (!d.S() || is_unreadable_code(d)) return raise_selector(cpu, vector, selector);
    if (!is_conforming_code(d) && (selected.rpl() > d.dpl() || cpu.cpl > d.dpl()))
        return raise_selector(cpu, vector, selector);
    if (!d.present()) return raise_selector(cpu, Vector::NP, selector);
    return Outcome::Done;
}

void load_segment_real(Cpu& cpu, SegmentIndex index, u16 selector) {
    constexpr u16 v86_attributes = attr_P | attr_DPL | attr_S | attr_writable | attr_accessed;
    Segment segment = cpu.segment[index];
    segment.selector = selector;
    segment.base = u32{selector} << 4;
    if (cpu.v86_mode()) {
        segment.limit = 0xFFFF;
        segment.attributes = v86_attributes;
    }
    cpu.set_segment(index, segment);
}

Outcome load_segment(Cpu& cpu, SegmentIndex index, u16 selector) {
    if (!cpu.uses_descriptors()) {
        load_segment_real(cpu, index, selector);
        return Outcome::Done;
    }
    if (index != seg_SS && is_null_selector(selector)) {
        cpu.set_segment(index, null_segment(selector));
        return Outcome::Done;
    }
    SelectedDescriptor selected;
    const Outcome checked = index == seg_SS ? select_stack_segment(cpu, selector, cpu.cpl, Vector::GP, selected)
                                            : select_data_segment(cpu, selector, Vector::GP, selected);
    if (failed(checked)) return checked;
    if (const Outcome o = set_accessed(cpu, selected); failed(o)) return o;
    cpu.set_segment(index, selected.segment());
    return Outcome::Done;
}

} // namespace truering
