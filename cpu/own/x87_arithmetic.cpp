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

Outcome arithmetic(Cpu& cpu, const Instruction& insn, Arithmetic operation) {
    if (insn.memory) {
        return with_number(cpu, insn, [&](auto source) { x87::arithmetic(cpu.fpu, operation, source); });
    }
    record_x87(cpu, insn);
    const bool to_top = insn.opcode == 0xD8;
    const Pops pops = insn.opcode == 0xDE ? Pops::One : Pops::None;
    x87::arithmetic(cpu.fpu, operation, to_top ? 0 : insn.rm, to_top ? insn.rm : 0, pops);
    return Outcome::Done;
}

Outcome compare(Cpu& cpu, const Instruction& insn, Comparison kind, Pops pops) {
    if (insn.memory) return with_number(cpu, insn, [&](auto source) { x87::compare(cpu.fpu, source, pops); });
    record_x87(cpu, insn);
    x87::compare(cpu.fpu, kind, insn.rm, pops);
    return Outcome::Done;
}

Outcome compare_flags(Cpu& cpu, const Instruction& insn, Comparison kind, Pops pops) {
    record_x87(cpu, insn);
    cpu.arithmetic.set_value(x87::compare_flags(cpu.fpu, kind, insn.rm, pops));
    return Outcome::Done;
}

Outcome function(Cpu& cpu, const Instruction& insn, Function which) {
    record_x87(cpu, insn);
    x87::function(cpu.fpu, which);
    return Outcome::Done;
}

Outcome simple(Cpu& cpu, const Instruction& insn, void (*body)(FpuState&)) {
    record_x87(cpu, insn);
    body(cpu.fpu);
    return Outcome::Done;
}

} // namespace

namespace op {

Outcome FADD(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FADD); }
Outcome FADDP(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FADD); }
Outcome FIADD(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FADD); }
Outcome FMUL(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FMUL); }
Outcome FMULP(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FMUL); }
Outcome FIMUL(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FMUL); }
Outcome FSUB(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FSUB); }
Outcome FSUBP(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FSUB); }
Outcome FISUB(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FSUB); }
Outcome FSUBR(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FSUBR); }
Outcome FSUBRP(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FSUBR); }
Outcome FISUBR(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FSUBR); }
Outcome FDIV(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FDIV); }
Outcome FDIVP(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FDIV); }
Outcome FIDIV(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FDIV); }
Outcome FDIVR(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FDIVR); }
Outcome FDIVRP(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FDIVR); }
Outcome FIDIVR(Cpu& cpu, const Instruction& insn) { return arithmetic(cpu, insn, Arithmetic::FDIVR); }

Outcome FCOM(Cpu& cpu, const Instruction& insn) { return compare(cpu, insn, Comparison::Ordered, Pops::None); }
Outcome FCOMP(Cpu& cpu, const Instruction& insn) { return compare(cpu, insn, Comparison::Ordered, Pops::One); }
Outcome FCOMPP(Cpu& cpu, const Instruction& insn) { return compare(cpu, insn, Comparison::Ordered, Pops::Two); }
Outcome FICOM(Cpu& cpu, const Instruction& insn) { return compare(cpu, insn, Comparison::Ordered, Pops::None); }
Outcome FICOMP(Cpu& cpu, const Instruction& insn) { return compare(cpu, insn, Comparison::Ordered, Pops::One); }
Outcome FUCOM(Cpu& cpu, const Instruction& insn) { return compare(cpu, insn, Comparison::Unordered, Pops::None); }
Outcome FUCOMP(Cpu& cpu, const Instruction& insn) { return compare(cpu, insn, Comparison::Unordered, Pops::One); }
Outcome FUCOMPP(Cpu& cpu, const Instruction& insn) { return compare(cpu, insn, Comparison::Unordered, Pops::Two); }
Outcome FCOMI(Cpu& cpu, const Instruction& insn) { return compare_flags(cpu, insn, Comparison::Ordered, Pops::None); }
Outcome FCOMIP(Cpu& cpu, const Instruction& insn) { return compare_flags(cpu, insn, Comparison::Ordered, Pops::One); }
Outcome FUCOMI(Cpu& cpu, const Instruction& insn) {
    return compare_flags(cpu, insn, Comparison::Unordered, Pops::None);
}
Outcome FUCOMIP(Cpu& cpu, const Instruction& insn) {
    return compare_flags(cpu, insn, Comparison::Unordered, Pops::One);
}

Outcome FTST(Cpu& cpu, const Instruction& insn) { return simple(cpu, insn, x87::test); }
Outcome FXAM(Cpu& cpu, const Instruction& insn) { return simple(cpu, insn, x87::examine); }
Outcome FABS(Cpu& cpu, const Instruction& insn) { return simple(cpu, insn, x87::absolute); }
Outcome FCHS(Cpu& cpu, const Instruction& insn) { return simple(cpu, insn, x87::change_sign); }

Outcome FSQRT(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FSQRT); }
Outcome FRNDINT(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FRNDINT); }
Outcome F2XM1(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::F2XM1); }
Outcome FSIN(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FSIN); }
Outcome FCOS(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FCOS); }
Outcome FSCALE(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FSCALE); }
Outcome FPREM(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FPREM); }
Outcome FPREM1(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FPREM1); }
Outcome FYL2X(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FYL2X); }
Outcome FYL2XP1(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FYL2XP1); }
Outcome FPATAN(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FPATAN); }
Outcome FXTRACT(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FXTRACT); }
Outcome FPTAN(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FPTAN); }
Outcome FSINCOS(Cpu& cpu, const Instruction& insn) { return function(cpu, insn, Function::FSINCOS); }

} // namespace op

} // namespace truering
