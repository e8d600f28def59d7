#include "cpu/own/fast_system_calls.hpp"

#include "cpu/exceptions.hpp"
#include "cpu/segmentation.hpp"

namespace truering::op {

namespace {

constexpr u16 flat = attr_G | attr_DB | attr_P | attr_S | attr_accessed | attr_writable; // writable, or readable code

void load_flat_segment(Cpu& cpu, SegmentIndex index, u32 selector, unsigned level) {
    const u16 code = index == seg_CS ? attr_code : 0;
    cpu.set_segment(index, {.selector = static_cast<u16>((selector & 0xFFFC) | level),
                            .attributes = static_cast<u16>(flat | code | level << 5),
                            .base = 0,
                            .limit = 0xFFFF'FFFF});
}

bool is_possible(const Cpu& cpu) {
    return cpu.protected_mode() && !is_null_selector(static_cast<u16>(cpu.sysenter_cs));
}

} // namespace

template <class T> Outcome SYSENTER::run(Cpu& cpu, const Instruction&) {
    if (!is_possible(cpu)) return raise(cpu, Vector::GP, 0);
    cpu.set_eflags(0, EFLAGS_VM | EFLAGS_IF | EFLAGS_RF);
    load_flat_segment(cpu, seg_CS, cpu.sysenter_cs, 0);
    load_flat_segment(cpu, seg_SS, cpu.sysenter_cs + 8, 0);
    cpu.set_cpl(0);
    cpu.gpr[reg_ESP] = cpu.sysenter_esp;
    cpu.eip = cpu.sysenter_eip;
    return Outcome::Jumped;
}

template <class T> Outcome SYSEXIT::run(Cpu& cpu, const Instruction&) {
    if (!is_possible(cpu) || cpu.cpl != 0) return raise(cpu, Vector::GP, 0);
    load_flat_segment(cpu, seg_CS, cpu.sysenter_cs + 16, 3);
    load_flat_segment(cpu, seg_SS, cpu.sysenter_cs + 24, 3);
    cpu.set_cpl(3);
    cpu.gpr[reg_ESP] = cpu.gpr[reg_ECX];
    cpu.eip = cpu.gpr[reg_EDX];
    return Outcome::Jumped;
}

template Outcome SYSENTER::run<u16>(Cpu&, const Instruction&);
template Outcome SYSENTER::run<u32>(Cpu&, const Instruction&);
template Outcome SYSEXIT::run<u16>(Cpu&, const Instruction&);
template Outcome SYSEXIT::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
