// The rows of the sections MMX and SSE as handlers: bodies on packed values, and what admits them.
#pragma once

#include "cpu/admission.hpp"
#include "cpu/interpreter/chain.hpp"
#include "cpu/own/sse_forms.hpp"

namespace truering::sse_shapes {

// The common case of admission, without a call: none of what `admit` would refuse for these checks is the case.
template <u16 checks> inline bool nothing_to_refuse(const Cpu& cpu) {
    static_assert((checks & ~(check_mmx | check_sse)) == 0);
    if ((cpu.cr0 & (CR0_EM | CR0_TS)) != 0) return false;
    if ((checks & check_sse) != 0 && (cpu.cr4 & CR4_OSFXSR) == 0) return false;
    return (checks & check_mmx) == 0 || !cpu.fpu.exception_pending();
}

template <Handler handler, u16 checks> Outcome run_admitted(Cpu& cpu, const Instruction& insn) {
    if (!nothing_to_refuse<checks>(cpu)) [[unlikely]] {
        if (const Outcome o = admit(cpu, insn); o != Outcome::Done) return o;
    }
    return handler(cpu, insn);
}

template <class Op, Shape shape, bool in_memory, Operand a, Operand b, Operand c, Attributes attributes>
constexpr Handler select() {
    constexpr Handler handler = [] {
        if constexpr (shape == Shape::Own)
            return &Op::run;
        else
            return &run_form<Op, SseForm<shape, in_memory, a, b, c>>;
    }();
    if constexpr (attributes.checks != 0)
        return run_admitted<handler, attributes.checks>;
    else
        return handler;
}

constexpr bool may_be_in_memory(const Operand& operand) { return operand.place == Place::ModRmE; }

// Operand size changes nothing here: 66 is part of the opcode.
template <class Op, Shape shape, Operand a, Operand b, Operand c, Attributes attributes>
constexpr RowHandlers handlers_of_row() {
    static_assert(attributes.v32_exit == V32Exit::None);
    constexpr bool two_forms = may_be_in_memory(a) || may_be_in_memory(b);
    constexpr Handler in_register = select<Op, shape, false, a, b, c, attributes>();
    constexpr Handler in_memory = select<Op, shape, two_forms, a, b, c, attributes>();
    return chain::handlers<in_register, in_memory>();
}

} // namespace truering::sse_shapes
