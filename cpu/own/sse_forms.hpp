// How a row of MMX or SSE becomes a handler: its operands fetched, its body called, its result put away.
//
// run_form<Body, Form>(cpu, insn) follows the row's shape and operand letters:
//   P Q N   Packed64              G E (general), M of 4 bytes or fewer   u32, zero-extended
//   V W U   Packed128             M of 8 bytes                           u64
//   Ib      u8                    M of 16 bytes                          Packed128
// A W or Q operand in memory fills the register value from its low end; the rest is zero. Shape R and RW read the first
// operand, W and RW write it: a register whole, the result zero-extended to it, memory as wide as the operand says.
// COMISx and the like (shape R) return CompareFlags.
//
// Bodies that carry HostFloat run under the guest's MXCSR, and an unmasked exception ends in #XM. Memory operands of 16
// bytes must be aligned in linear space, else #GP(0), unless the body says `unaligned`. A row with an operand in the
// MMX registers turns the x87 to MMX use: TOP = 0, all tags valid (SDM vol. 1, 9.5).
//
// Order, as no fault may come after an effect: loads, alignment, body (#XM), store, MMX state.
// CR0.EM, CR0.TS, CR4.OSFXSR and pending x87 errors are admission's.
// Source: SDM volume 1, 10.4 to 10.6, 11.4 to 11.6; volume 2, the pages; volume 3A, 13.1 and tables 22-4 to 22-9.
#pragma once

#include "cpu/access.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/semantics/sse_compare.hpp"
#include "cpu/semantics/sse_exceptions.hpp"
#include "decoder/row.hpp"

#include <concepts>
#include <type_traits>

