// x87 arithmetic, comparisons and functions.
#include "cpu/own/x87.hpp"
#include "cpu/own/x87_record.hpp"
#include "cpu/semantics/x87_unit.hpp"

namespace truering {

namespace {

using x87::Arithmetic;
using x87::Comparison;
using x87::Function;
using x87::Pops;

// What the escape opcode says of a memory operand: D8 m32fp, DA m32int, DC m64fp, DE m16int.
template <class Body> Outcome with_number(Cpu& cpu, const Instruction& insn, Body body) {
    switch (insn.opcode) {
    case 0xD8: return with_x87_operand<Float32>(cpu, insn, body);
    case 0xDA: return with_x87_operand<i32>(cpu, insn, body);
    case 0xDC: return with_x87_operand<Float64>(cpu, insn, body);
    default: return with_x87_operand<i16>(cpu, insn, body);
    }
}

} // namespace

namespace op {

template <Arithmetic operation> Outcome X87Arithmetic<operation>::run(Cpu& cpu, const Instruction& insn) {
    if (insn.memory) {
        return with_number(cpu, insn, [&](auto source) { x87::arithmetic(cpu.fpu, operation, source); });
    }
    record_x87(cpu, insn);
    const bool to_top = insn.opcode == 0xD8;
    const Pops pops = insn.opcode == 0xDE ? Pops::One : Pops::None;
    x87::arithmetic(cpu.fpu, operation, to_top ? 0 : insn.rm, to_top ? insn.rm : 0, pops);
    return Outcome::Done;
}
template struct X87Arithmetic<Arithmetic::FADD>;
template struct X87Arithmetic<Arithmetic::FMUL>;
template struct X87Arithmetic<Arithmetic::FSUB>;
template struct X87Arithmetic<Arithmetic::FSUBR>;
template struct X87Arithmetic<Arithmetic::FDIV>;
template struct X87Arithmetic<Arithmetic::FDIVR>;

template <Comparison kind, Pops pops> Outcome X87Compare<kind, pops>::run(Cpu& cpu, const Instruction& insn) {
    if (insn.memory) return with_number(cpu, insn, [&](auto source) { x87::compare(cpu.fpu, source, pops); });
    record_x87(cpu, insn);
    x87::compare(cpu.fpu, kind, insn.rm, pops);
    return Outcome::Done;
}
template struct X87Compare<Comparison::Ordered, Pops::None>;
template struct X87Compare<Comparison::Ordered, Pops::One>;
template struct X87Compare<Comparison::Ordered, Pops::Two>;
template struct X87Compare<Comparison::Unordered, Pops::None>;
template struct X87Compare<Comparison::Unordered, Pops::One>;
template struct X87Compare<Comparison::Unordered, Pops::Two>;

template <Comparison kind, Pops pops> Outcome X87CompareFlags<kind, pops>::run(Cpu& cpu, const Instruction& insn) {
    record_x87(cpu, insn);
    cpu.arithmetic.set_value(x87::compare_flags(cpu.fpu, kind, insn.rm, pops));
    return Outcome::Done;
}
template struct X87CompareFlags<Comparison::Ordered, Pops::None>;
template struct X87CompareFlags<Comparison::Ordered, Pops::One>;
template struct X87CompareFlags<Comparison::Unordered, Pops::None>;
template struct X87CompareFlags<Comparison::Unordered, Pops::One>;

template <Function which> Outcome X87Function<which>::run(Cpu& cpu, const Instruction& insn) {
    record_x87(cpu, insn);
    x87::function(cpu.fpu, which);
    return Outcome::Done;
}
template struct X87Function<Function::FSQRT>;
template struct X87Function<Function::FRNDINT>;
template struct X87Function<Function::F2XM1>;
template struct X87Function<Function::FSIN>;
template struct X87Function<Function::FCOS>;
template struct X87Function<Function::FSCALE>;
template struct X87Function<Function::FPREM>;
template struct X87Function<Function::FPREM1>;
template struct X87Function<Function::FYL2X>;
template struct X87Function<Function::FYL2XP1>;
template struct X87Function<Function::FPATAN>;
template struct X87Function<Function::FXTRACT>;
template struct X87Function<Function::FPTAN>;
template struct X87Function<Function::FSINCOS>;

template <void (*body)(FpuState&)> Outcome X87Simple<body>::run(Cpu& cpu, const Instruction& insn) {
    record_x87(cpu, insn);
    body(cpu.fpu);
    return Outcome::Done;
}
template struct X87Simple<x87::test>;
template struct X87Simple<x87::examine>;
template struct X87Simple<x87::absolute>;
template struct X87Simple<x87::change_sign>;
template struct X87Simple<x87::decrement_top>;
template struct X87Simple<x87::increment_top>;

} // namespace op

} // namespace truering
