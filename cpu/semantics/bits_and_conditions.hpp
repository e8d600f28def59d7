// Bit tests, bit scans, and the sixteen conditions, as bodies on values.
#pragma once

#include "cpu/flags.hpp"

namespace truering::op {

// ---- Bit tests with the bit number already inside the operand

struct BT_imm {
    template <class T, class N> static T apply(ArithmeticFlags& flags, T a, N number) {
        flags.set_CF(((a >> (number % bit_count<T>)) & 1) != 0);
        return a;
    }
};

struct BTS_imm {
    template <class T, class N> static T apply(ArithmeticFlags& flags, T a, N number) {
        BT_imm::apply<T>(flags, a, number);
        return static_cast<T>(a | (T{1} << (number % bit_count<T>)));
    }
};

struct BTR_imm {
    template <class T, class N> static T apply(ArithmeticFlags& flags, T a, N number) {
        BT_imm::apply<T>(flags, a, number);
        return static_cast<T>(a & ~(T{1} << (number % bit_count<T>)));
    }
};

struct BTC_imm {
    template <class T, class N> static T apply(ArithmeticFlags& flags, T a, N number) {
        BT_imm::apply<T>(flags, a, number);
        return static_cast<T>(a ^ (T{1} << (number % bit_count<T>)));
    }
};

// ---- Scans. The destination is unchanged when the source is 0 (undefined by Intel's manual, so on every processor).

struct BSF {
    template <class T> static T apply(ArithmeticFlags& flags, T destination, T source) {
        if (source != 0) destination = static_cast<T>(__builtin_ctz(source));
        flags.set_ZF(source == 0);
        return destination;
    }
};

struct BSR {
    template <class T> static T apply(ArithmeticFlags& flags, T destination, T source) {
        if (source != 0) destination = static_cast<T>(31 - __builtin_clz(source));
        flags.set_ZF(source == 0);
        return destination;
    }
};

// ---- Conditions, in the order of their encoding (SDM vol. 1, appendix B)

enum class Condition : u8 { O, NO, B, AE, E, NE, BE, A, S, NS, P, NP, L, GE, LE, G };

template <Condition condition> inline bool holds(const ArithmeticFlags& f) {
    if constexpr (condition == Condition::O) return f.OF();
    if constexpr (condition == Condition::NO) return !f.OF();
    if constexpr (condition == Condition::B) return f.CF();
    if constexpr (condition == Condition::AE) return !f.CF();
    if constexpr (condition == Condition::E) return f.ZF();
    if constexpr (condition == Condition::NE) return !f.ZF();
    if constexpr (condition == Condition::BE) return f.CF() || f.ZF();
    if constexpr (condition == Condition::A) return !f.CF() && !f.ZF();
    if constexpr (condition == Condition::S) return f.SF();
    if constexpr (condition == Condition::NS) return !f.SF();
    if constexpr (condition == Condition::P) return f.PF();
    if constexpr (condition == Condition::NP) return !f.PF();
    if constexpr (condition == Condition::L) return f.SF() != f.OF();
    if constexpr (condition == Condition::GE) return f.SF() == f.OF();
    if constexpr (condition == Condition::LE) return f.ZF() || f.SF() != f.OF();
    if constexpr (condition == Condition::G) return !f.ZF() && f.SF() == f.OF();
}

template <Condition condition> struct SetByte {
    template <class T> static T apply(ArithmeticFlags& flags) { return holds<condition>(flags) ? 1 : 0; }
};

template <Condition condition> struct ConditionalMove {
    template <class T> static T apply(ArithmeticFlags& flags, T destination, T source) {
        return holds<condition>(flags) ? source : destination;
    }
};

using SETO = SetByte<Condition::O>;
using SETNO = SetByte<Condition::NO>;
using SETB = SetByte<Condition::B>;
using SETAE = SetByte<Condition::AE>;
using SETE = SetByte<Condition::E>;
using SETNE = SetByte<Condition::NE>;
using SETBE = SetByte<Condition::BE>;
using SETA = SetByte<Condition::A>;
using SETS = SetByte<Condition::S>;
using SETNS = SetByte<Condition::NS>;
using SETP = SetByte<Condition::P>;
using SETNP = SetByte<Condition::NP>;
using SETL = SetByte<Condition::L>;
using SETGE = SetByte<Condition::GE>;
using SETLE = SetByte<Condition::LE>;
using SETG = SetByte<Condition::G>;

using CMOVO = ConditionalMove<Condition::O>;
using CMOVNO = ConditionalMove<Condition::NO>;
using CMOVB = ConditionalMove<Condition::B>;
using CMOVAE = ConditionalMove<Condition::AE>;
using CMOVE = ConditionalMove<Condition::E>;
using CMOVNE = ConditionalMove<Condition::NE>;
using CMOVBE = ConditionalMove<Condition::BE>;
using CMOVA = ConditionalMove<Condition::A>;
using CMOVS = ConditionalMove<Condition::S>;
using CMOVNS = ConditionalMove<Condition::NS>;
using CMOVP = ConditionalMove<Condition::P>;
using CMOVNP = ConditionalMove<Condition::NP>;
using CMOVL = ConditionalMove<Condition::L>;
using CMOVGE = ConditionalMove<Condition::GE>;
using CMOVLE = ConditionalMove<Condition::LE>;
using CMOVG = ConditionalMove<Condition::G>;

} // namespace truering::op
