#include "cpu/own/descriptor_tests.hpp"

#include "cpu/access.hpp"
#include "cpu/segmentation.hpp"

namespace truering::op {

namespace {

bool is_code(const Descriptor& d) { return d.S() && (d.type() & attr_code) != 0; }

// Conforming code is open to every level; for the rest neither CPL nor RPL may exceed DPL.
bool is_visible(const Cpu& cpu, u16 selector, const Descriptor& d) {
    if (is_code(d) && (d.type() & attr_conforming) != 0) return true;
    return cpu.cpl <= d.dpl() && (selector & 3u) <= d.dpl();
}

bool has_access_rights(const Descriptor& d) {
    if (d.S()) return true;
    switch (d.type()) {
    case type_TSS16_available:
    case type_LDT:
    case type_TSS16_busy:
    case type_CallGate16:
    case type_TaskGate:
    case type_TSS32_available:
    case type_TSS32_busy:
    case type_CallGate32: return true;
    default: return false;
    }
}

bool has_limit(const Descriptor& d) {
    if (d.S()) return true;
    switch (d.type()) {
    case type_TSS16_available:
    case type_LDT:
    case type_TSS16_busy:
    case type_TSS32_available:
    case type_TSS32_busy: return true;
    default: return false;
    }
}

bool is_readable(const Descriptor& d) {
    return d.S() && ((d.type() & attr_code) == 0 || (d.type() & attr_writable) != 0);
}
bool is_writable(const Descriptor& d) { return d.S() && (d.type() & (attr_code | attr_writable)) == attr_writable; }

// The descriptor of an Ew operand, if there is one, it may be seen from here, and it is of a kind that `suits`.
template <class Suits>
Outcome examine(Cpu& cpu, const Instruction& insn, Suits suits, bool& good, Descriptor& descriptor) {
    u16 selector;
    u32 linear = 0;
    if (const Outcome o = read_e(cpu, insn, selector); failed(o)) return o;
    if (const Outcome o = try_read_descriptor(cpu, selector, good, descriptor, linear); failed(o)) return o;
    good = good && suits(descriptor) && is_visible(cpu, selector, descriptor);
    return Outcome::Done;
}

template <class T, class Suits, class Value>
Outcome load_property(Cpu& cpu, const Instruction& insn, Suits suits, Value value) {
    bool good = false;
    Descriptor descriptor;
    if (const Outcome o = examine(cpu, insn, suits, good, descriptor); failed(o)) return o;
    cpu.arithmetic.set_ZF(good);
    if (good) cpu.set_reg<T>(insn.reg, static_cast<T>(value(descriptor)));
    return Outcome::Done;
}

template <class Suits> Outcome verify(Cpu& cpu, const Instruction& insn, Suits suits) {
    bool good = false;
    Descriptor descriptor;
    if (const Outcome o = examine(cpu, insn, suits, good, descriptor); failed(o)) return o;
    cpu.arithmetic.set_ZF(good);
    return Outcome::Done;
}

} // namespace

// The destination is written only where its RPL rises: a selector that is right already may stand in a segment or page
// that cannot be written (as captured hardware does it; SDM vol. 2A, ARPL, writes in the IF branch alone).
template <class T> Outcome ARPL::run(Cpu& cpu, const Instruction& insn) {
    const u16 rpl = cpu.reg<u16>(insn.reg) & 3;
    u16 selector = 0;
    if (const Outcome o = read_e(cpu, insn, selector); failed(o)) return o;
    const bool raised = (selector & 3) < rpl;
    if (raised)
        if (const Outcome o = write_e(cpu, insn, static_cast<u16>((selector & 0xFFFC) | rpl)); failed(o)) return o;
    cpu.arithmetic.set_ZF(raised);
    return Outcome::Done;
}

template <class T> Outcome LAR::run(Cpu& cpu, const Instruction& insn) {
    return load_property<T>(cpu, insn, has_access_rights, [](const Descriptor& d) { return d.high & 0x00FF'FF00; });
}

template <class T> Outcome LSL::run(Cpu& cpu, const Instruction& insn) {
    return load_property<T>(cpu, insn, has_limit, [](const Descriptor& d) { return d.limit(); });
}

template <class T> Outcome VERR::run(Cpu& cpu, const Instruction& insn) { return verify(cpu, insn, is_readable); }
template <class T> Outcome VERW::run(Cpu& cpu, const Instruction& insn) { return verify(cpu, insn, is_writable); }

template Outcome ARPL::run<u16>(Cpu&, const Instruction&);
template Outcome ARPL::run<u32>(Cpu&, const Instruction&);
template Outcome LAR::run<u16>(Cpu&, const Instruction&);
template Outcome LAR::run<u32>(Cpu&, const Instruction&);
template Outcome LSL::run<u16>(Cpu&, const Instruction&);
template Outcome LSL::run<u32>(Cpu&, const Instruction&);
template Outcome VERR::run<u16>(Cpu&, const Instruction&);
template Outcome VERR::run<u32>(Cpu&, const Instruction&);
template Outcome VERW::run<u16>(Cpu&, const Instruction&);
template Outcome VERW::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
