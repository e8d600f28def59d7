#include "cpu/own/io.hpp"

#include "cpu/admission.hpp"
#include "cpu/events.hpp"
#include "cpu/own/string_loop.hpp"

namespace truering::op {

using namespace string_detail;

namespace {

template <class T> T input(Cpu& cpu, u16 port) {
    note_port_access(cpu, port, sizeof(T));
    cpu.host_mxcsr.leave(cpu.sse); // a device may compute with floating point
    return static_cast<T>(cpu.ports.read(port, sizeof(T)));
}

template <class T> void output(Cpu& cpu, u16 port, T value) {
    note_port_access(cpu, port, sizeof(T));
    cpu.host_mxcsr.leave(cpu.sse); // a device may compute with floating point
    cpu.ports.write(port, value, sizeof(T));
}

} // namespace

template <class T> Outcome IN::run(Cpu& cpu, const Instruction& insn) {
    cpu.set_reg<T>(reg_EAX, input<T>(cpu, port_of(cpu, insn)));
    return Outcome::Done;
}

template <class T> Outcome OUT::run(Cpu& cpu, const Instruction& insn) {
    output<T>(cpu, port_of(cpu, insn), cpu.reg<T>(reg_EAX));
    return Outcome::Done;
}

template <class T> Outcome INS::run(Cpu& cpu, const Instruction& insn) {
    const u16 port = static_cast<u16>(cpu.gpr[reg_EDX]);
    const auto once = [&](u32, u64& done) {
        const u32 to = masked(cpu, reg_EDI, insn);
        // A port read cannot be taken back: the store must be known to succeed first.
        if (quick_write<T>(cpu, seg_ES, to) == nullptr)
            if (const Outcome o = check_write(cpu, seg_ES, to, sizeof(T)); failed(o)) return o;
        if (const Outcome o = write_memory(cpu, seg_ES, to, input<T>(cpu, port)); failed(o)) return o;
        add_masked(cpu, reg_EDI, step<T>(cpu), insn);
        done = 1;
        return Outcome::Done;
    };
    return repeat(cpu, insn, once, [] { return true; });
}

template <class T> Outcome OUTS::run(Cpu& cpu, const Instruction& insn) {
    const u16 port = static_cast<u16>(cpu.gpr[reg_EDX]);
    const auto once = [&](u32, u64& done) {
        T value;
        if (const Outcome o = read_memory(cpu, operand_segment(insn), masked(cpu, reg_ESI, insn), value); failed(o))
            return o;
        output<T>(cpu, port, value);
        add_masked(cpu, reg_ESI, step<T>(cpu), insn);
        done = 1;
        return Outcome::Done;
    };
    return repeat(cpu, insn, once, [] { return true; });
}

template Outcome IN::run<u8>(Cpu&, const Instruction&);
template Outcome IN::run<u16>(Cpu&, const Instruction&);
template Outcome IN::run<u32>(Cpu&, const Instruction&);
template Outcome OUT::run<u8>(Cpu&, const Instruction&);
template Outcome OUT::run<u16>(Cpu&, const Instruction&);
template Outcome OUT::run<u32>(Cpu&, const Instruction&);
template Outcome INS::run<u8>(Cpu&, const Instruction&);
template Outcome INS::run<u16>(Cpu&, const Instruction&);
template Outcome INS::run<u32>(Cpu&, const Instruction&);
template Outcome OUTS::run<u8>(Cpu&, const Instruction&);
template Outcome OUTS::run<u16>(Cpu&, const Instruction&);
template Outcome OUTS::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
