#include "cpu/code_transfer.hpp"

#include "cpu/exceptions.hpp"

namespace truering {

Outcome select_code_segment(Cpu& cpu, u16 selector, Vector vector, SelectedDescriptor& code) {
    if (is_null_selector(selector)) return raise(cpu, vector, 0);
    if (const Outcome o = select_descriptor(cpu, selector, vector, code); failed(o)) return o;
    const bool is_code = code.descriptor.S() && (code.descriptor.type() & attr_code) != 0;
    return is_code ? Outcome::Done : raise_selector(cpu, vector, selector);
}

bool is_conforming(const Descriptor& code) { return (code.type() & attr_conforming) != 0; }

Outcome check_direct_transfer(Cpu& cpu, const SelectedDescriptor& code, unsigned rpl, unsigned level) {
    const Descriptor& d = code.descriptor;
    const bool allowed = is_conforming(d) ? d.dpl() <= level : d.dpl() == level && rpl <= level;
    if (!allowed) return raise_selector(cpu, Vector::GP, code.selector);
    if (!d.present()) return raise_selector(cpu, Vector::NP, code.selector);
    return Outcome::Done;
}

Outcome check_gated_transfer(Cpu& cpu, const SelectedDescriptor& code) {
    if (code.descriptor.dpl() > cpu.cpl) return raise_selector(cpu, Vector::GP, code.selector);
    if (!code.descriptor.present()) return raise_selector(cpu, Vector::NP, code.selector);
    return Outcome::Done;
}

unsigned gated_level(const Cpu& cpu, const Descriptor& code) { return is_conforming(code) ? cpu.cpl : code.dpl(); }

Outcome check_entry_point(Cpu& cpu, const Descriptor& code, u32 offset) {
    return offset <= code.limit() ? Outcome::Done : raise(cpu, Vector::GP, 0);
}

Outcome check_entry_point(Cpu& cpu, const Segment& code, u32 offset) {
    return offset <= code.limit ? Outcome::Done : raise(cpu, Vector::GP, 0);
}

void enter_code(Cpu& cpu, const SelectedDescriptor& code, unsigned level, u32 eip) {
    Segment segment = code.segment();
    segment.selector = static_cast<u16>((code.selector & 0xFFFC) | level);
    cpu.set_segment(seg_CS, segment);
    cpu.set_cpl(static_cast<u8>(level));
    cpu.eip = eip;
}

} // namespace truering
