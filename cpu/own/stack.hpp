// PUSH, POP and their relatives. Nothing changes when an access faults, ESP included.
#pragma once

#include "cpu/access.hpp"

namespace truering::op {

struct PUSH {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        return push<T>(cpu, cpu.reg<T>(insn.rm));
    }
};

struct POP {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        const u8* const host = quick_read<T>(cpu, seg_SS, cpu.gpr[reg_ESP] & cpu.stack_mask());
        if (host == nullptr) [[unlikely]]
            return run_thoroughly<T>(cpu, insn);
        T value;
        std::memcpy(&value, host, sizeof(T));
        drop_stack(cpu, sizeof(T));
        cpu.set_reg<T>(insn.rm, value); // behind the increment: POP ESP loads what it popped
        return Outcome::Done;
    }

    template <class T> [[gnu::noinline]] static Outcome run_thoroughly(Cpu& cpu, const Instruction& insn) {
        T value;
        if (const Outcome o = pop(cpu, value); failed(o)) return o;
        cpu.set_reg<T>(insn.rm, value);
        return Outcome::Done;
    }
};

struct PUSH_imm {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        return push<T>(cpu, static_cast<T>(insn.immediate));
    }
};

struct PUSH_E {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn) {
        T value;
        if (const Outcome o = read_e(cpu, insn, value); failed(o)) return o;
        return push<T>(cpu, value);
    }
};

// The address of POP [ESP+n] is computed with the incremented ESP (SDM vol. 2B, POP).
struct POP_E {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
// A 32-bit PUSH of a selector moves ESP by four and writes two bytes (SDM vol. 2B, PUSH, as processors do it).
struct PUSH_seg {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct PUSHA {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct POPA {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct ENTER {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};
struct LEAVE {
    template <class T> static Outcome run(Cpu& cpu, const Instruction& insn);
};

} // namespace truering::op
