// Moves that are no plain W bodies: LEA, exchanges, conversions in place, flag moves, translation by table.
#pragma once

#include "cpu/access.hpp"
#include "cpu/exceptions.hpp"

namespace truering::op {

struct LEA {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        cpu.set_reg<T>(insn.reg, static_cast<T>(effective_address(cpu, insn)));
        return Outcome::Done;
    }
};

struct XCHG {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        const T source = cpu.reg<T>(insn.reg);
        T old{};
        if (insn.memory) {
            const Outcome o = update_memory<T>(cpu, operand_segment(insn), effective_address(cpu, insn), [&](T& value) {
                old = value;
                value = source;
            });
            if (failed(o)) return o;
        } else {
            old = cpu.reg<T>(insn.rm);
            cpu.set_reg<T>(insn.rm, source);
        }
        cpu.set_reg<T>(insn.reg, old);
        return Outcome::Done;
    }
};

// 90 is XCHG EAX, EAX: NOP; F3 90 is PAUSE, a NOP here and on processors that do not know it.
struct XCHG_rAX {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        const T old = cpu.reg<T>(insn.rm);
        cpu.set_reg<T>(insn.rm, cpu.reg<T>(reg_EAX));
        cpu.set_reg<T>(reg_EAX, old);
        return Outcome::Done;
    }
};

struct NOP {
    template <class T> static Outcome run(Cpu&, const Instruction&) { return Outcome::Done; }
};

// CBW, CWDE by operand size; CWD, CDQ likewise.
struct CBW {
    template <class T> static Outcome run(Cpu& cpu, const Instruction&) {
        if constexpr (sizeof(T) == 2)
            cpu.set_reg16(reg_EAX, static_cast<u16>(sign_extend_8(cpu.gpr[reg_EAX])));
        else
            cpu.gpr[reg_EAX] = sign_extend_16(cpu.gpr[reg_EAX]);
        return Outcome::Done;
    }
};

struct CWD {
    template <class T> static Outcome run(Cpu& cpu, const Instruction&) {
        const bool negative = (cpu.reg<T>(reg_EAX) >> (bit_count<T> - 1)) != 0;
        cpu.set_reg<T>(reg_EDX, negative ? static_cast<T>(~T{0}) : T{0});
        return Outcome::Done;
    }
};

// With a 16-bit operand the result is undefined; processors give 0.
struct BSWAP {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        if constexpr (sizeof(T) == 2)
            cpu.set_reg16(insn.rm, 0);
        else
            cpu.gpr[insn.rm] = __builtin_bswap32(cpu.gpr[insn.rm]);
        return Outcome::Done;
    }
};

struct XLAT {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        u8 value;
        const u32 address = (cpu.gpr[reg_EBX] + cpu.reg8(reg_EAX)) & insn.address_mask;
        if (const Outcome o = read_memory(cpu, operand_segment(insn), address, value); failed(o)) return o;
        cpu.set_reg8(reg_EAX, value);
        return Outcome::Done;
    }
};

struct SALC {
    template <class T> static Outcome run(Cpu& cpu, const Instruction&) {
        cpu.set_reg8(reg_EAX, cpu.arithmetic.CF() ? 0xFF : 0);
        return Outcome::Done;
    }
};

struct LAHF {
    template <class T> static Outcome run(Cpu& cpu, const Instruction&) {
        cpu.set_reg8(4, static_cast<u8>(cpu.eflags()));
        return Outcome::Done;
    }
};

struct SAHF {
    template <class T> static Outcome run(Cpu& cpu, const Instruction&) {
        cpu.arithmetic.set_value((cpu.arithmetic.value() & flag_OF) | cpu.reg8(4));
        return Outcome::Done;
    }
};

struct CMC {
    template <class T> static Outcome run(Cpu& cpu, const Instruction&) {
        cpu.arithmetic.set_CF(!cpu.arithmetic.CF());
        return Outcome::Done;
    }
};

struct CLC {
    template <class T> static Outcome run(Cpu& cpu, const Instruction&) {
        cpu.arithmetic.set_CF(false);
        return Outcome::Done;
    }
};

struct STC {
    template <class T> static Outcome run(Cpu& cpu, const Instruction&) {
        cpu.arithmetic.set_CF(true);
        return Outcome::Done;
    }
};

struct CLD {
    template <class T> static Outcome run(Cpu& cpu, const Instruction&) {
        cpu.eflags_rest &= ~u32{EFLAGS_DF};
        return Outcome::Done;
    }
};

struct STD {
    template <class T> static Outcome run(Cpu& cpu, const Instruction&) {
        cpu.eflags_rest |= EFLAGS_DF;
        return Outcome::Done;
    }
};

struct UD0 {
    template <class T> static Outcome run(Cpu& cpu, const Instruction&) { return raise(cpu, Vector::UD); }
};
struct UD1 : UD0 {};
struct UD2 : UD0 {};

} // namespace truering::op
