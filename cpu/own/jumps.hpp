// Near jumps, calls, returns and loops. A target beyond the CS limit is #GP(0) at the jump, before anything changes.
#pragma once

#include "cpu/access.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/semantics/bits_and_conditions.hpp"

namespace truering::op {

namespace jump_detail {

// A 16-bit operand size cuts the target to 16 bits.
template <class T> inline u32 target_of(u32 eip) { return static_cast<T>(eip); }

inline Outcome check_target(Cpu& cpu, u32 target) {
    if (target > cpu.segment[seg_CS].limit) [[unlikely]]
        return raise(cpu, Vector::GP, 0);
    return Outcome::Done;
}

template <class T> inline Outcome jump_to(Cpu& cpu, u32 target) {
    const u32 eip = target_of<T>(target);
    if (const Outcome o = check_target(cpu, eip); failed(o)) return o;
    cpu.eip = eip;
    return Outcome::Jumped;
}

template <class T> inline Outcome jump_relative(Cpu& cpu, const Instruction& insn) {
    return jump_to<T>(cpu, cpu.eip + insn.length + insn.immediate);
}

template <class T> inline Outcome call_to(Cpu& cpu, const Instruction& insn, u32 target) {
    const u32 eip = target_of<T>(target);
    if (const Outcome o = check_target(cpu, eip); failed(o)) return o;
    if (const Outcome o = push<T>(cpu, static_cast<T>(cpu.eip + insn.length)); failed(o)) return o;
    cpu.eip = eip;
    return Outcome::Jumped;
}

} // namespace jump_detail

template <Condition condition> struct JumpIf {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        if (!holds<condition>(cpu.arithmetic)) return Outcome::Done;
        return jump_detail::jump_relative<T>(cpu, insn);
    }
};

using JO = JumpIf<Condition::O>;
using JNO = JumpIf<Condition::NO>;
using JB = JumpIf<Condition::B>;
using JAE = JumpIf<Condition::AE>;
using JE = JumpIf<Condition::E>;
using JNE = JumpIf<Condition::NE>;
using JBE = JumpIf<Condition::BE>;
using JA = JumpIf<Condition::A>;
using JS = JumpIf<Condition::S>;
using JNS = JumpIf<Condition::NS>;
using JP = JumpIf<Condition::P>;
using JNP = JumpIf<Condition::NP>;
using JL = JumpIf<Condition::L>;
using JGE = JumpIf<Condition::GE>;
using JLE = JumpIf<Condition::LE>;
using JG = JumpIf<Condition::G>;

struct JMP {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        return jump_detail::jump_relative<T>(cpu, insn);
    }
};

struct JMP_E {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        T target;
        if (const Outcome o = read_e(cpu, insn, target); failed(o)) return o;
        return jump_detail::jump_to<T>(cpu, target);
    }
};

struct CALL {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        return jump_detail::call_to<T>(cpu, insn, cpu.eip + insn.length + insn.immediate);
    }
};

struct CALL_E {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        T target;
        if (const Outcome o = read_e(cpu, insn, target); failed(o)) return o;
        return jump_detail::call_to<T>(cpu, insn, target);
    }
};

namespace jump_detail {
template <class T> [[gnu::noinline]] Outcome peek_return_address(Cpu& cpu, T& target) {
    return peek_stack(cpu, 0, target);
}
} // namespace jump_detail

struct RET {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        T target;
        if (const u8* const host = quick_read<T>(cpu, seg_SS, cpu.gpr[reg_ESP] & cpu.stack_mask())) [[likely]]
            std::memcpy(&target, host, sizeof(T));
        else if (const Outcome o = jump_detail::peek_return_address(cpu, target); failed(o))
            return o;
        if (const Outcome o = jump_detail::check_target(cpu, target); failed(o)) return o;
        drop_stack(cpu, static_cast<u32>(sizeof(T)) + insn.immediate);
        cpu.eip = target;
        return Outcome::Jumped;
    }
};

// The counter is CX or ECX by address size.
namespace jump_detail {
template <class T, class Taken> inline Outcome loop(Cpu& cpu, const Instruction& insn, Taken taken) {
    const u32 count = (cpu.gpr[reg_ECX] - 1) & insn.address_mask;
    const bool jumps = count != 0 && taken(cpu.arithmetic);
    const u32 target = target_of<T>(cpu.eip + insn.length + insn.immediate);
    if (jumps)
        if (const Outcome o = check_target(cpu, target); failed(o)) return o;
    cpu.gpr[reg_ECX] = (cpu.gpr[reg_ECX] & ~insn.address_mask) | count;
    if (!jumps) return Outcome::Done;
    cpu.eip = target;
    return Outcome::Jumped;
}
} // namespace jump_detail

struct LOOP {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        return jump_detail::loop<T>(cpu, insn, [](const ArithmeticFlags&) { return true; });
    }
};

struct LOOPE {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        return jump_detail::loop<T>(cpu, insn, [](const ArithmeticFlags& f) { return f.ZF(); });
    }
};

struct LOOPNE {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        return jump_detail::loop<T>(cpu, insn, [](const ArithmeticFlags& f) { return !f.ZF(); });
    }
};

struct JCXZ {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        if ((cpu.gpr[reg_ECX] & insn.address_mask) != 0) return Outcome::Done;
        return jump_detail::jump_relative<T>(cpu, insn);
    }
};

} // namespace truering::op
