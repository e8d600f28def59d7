#include "cpu/own/interrupts.hpp"

#include "cpu/delivery.hpp"

namespace truering::op {

template <class T> Outcome INT::run(Cpu& cpu, const Instruction& insn) {
    return software_interrupt(cpu, static_cast<u8>(insn.immediate), EventType::SoftwareInterrupt, insn.length);
}

template <class T> Outcome INT3::run(Cpu& cpu, const Instruction& insn) {
    return software_interrupt(cpu, static_cast<u8>(Vector::BP), EventType::SoftwareException, insn.length);
}

template <class T> Outcome INTO::run(Cpu& cpu, const Instruction& insn) {
    if (!cpu.arithmetic.OF()) return Outcome::Done;
    return software_interrupt(cpu, static_cast<u8>(Vector::OF), EventType::SoftwareException, insn.length);
}

template <class T> Outcome INT1::run(Cpu& cpu, const Instruction& insn) { return debug_interrupt(cpu, insn.length); }

template Outcome INT::run<u16>(Cpu&, const Instruction&);
template Outcome INT::run<u32>(Cpu&, const Instruction&);
template Outcome INT3::run<u16>(Cpu&, const Instruction&);
template Outcome INT3::run<u32>(Cpu&, const Instruction&);
template Outcome INTO::run<u16>(Cpu&, const Instruction&);
template Outcome INTO::run<u32>(Cpu&, const Instruction&);
template Outcome INT1::run<u16>(Cpu&, const Instruction&);
template Outcome INT1::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
