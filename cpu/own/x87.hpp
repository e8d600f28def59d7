// The x87 instructions as the processor executes them: memory operands, and the record of the last instruction.
//
// What happens inside the FPU is cpu/semantics/x87_unit.hpp's. Here an operand is fetched before anything changes, a
// result is written before the stack pops, and FIP, FDP and FOP follow. CR0 and pending exceptions are admission's
// (x87_errors.hpp). One handler serves all the encodings of a mnemonic; the opcode tells them apart.
//
// Source: SDM volume 1, chapter 8; volume 2 the instructions; volume 2D, appendix A.5 (escape opcodes).
#pragma once

#include "cpu/cpu.hpp"
#include "cpu/semantics/x87_unit.hpp"

namespace truering::op {

// ---- Arithmetic, comparison, functions: x87_arithmetic.cpp

template <x87::Arithmetic operation> struct X87Arithmetic { static Outcome run(Cpu& cpu, const Instruction& insn); };
struct FADD : X87Arithmetic<x87::Arithmetic::FADD> {};
struct FMUL : X87Arithmetic<x87::Arithmetic::FMUL> {};
struct FSUB : X87Arithmetic<x87::Arithmetic::FSUB> {};
struct FSUBR : X87Arithmetic<x87::Arithmetic::FSUBR> {};
struct FDIV : X87Arithmetic<x87::Arithmetic::FDIV> {};
struct FDIVR : X87Arithmetic<x87::Arithmetic::FDIVR> {};
struct FADDP : FADD {};
struct FMULP : FMUL {};
struct FSUBP : FSUB {};
struct FSUBRP : FSUBR {};
struct FDIVP : FDIV {};
struct FDIVRP : FDIVR {};
struct FIADD : FADD {};
struct FIMUL : FMUL {};
struct FISUB : FSUB {};
struct FISUBR : FSUBR {};
struct FIDIV : FDIV {};
struct FIDIVR : FDIVR {};

template <x87::Comparison kind, x87::Pops pops> struct X87Compare {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FCOM : X87Compare<x87::Comparison::Ordered, x87::Pops::None> {};
struct FCOMP : X87Compare<x87::Comparison::Ordered, x87::Pops::One> {};
struct FCOMPP : X87Compare<x87::Comparison::Ordered, x87::Pops::Two> {};
struct FICOM : FCOM {};
struct FICOMP : FCOMP {};
struct FUCOM : X87Compare<x87::Comparison::Unordered, x87::Pops::None> {};
struct FUCOMP : X87Compare<x87::Comparison::Unordered, x87::Pops::One> {};
struct FUCOMPP : X87Compare<x87::Comparison::Unordered, x87::Pops::Two> {};

template <x87::Comparison kind, x87::Pops pops> struct X87CompareFlags {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FCOMI : X87CompareFlags<x87::Comparison::Ordered, x87::Pops::None> {};
struct FCOMIP : X87CompareFlags<x87::Comparison::Ordered, x87::Pops::One> {};
struct FUCOMI : X87CompareFlags<x87::Comparison::Unordered, x87::Pops::None> {};
struct FUCOMIP : X87CompareFlags<x87::Comparison::Unordered, x87::Pops::One> {};

template <x87::Function function> struct X87Function { static Outcome run(Cpu& cpu, const Instruction& insn); };
struct FSQRT : X87Function<x87::Function::FSQRT> {};
struct FRNDINT : X87Function<x87::Function::FRNDINT> {};
struct F2XM1 : X87Function<x87::Function::F2XM1> {};
struct FSIN : X87Function<x87::Function::FSIN> {};
struct FCOS : X87Function<x87::Function::FCOS> {};
struct FSCALE : X87Function<x87::Function::FSCALE> {};
struct FPREM : X87Function<x87::Function::FPREM> {};
struct FPREM1 : X87Function<x87::Function::FPREM1> {};
struct FYL2X : X87Function<x87::Function::FYL2X> {};
struct FYL2XP1 : X87Function<x87::Function::FYL2XP1> {};
struct FPATAN : X87Function<x87::Function::FPATAN> {};
struct FXTRACT : X87Function<x87::Function::FXTRACT> {};
struct FPTAN : X87Function<x87::Function::FPTAN> {};
struct FSINCOS : X87Function<x87::Function::FSINCOS> {};

// Instructions on the stack alone, without an operand.
template <void (*body)(FpuState&)> struct X87Simple { static Outcome run(Cpu& cpu, const Instruction& insn); };
struct FTST : X87Simple<x87::test> {};
struct FXAM : X87Simple<x87::examine> {};
struct FABS : X87Simple<x87::absolute> {};
struct FCHS : X87Simple<x87::change_sign> {};
struct FDECSTP : X87Simple<x87::decrement_top> {};
struct FINCSTP : X87Simple<x87::increment_top> {};

// ---- Loads, stores, moves: x87_moves.cpp

struct FLD {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FILD {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FBLD {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FST {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FSTP {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FSTP1 {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FIST {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FISTP {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FBSTP {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};

struct X87Constant {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FLD1 : X87Constant {};
struct FLDL2T : X87Constant {};
struct FLDL2E : X87Constant {};
struct FLDPI : X87Constant {};
struct FLDLG2 : X87Constant {};
struct FLDLN2 : X87Constant {};
struct FLDZ : X87Constant {};

struct FXCH {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FFREE {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FFREEP {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FNOP {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};

// The eight FCMOVcc: bits 4:3 of ModRM choose B, E, BE, U; the escape byte whether they hold (DA) or not (DB).
struct X87ConditionalMove {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FCMOVB : X87ConditionalMove {};
struct FCMOVE : X87ConditionalMove {};
struct FCMOVBE : X87ConditionalMove {};
struct FCMOVU : X87ConditionalMove {};
struct FCMOVNB : X87ConditionalMove {};
struct FCMOVNE : X87ConditionalMove {};
struct FCMOVNBE : X87ConditionalMove {};
struct FCMOVNU : X87ConditionalMove {};

// ---- Control: x87_control.cpp

struct FNINIT {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FNCLEX {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FLDCW {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FNSTCW {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FNSTSW {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
// WAIT is its checks and nothing more; the others had a meaning on the 8087 and the 287.
struct X87NoEffect {
    static Outcome run(Cpu&, const Instruction&) { return Outcome::Done; }
};
struct FWAIT : X87NoEffect {};
struct FNENI : X87NoEffect {};
struct FNDISI : X87NoEffect {};
struct FNSETPM : X87NoEffect {};

// ---- State in memory: x87_environment.cpp, fxsave.cpp

struct FLDENV {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FNSTENV {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FRSTOR {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FNSAVE {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FXSAVE {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct FXRSTOR {
    static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
