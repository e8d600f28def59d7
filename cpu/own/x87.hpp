// The x87 instructions as the processor executes them: memory operands, and the record of the last instruction.
//
// What happens inside the FPU is cpu/semantics/x87_unit.hpp's. Here an operand is fetched before anything changes, a
// result is written before the stack pops, and FIP, FDP and FOP follow. CR0 and pending exceptions are admission's
// (x87_errors.hpp). One handler serves all the encodings of a mnemonic; the opcode tells them apart.
//
// Source: SDM volume 1, chapter 8; volume 2 the instructions; volume 2D, appendix A.5 (escape opcodes).
#pragma once

#include "cpu/cpu.hpp"

namespace truering::op {

// ---- x87_arithmetic.cpp
Outcome FADD(Cpu& cpu, const Instruction& insn);
Outcome FADDP(Cpu& cpu, const Instruction& insn);
Outcome FIADD(Cpu& cpu, const Instruction& insn);
Outcome FMUL(Cpu& cpu, const Instruction& insn);
Outcome FMULP(Cpu& cpu, const Instruction& insn);
Outcome FIMUL(Cpu& cpu, const Instruction& insn);
Outcome FSUB(Cpu& cpu, const Instruction& insn);
Outcome FSUBP(Cpu& cpu, const Instruction& insn);
Outcome FISUB(Cpu& cpu, const Instruction& insn);
Outcome FSUBR(Cpu& cpu, const Instruction& insn);
Outcome FSUBRP(Cpu& cpu, const Instruction& insn);
Outcome FISUBR(Cpu& cpu, const Instruction& insn);
Outcome FDIV(Cpu& cpu, const Instruction& insn);
Outcome FDIVP(Cpu& cpu, const Instruction& insn);
Outcome FIDIV(Cpu& cpu, const Instruction& insn);
Outcome FDIVR(Cpu& cpu, const Instruction& insn);
Outcome FDIVRP(Cpu& cpu, const Instruction& insn);
Outcome FIDIVR(Cpu& cpu, const Instruction& insn);

Outcome FCOM(Cpu& cpu, const Instruction& insn);
Outcome FCOMP(Cpu& cpu, const Instruction& insn);
Outcome FCOMPP(Cpu& cpu, const Instruction& insn);
Outcome FICOM(Cpu& cpu, const Instruction& insn);
Outcome FICOMP(Cpu& cpu, const Instruction& insn);
Outcome FUCOM(Cpu& cpu, const Instruction& insn);
Outcome FUCOMP(Cpu& cpu, const Instruction& insn);
Outcome FUCOMPP(Cpu& cpu, const Instruction& insn);
Outcome FCOMI(Cpu& cpu, const Instruction& insn);
Outcome FCOMIP(Cpu& cpu, const Instruction& insn);
Outcome FUCOMI(Cpu& cpu, const Instruction& insn);
Outcome FUCOMIP(Cpu& cpu, const Instruction& insn);
Outcome FTST(Cpu& cpu, const Instruction& insn);
Outcome FXAM(Cpu& cpu, const Instruction& insn);

Outcome FABS(Cpu& cpu, const Instruction& insn);
Outcome FCHS(Cpu& cpu, const Instruction& insn);
Outcome FSQRT(Cpu& cpu, const Instruction& insn);
Outcome FRNDINT(Cpu& cpu, const Instruction& insn);
Outcome F2XM1(Cpu& cpu, const Instruction& insn);
Outcome FSIN(Cpu& cpu, const Instruction& insn);
Outcome FCOS(Cpu& cpu, const Instruction& insn);
Outcome FSCALE(Cpu& cpu, const Instruction& insn);
Outcome FPREM(Cpu& cpu, const Instruction& insn);
Outcome FPREM1(Cpu& cpu, const Instruction& insn);
Outcome FYL2X(Cpu& cpu, const Instruction& insn);
Outcome FYL2XP1(Cpu& cpu, const Instruction& insn);
Outcome FPATAN(Cpu& cpu, const Instruction& insn);
Outcome FXTRACT(Cpu& cpu, const Instruction& insn);
Outcome FPTAN(Cpu& cpu, const Instruction& insn);
Outcome FSINCOS(Cpu& cpu, const Instruction& insn);

// ---- x87_moves.cpp
Outcome FLD(Cpu& cpu, const Instruction& insn);
Outcome FILD(Cpu& cpu, const Instruction& insn);
Outcome FBLD(Cpu& cpu, const Instruction& insn);
Outcome FST(Cpu& cpu, const Instruction& insn);
Outcome FSTP(Cpu& cpu, const Instruction& insn);
Outcome FSTP1(Cpu& cpu, const Instruction& insn);
Outcome FIST(Cpu& cpu, const Instruction& insn);
Outcome FISTP(Cpu& cpu, const Instruction& insn);
Outcome FBSTP(Cpu& cpu, const Instruction& insn);
Outcome FLD1(Cpu& cpu, const Instruction& insn);
Outcome FLDL2T(Cpu& cpu, const Instruction& insn);
Outcome FLDL2E(Cpu& cpu, const Instruction& insn);
Outcome FLDPI(Cpu& cpu, const Instruction& insn);
Outcome FLDLG2(Cpu& cpu, const Instruction& insn);
Outcome FLDLN2(Cpu& cpu, const Instruction& insn);
Outcome FLDZ(Cpu& cpu, const Instruction& insn);
Outcome FXCH(Cpu& cpu, const Instruction& insn);
Outcome FFREE(Cpu& cpu, const Instruction& insn);
Outcome FFREEP(Cpu& cpu, const Instruction& insn);
Outcome FDECSTP(Cpu& cpu, const Instruction& insn);
Outcome FINCSTP(Cpu& cpu, const Instruction& insn);
Outcome FNOP(Cpu& cpu, const Instruction& insn);
Outcome FCMOVB(Cpu& cpu, const Instruction& insn);
Outcome FCMOVE(Cpu& cpu, const Instruction& insn);
Outcome FCMOVBE(Cpu& cpu, const Instruction& insn);
Outcome FCMOVU(Cpu& cpu, const Instruction& insn);
Outcome FCMOVNB(Cpu& cpu, const Instruction& insn);
Outcome FCMOVNE(Cpu& cpu, const Instruction& insn);
Outcome FCMOVNBE(Cpu& cpu, const Instruction& insn);
Outcome FCMOVNU(Cpu& cpu, const Instruction& insn);

// ---- x87_control.cpp
Outcome FWAIT(Cpu& cpu, const Instruction& insn);
Outcome FNINIT(Cpu& cpu, const Instruction& insn);
Outcome FNCLEX(Cpu& cpu, const Instruction& insn);
Outcome FLDCW(Cpu& cpu, const Instruction& insn);
Outcome FNSTCW(Cpu& cpu, const Instruction& insn);
Outcome FNSTSW(Cpu& cpu, const Instruction& insn);
Outcome FNENI(Cpu& cpu, const Instruction& insn); // the 8087's, and nothing since: FNENI, FNDISI, FNSETPM
Outcome FNDISI(Cpu& cpu, const Instruction& insn);
Outcome FNSETPM(Cpu& cpu, const Instruction& insn);

// ---- x87_environment.cpp
Outcome FLDENV(Cpu& cpu, const Instruction& insn);
Outcome FNSTENV(Cpu& cpu, const Instruction& insn);
Outcome FRSTOR(Cpu& cpu, const Instruction& insn);
Outcome FNSAVE(Cpu& cpu, const Instruction& insn);

// ---- fxsave.cpp
Outcome FXSAVE(Cpu& cpu, const Instruction& insn);
Outcome FXRSTOR(Cpu& cpu, const Instruction& insn);

} // namespace truering::op