namespace truering {

// A row's shape and operands, and where the operand of ModRM is in the form at hand.
template <Shape row_shape, bool memory, Operand a, Operand b, Operand c> struct SseForm {
    static constexpr Shape shape = row_shape;
    static constexpr Operand operands[3] = {a, b, c};
    static constexpr bool uses_mmx =
        a.file == RegisterFile::Mmx || b.file == RegisterFile::Mmx || c.file == RegisterFile::Mmx;

    template <unsigned n> static constexpr bool in_memory = operands[n].place == Place::Memory ||
                                                            (operands[n].place == Place::ModRmE && memory);
};

namespace sse_detail {

constexpr unsigned bytes_of(Width width) {
    switch (width) {
    case Width::b: return 1;
    case Width::w: return 2;
    case Width::d: return 4;
    case Width::q: return 8;
    case Width::dq: return 16;
    default: throw "an MMX or SSE operand has a fixed width";
    }
}

template <Operand operand> constexpr auto value_of() {
    if constexpr (operand.place == Place::Immediate)
        return u8{};
    else if constexpr (operand.file == RegisterFile::Mmx)
        return Packed64{};
    else if constexpr (operand.file == RegisterFile::Xmm || operand.width == Width::dq)
        return Packed128{};
    else if constexpr (operand.width == Width::q)
        return u64{};
    else
        return u32{};
}
template <Operand operand> using Value = decltype(value_of<operand>());

template <class Body>
concept AllowsUnaligned = requires {
    Body::unaligned;
};

template <class Body> inline Outcome check_alignment(Cpu& cpu, const Instruction& insn, u32 offset) {
    if constexpr (!AllowsUnaligned<Body>) {
        if (((cpu.segment[operand_segment(insn)].base + offset) % Packed128::size) != 0) [[unlikely]]
            return raise(cpu, Vector::GP, 0);
    }
    return Outcome::Done;
}

// The memory operand's bytes, in the low end of `value`.
template <unsigned bytes, class Body, class V> inline Outcome load_memory(Cpu& cpu, const Instruction& insn, V& value) {
    if constexpr (bytes == Packed128::size) {
        const u32 offset = effective_address(cpu, insn);
        if (const Outcome o = check_alignment<Body>(cpu, insn, offset); failed(o)) return o;
        return read_memory(cpu, operand_segment(insn), offset, value);
    } else {
        using Raw = std::conditional_t<bytes == 8, u64, std::conditional_t<bytes == 4, u32, u16>>;
        Raw raw{};
        if (const Outcome o = read_operand(cpu, insn, raw); failed(o)) return o;
        if constexpr (std::integral<V>)
            value = raw;
        else
            value = V::low(raw);
        return Outcome::Done;
    }
}

template <class V> inline V read_register(const Cpu& cpu, unsigned n) {
    if constexpr (std::same_as<V, Packed128>)
        return cpu.sse.xmm[n];
    else if constexpr (std::same_as<V, Packed64>)
        return Packed64::low(cpu.fpu.mm(n));
    else
        return cpu.gpr[n];
}

template <Operand operand> inline unsigned register_of(const Instruction& insn) {
    return (operand.place == Place::ModRmG ? insn.reg : insn.rm) & 7u;
}

template <class Body, class Form, unsigned n, class V>
inline Outcome load(Cpu& cpu, const Instruction& insn, V& value) {
    constexpr Operand operand = Form::operands[n];
    if constexpr (operand.place == Place::Immediate)
        value = static_cast<u8>(insn.immediate);
    else if constexpr (Form::template in_memory<n>)
        return load_memory<bytes_of(operand.width), Body>(cpu, insn, value);
    else
        value = read_register<V>(cpu, register_of<operand>(insn));
    return Outcome::Done;
}

// The low end of a value as u64.
template <class V> inline u64 low_quad(const V& value) {
    if constexpr (std::integral<V>)
        return value;
    else
        return value.template get<u64>(0);
}

template <unsigned bytes, class Body, class R>
inline Outcome store_memory(Cpu& cpu, const Instruction& insn, const R& result) {
    if constexpr (bytes == Packed128::size) {
        const u32 offset = effective_address(cpu, insn);
        if (const Outcome o = check_alignment<Body>(cpu, insn, offset); failed(o)) return o;
        return write_memory(cpu, operand_segment(insn), offset, result);
    } else if constexpr (bytes == 8) {
        return write_operand(cpu, insn, low_quad(result));
    } else {
        return write_operand(cpu, insn, static_cast<u32>(low_quad(result)));
    }
}

template <RegisterFile file, class R> inline void write_register(Cpu& cpu, unsigned n, const R& result) {
    if constexpr (file == RegisterFile::Mmx)
        cpu.fpu.set_mm(n, low_quad(result));
    else if constexpr (file == RegisterFile::General)
        cpu.gpr[n] = static_cast<u32>(low_quad(result));
    else if constexpr (std::same_as<R, Packed128>)
        cpu.sse.xmm[n] = result;
    else
        cpu.sse.xmm[n] = Packed128::low(low_quad(result));
}

template <class Body, class Form, class R> inline Outcome store(Cpu& cpu, const Instruction& insn, const R& result) {
    constexpr Operand operand = Form::operands[0];
    if constexpr (Form::template in_memory<0>)
        return store_memory<bytes_of(operand.width), Body>(cpu, insn, result);
    else
        write_register<operand.file>(cpu, register_of<operand>(insn), result);
    return Outcome::Done;
}

// The body on these values; a shift takes its count from the low quadword of a register or memory.
template <class Body, class... Values> inline auto call(const Values&... values) {
    if constexpr (requires { Body::run(values...); }) {
        return Body::run(values...);
    } else {
        const auto shift = [](const auto& d, const auto& s) { return Body::run(d, low_quad(s)); };
        return shift(values...);
    }
}

inline Outcome raise_simd_exception(Cpu& cpu) {
    return raise(cpu, (cpu.cr4 & CR4_OSXMMEXCPT) != 0 ? Vector::XM : Vector::UD);
}

template <class Body, class R, class... Values> inline Outcome compute(Cpu& cpu, R& result, const Values&... values) {
    if constexpr (std::derived_from<Body, op::HostFloat>) {
        if (run_float<Body>(cpu.host_mxcsr, cpu.sse, result, values...) == SimdStatus::exception) [[unlikely]]
            return raise_simd_exception(cpu);
    } else {
        result = call<Body>(values...);
    }
    return Outcome::Done;
}

// OF, SF and AF are cleared. "Equal" (ZF without PF) is the only answer that no arithmetic result has.
inline void set_flags(Cpu& cpu, const op::CompareFlags& flags) {
    if (flags.ZF && !flags.PF)
        cpu.arithmetic.set_value(flag_ZF);
    else
        cpu.arithmetic.set_result<u32>(flags.ZF ? 0 : 1, flags.CF, false, false);
}

template <class Body, class Form, class... Values>
inline Outcome finish(Cpu& cpu, const Instruction& insn, const Values&... values) {
    decltype(call<Body>(values...)) result{};
    if (const Outcome o = compute<Body>(cpu, result, values...); failed(o)) return o;
    if constexpr (Form::shape == Shape::R)
        set_flags(cpu, result);
    else
        return store<Body, Form>(cpu, insn, result);
    return Outcome::Done;
}

// Operands n and up are added to the values, then the body runs.
template <class Body, class Form, unsigned n, class... Values>
inline Outcome gather(Cpu& cpu, const Instruction& insn, const Values&... values) {
    constexpr bool complete = n == 3 || Form::operands[n % 3].place == Place::None;
    if constexpr (complete) {
        return finish<Body, Form>(cpu, insn, values...);
    } else {
        constexpr Operand operand = Form::operands[n];
        Value<operand> value{};
        if (const Outcome o = load<Body, Form, n>(cpu, insn, value); failed(o)) return o;
        return gather<Body, Form, n + 1>(cpu, insn, values..., value);
    }
}

} // namespace sse_detail

template <class Body, class Form> Outcome run_form(Cpu& cpu, const Instruction& insn) {
    constexpr unsigned first_read = Form::shape == Shape::W ? 1 : 0;
    const Outcome outcome = sse_detail::gather<Body, Form, first_read>(cpu, insn);
    if constexpr (Form::uses_mmx)
        if (!failed(outcome)) cpu.fpu.enter_mmx();
    return outcome;
}

} // namespace truering
