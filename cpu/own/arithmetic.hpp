// Multiplication and division with their implied registers, the decimal adjustments, and instructions that exchange.
#pragma once

#include "cpu/access.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/semantics/alu.hpp"

namespace truering::op {

struct MUL {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct IMUL_one {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct DIV {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct IDIV {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct DAA {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct DAS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct AAA {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct AAS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct AAM {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct AAD {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct XADD {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct CMPXCHG {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct CMPXCHG8B {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
// BT, BTS, BTR and BTC with a register: in memory the bit number reaches beyond the operand.
struct BT {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct BTS {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct BTR {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct BTC {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct BOUND {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
