#include "cpu/own/v32.hpp"

#include "cpu/exceptions.hpp"
#include "cpu/v32/entry.hpp"

namespace truering::op {

template <class T> Outcome V32ENTER::run(Cpu& cpu, const Instruction& insn) {
    return cpu.v32.enabled() ? v32::enter(cpu, insn.length) : raise(cpu, Vector::UD);
}

// There is no VMM to call.
template <class T> Outcome V32CALL::run(Cpu& cpu, const Instruction&) { return raise(cpu, Vector::UD); }

template Outcome V32ENTER::run<u16>(Cpu&, const Instruction&);
template Outcome V32ENTER::run<u32>(Cpu&, const Instruction&);
template Outcome V32CALL::run<u16>(Cpu&, const Instruction&);
template Outcome V32CALL::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
