#include "cpu/own/interrupt_flag.hpp"

#include "cpu/access.hpp"
#include "cpu/exceptions.hpp"

namespace truering::op {

namespace {

// Which flag a program's CLI and STI are about.
enum class Target : u8 { IF, VIF, Nothing };

Target interrupt_flag(const Cpu& cpu) {
    if (!cpu.protected_mode()) return Target::IF;
    const bool by_IOPL = cpu.cpl <= cpu.iopl(); // in virtual-8086 mode CPL is 3
    if (by_IOPL) return Target::IF;
    if (cpu.v86_mode()) return (cpu.cr4 & CR4_VME) != 0 ? Target::VIF : Target::Nothing;
    return cpu.cpl == 3 && (cpu.cr4 & CR4_PVI) != 0 ? Target::VIF : Target::Nothing;
}

Outcome set_IF(Cpu& cpu) {
    if (cpu.flag(EFLAGS_IF)) return Outcome::Done;
    cpu.set_eflags(EFLAGS_IF, EFLAGS_IF);
    cpu.interruptibility |= blocked_by_STI;
    cpu.cast_shadow = blocked_by_STI;
    cpu.update_attention();
    return Outcome::Leave;
}

Outcome set_VIF(Cpu& cpu) {
    if (cpu.flag(EFLAGS_VIP)) return raise(cpu, Vector::GP, 0);
    cpu.set_eflags(EFLAGS_VIF, EFLAGS_VIF);
    return Outcome::Done;
}

// A virtual-8086 program without IOPL, VME being on: the 16-bit forms see VIF as IF, and 3 as IOPL.
bool sees_VIF(const Cpu& cpu) { return cpu.v86_mode() && cpu.iopl() < 3; }

template <class T> bool monitor_must_act(const Cpu& cpu) {
    return sees_VIF(cpu) && (sizeof(T) == 4 || (cpu.cr4 & CR4_VME) == 0);
}

Outcome pop_virtual(Cpu& cpu, u32 value, u32 mask) {
    const bool sets_IF = (value & EFLAGS_IF) != 0;
    if ((sets_IF && cpu.flag(EFLAGS_VIP)) || (value & EFLAGS_TF) != 0) return raise(cpu, Vector::GP, 0);
    drop_stack(cpu, 2);
    cpu.set_eflags(sets_IF ? value | EFLAGS_VIF : value, mask | EFLAGS_VIF);
    return Outcome::Leave;
}

} // namespace

template <class T> Outcome CLI::run(Cpu& cpu, const Instruction&) {
    switch (interrupt_flag(cpu)) {
    case Target::IF: cpu.set_eflags(0, EFLAGS_IF); return Outcome::Leave;
    case Target::VIF: cpu.set_eflags(0, EFLAGS_VIF); return Outcome::Done;
    default: return raise(cpu, Vector::GP, 0);
    }
}

template <class T> Outcome STI::run(Cpu& cpu, const Instruction&) {
    switch (interrupt_flag(cpu)) {
    case Target::IF: return set_IF(cpu);
    case Target::VIF: return set_VIF(cpu);
    default: return raise(cpu, Vector::GP, 0);
    }
}

template <class T> Outcome PUSHF::run(Cpu& cpu, const Instruction&) {
    if (monitor_must_act<T>(cpu)) return raise(cpu, Vector::GP, 0);
    u32 eflags = cpu.eflags() & ~u32{EFLAGS_VM | EFLAGS_RF};
    if (sees_VIF(cpu)) {
        eflags |= EFLAGS_IOPL;
        eflags = cpu.flag(EFLAGS_VIF) ? eflags | EFLAGS_IF : eflags & ~u32{EFLAGS_IF};
    }
    return push<T>(cpu, static_cast<T>(eflags));
}

// VM, VIF and VIP stay; RF becomes 0.
template <class T> Outcome POPF::run(Cpu& cpu, const Instruction&) {
    if (monitor_must_act<T>(cpu)) return raise(cpu, Vector::GP, 0);
    T value;
    if (const Outcome o = peek_stack(cpu, 0, value); failed(o)) return o;
    u32 mask = u32{arithmetic_flags} | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT;
    if (sees_VIF(cpu)) return pop_virtual(cpu, value, mask);
    if (cpu.cpl <= cpu.iopl()) mask |= EFLAGS_IF; // real mode: CPL is 0
    if (cpu.cpl == 0) mask |= EFLAGS_IOPL;
    if (sizeof(T) == 4) mask |= EFLAGS_AC | EFLAGS_ID | EFLAGS_RF;
    drop_stack(cpu, sizeof(T));
    cpu.set_eflags(value & ~u32{EFLAGS_RF}, mask);
    return Outcome::Leave;
}

template Outcome CLI::run<u16>(Cpu&, const Instruction&);
template Outcome CLI::run<u32>(Cpu&, const Instruction&);
template Outcome STI::run<u16>(Cpu&, const Instruction&);
template Outcome STI::run<u32>(Cpu&, const Instruction&);
template Outcome PUSHF::run<u16>(Cpu&, const Instruction&);
template Outcome PUSHF::run<u32>(Cpu&, const Instruction&);
template Outcome POPF::run<u16>(Cpu&, const Instruction&);
template Outcome POPF::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
