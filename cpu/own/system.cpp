#include "cpu/own/system.hpp"

#include "cpu/control.hpp"
#include "cpu/exceptions.hpp"

namespace truering::op {

template <class T> Outcome MOV_from_CR::run(Cpu& cpu, const Instruction& insn) {
    switch (insn.reg) {
    case 0: cpu.gpr[insn.rm] = cpu.cr0; break;
    case 2: cpu.gpr[insn.rm] = cpu.cr2; break;
    case 3: cpu.gpr[insn.rm] = cpu.cr3; break;
    default: cpu.gpr[insn.rm] = cpu.cr4; break;
    }
    return Outcome::Done;
}

template <class T> Outcome MOV_to_CR::run(Cpu& cpu, const Instruction& insn) {
    const u32 value = cpu.gpr[insn.rm];
    switch (insn.reg) {
    case 0: return write_cr0(cpu, value);
    case 2: cpu.cr2 = value; return Outcome::Done;
    case 3: return write_cr3(cpu, value);
    default: return write_cr4(cpu, value);
    }
}

namespace {

unsigned debug_register(unsigned encoded) { return encoded == 4 || encoded == 5 ? encoded + 2 : encoded; }

} // namespace

template <class T> Outcome MOV_from_DR::run(Cpu& cpu, const Instruction& insn) {
    const unsigned number = debug_register(insn.reg);
    cpu.gpr[insn.rm] = number == 6 ? cpu.dr6 : number == 7 ? cpu.dr7 : cpu.dr[number];
    return Outcome::Done;
}

template <class T> Outcome MOV_to_DR::run(Cpu& cpu, const Instruction& insn) {
    const unsigned number = debug_register(insn.reg);
    const u32 value = cpu.gpr[insn.rm];
    if (number == 6) {
        cpu.dr6 = (value & 0x0000'E00F) | DR6_fixed;
    } else if (number == 7) {
        cpu.dr7 = (value & 0xFFFF'2BFF) | DR7_fixed;
    } else {
        cpu.dr[number] = value;
    }
    cpu.update_view();
    cpu.update_attention();
    return Outcome::Leave;
}

template <class T> Outcome CLTS::run(Cpu& cpu, const Instruction&) {
    cpu.cr0 &= ~u32{CR0_TS};
    return Outcome::Leave;
}

template <class T> Outcome INVLPG::run(Cpu& cpu, const Instruction& insn) {
    cpu.flush_tlb_page(cpu.segment[insn.segment].base + effective_address(cpu, insn));
    return Outcome::Leave;
}

template <class T> Outcome HLT::run(Cpu& cpu, const Instruction&) {
    cpu.halted = true;
    cpu.update_attention();
    return Outcome::Leave;
}

template <class T> Outcome CPUID::run(Cpu& cpu, const Instruction&) {
    execute_cpuid(cpu);
    return Outcome::Done;
}

namespace {

void set_edx_eax(Cpu& cpu, u64 value) {
    cpu.gpr[reg_EAX] = static_cast<u32>(value);
    cpu.gpr[reg_EDX] = static_cast<u32>(value >> 32);
}

} // namespace

template <class T> Outcome RDTSC::run(Cpu& cpu, const Instruction&) {
    set_edx_eax(cpu, cpu.read_tsc() + cpu.v32.tsc_offset);
    return Outcome::Done;
}

// Two counters that count nothing: their events are never selected.
template <class T> Outcome RDPMC::run(Cpu& cpu, const Instruction&) {
    if (cpu.gpr[reg_ECX] > 1) return raise(cpu, Vector::GP, 0);
    set_edx_eax(cpu, 0);
    return Outcome::Done;
}

template <class T> Outcome RDMSR::run(Cpu& cpu, const Instruction&) {
    u64 value = 0;
    if (const Outcome o = read_msr(cpu, cpu.gpr[reg_ECX], value); failed(o)) return o;
    set_edx_eax(cpu, value);
    return Outcome::Done;
}

template <class T> Outcome WRMSR::run(Cpu& cpu, const Instruction&) {
    return write_msr(cpu, cpu.gpr[reg_ECX], u64{cpu.gpr[reg_EDX]} << 32 | cpu.gpr[reg_EAX]);
}

template Outcome MOV_from_CR::run<u16>(Cpu&, const Instruction&);
template Outcome MOV_from_CR::run<u32>(Cpu&, const Instruction&);
template Outcome MOV_to_CR::run<u16>(Cpu&, const Instruction&);
template Outcome MOV_to_CR::run<u32>(Cpu&, const Instruction&);
template Outcome MOV_from_DR::run<u16>(Cpu&, const Instruction&);
template Outcome MOV_from_DR::run<u32>(Cpu&, const Instruction&);
template Outcome MOV_to_DR::run<u16>(Cpu&, const Instruction&);
template Outcome MOV_to_DR::run<u32>(Cpu&, const Instruction&);
template Outcome CLTS::run<u16>(Cpu&, const Instruction&);
template Outcome CLTS::run<u32>(Cpu&, const Instruction&);
template Outcome INVLPG::run<u16>(Cpu&, const Instruction&);
template Outcome INVLPG::run<u32>(Cpu&, const Instruction&);
template Outcome HLT::run<u16>(Cpu&, const Instruction&);
template Outcome HLT::run<u32>(Cpu&, const Instruction&);
template Outcome CPUID::run<u16>(Cpu&, const Instruction&);
template Outcome CPUID::run<u32>(Cpu&, const Instruction&);
template Outcome RDTSC::run<u16>(Cpu&, const Instruction&);
template Outcome RDTSC::run<u32>(Cpu&, const Instruction&);
template Outcome RDPMC::run<u16>(Cpu&, const Instruction&);
template Outcome RDPMC::run<u32>(Cpu&, const Instruction&);
template Outcome RDMSR::run<u16>(Cpu&, const Instruction&);
template Outcome RDMSR::run<u32>(Cpu&, const Instruction&);
template Outcome WRMSR::run<u16>(Cpu&, const Instruction&);
template Outcome WRMSR::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
