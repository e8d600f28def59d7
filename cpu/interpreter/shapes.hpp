// The plumbing between operands and bodies: one template a shape, instantiated for what a row says.
//
// Order inside each: load sources one at a time, then, only if all that can fault has been done, write the result and
// the flags. A body on values never sees where its operands are.
#pragma once

#include "cpu/access.hpp"
#include "cpu/admission.hpp"
#include "cpu/interpreter/chain.hpp"
#include "decoder/row.hpp"

namespace truering::shapes {

// ---- The C++ type of an operand, given the operand size

template <Operand operand, class V> constexpr auto value_type() {
    if constexpr (operand.width == Width::b && !operand.sign_extended)
        return u8{};
    else if constexpr (operand.width == Width::w)
        return u16{};
    else if constexpr (operand.width == Width::d)
        return u32{};
    else
        return V{};
}
template <Operand operand, class V> using ValueType = decltype(value_type<operand, V>());

constexpr bool may_be_memory(const Operand& operand) {
    return operand.place == Place::ModRmE || operand.place == Place::Memory || operand.place == Place::Offset;
}

// Is the operand in memory, in the form of the instruction at hand?
template <Operand operand, bool in_memory> constexpr bool is_memory() {
    return operand.place == Place::Offset || operand.place == Place::Memory ||
           (operand.place == Place::ModRmE && in_memory);
}

// ---- Operands that cannot fault

template <Operand operand, class T> inline unsigned register_of(const Instruction& insn) {
    if constexpr (operand.place == Place::ModRmG)
        return insn.reg;
    else if constexpr (operand.place == Place::Fixed)
        return operand.fixed;
    else
        return insn.rm; // ModRmE with mod = 3, Opcode
}

template <Operand operand, class T> inline T get(const Cpu& cpu, const Instruction& insn) {
    if constexpr (operand.place == Place::Immediate)
        return static_cast<T>(insn.immediate);
    else if constexpr (operand.place == Place::Fixed && operand.file == RegisterFile::Control)
        return operand.fixed;
    else
        return cpu.reg<T>(register_of<operand, T>(insn));
}

// Loads any source operand.
template <Operand operand, bool in_memory, class T> inline Outcome load(Cpu& cpu, const Instruction& insn, T& value) {
    if constexpr (is_memory<operand, in_memory>())
        return read_operand(cpu, insn, value);
    else
        value = get<operand, T>(cpu, insn);
    return Outcome::Done;
}

template <Operand operand, bool in_memory, class T> inline Outcome store(Cpu& cpu, const Instruction& insn, T value) {
    if constexpr (is_memory<operand, in_memory>())
        return write_operand(cpu, insn, value);
    else
        cpu.set_reg<T>(register_of<operand, T>(insn), value);
    return Outcome::Done;
}

inline constexpr Operand nothing{};

// ---- The shapes. V is u16 or u32, the operand size.
//
// Each shape with a memory operand has two ways: the quick one, a leaf function for accesses that the quick look proves
// good, and the thorough one, which it calls where the look did not.

template <class T> inline T value_at(const u8* host) {
    T value;
    std::memcpy(&value, host, sizeof(T));
    return value;
}

template <class T> inline void put(u8* host, T value) { std::memcpy(host, &value, sizeof(T)); }

// Loads an operand by the quick look; false where it does not suffice.
template <Operand operand, bool in_memory, class T>
inline bool quick_load(const Cpu& cpu, const Instruction& insn, T& value) {
    if constexpr (is_memory<operand, in_memory>()) {
        const u8* const host = quick_read<T>(cpu, operand_segment(insn), effective_address(cpu, insn));
        if (host == nullptr) return false;
        value = value_at<T>(host);
    } else {
        value = get<operand, T>(cpu, insn);
    }
    return true;
}

// What W computes from its source.
template <class Op, class V, Operand b, Operand c, class A, class B>
inline A produce(Cpu& cpu, const Instruction& insn, B source) {
    if constexpr (b == nothing)
        return Op::template apply<A>(cpu.arithmetic);
    else if constexpr (!(c == nothing))
        return Op::template apply<A>(cpu.arithmetic, source, get<c, A>(cpu, insn));
    else if constexpr (requires { Op::template convert<A, B>(source); })
        return Op::template convert<A, B>(source);
    else
        return Op::template apply<A>(cpu.arithmetic, source);
}

template <class Op, class V, bool in_memory, Operand a, Operand b, Operand c>
[[gnu::noinline]] Outcome thorough_W(Cpu& cpu, const Instruction& insn) {
    using A = ValueType<a, V>;
    using B = ValueType<b, V>;
    B source{};
    if constexpr (!(b == nothing))
        if (const Outcome o = load<b, in_memory>(cpu, insn, source); failed(o)) return o;
    return store<a, in_memory>(cpu, insn, produce<Op, V, b, c, A, B>(cpu, insn, source));
}

template <class Op, class V, bool in_memory, Operand a, Operand b, Operand c>
inline bool quick_W(Cpu& cpu, const Instruction& insn) {
    using A = ValueType<a, V>;
    using B = ValueType<b, V>;
    B source{};
    if constexpr (!(b == nothing))
        if (!quick_load<b, in_memory>(cpu, insn, source)) [[unlikely]]
            return false;
    if constexpr (is_memory<a, in_memory>()) {
        u8* const host = quick_write<A>(cpu, operand_segment(insn), effective_address(cpu, insn));
        if (host == nullptr) [[unlikely]]
            return false;
        put<A>(host, produce<Op, V, b, c, A, B>(cpu, insn, source));
    } else {
        cpu.set_reg<A>(register_of<a, A>(insn), produce<Op, V, b, c, A, B>(cpu, insn, source));
    }
    return true;
}

// The result of a body on the first operand's value and the others, which are no memory any more.
template <class Op, class V, Operand a, Operand b, Operand c, class A, class B>
inline A combine(Cpu& cpu, const Instruction& insn, A first, B second) {
    if constexpr (b == nothing)
        return Op::template apply<A>(cpu.arithmetic, first);
    else if constexpr (c == nothing)
        return Op::template apply<A>(cpu.arithmetic, first, second);
    else
        return Op::template apply<A>(cpu.arithmetic, first, second, get<c, ValueType<c, V>>(cpu, insn));
}

template <class Op, class V, bool in_memory, Operand a, Operand b, Operand c>
[[gnu::noinline]] Outcome thorough_RW(Cpu& cpu, const Instruction& insn) {
    using A = ValueType<a, V>;
    using B = ValueType<b, V>;
    B second{};
    if constexpr (!(b == nothing))
        if (const Outcome o = load<b, in_memory>(cpu, insn, second); failed(o)) return o;
    if constexpr (is_memory<a, in_memory>()) {
        return update_memory<A>(cpu, operand_segment(insn), effective_address(cpu, insn),
                                [&](A& value) { value = combine<Op, V, a, b, c, A, B>(cpu, insn, value, second); });
    } else {
        const unsigned n = register_of<a, A>(insn);
        cpu.set_reg<A>(n, combine<Op, V, a, b, c, A, B>(cpu, insn, cpu.reg<A>(n), second));
        return Outcome::Done;
    }
}

template <class Op, class V, bool in_memory, Operand a, Operand b, Operand c>
inline bool quick_RW(Cpu& cpu, const Instruction& insn) {
    using A = ValueType<a, V>;
    using B = ValueType<b, V>;
    B second{};
    if constexpr (!(b == nothing))
        if (!quick_load<b, in_memory>(cpu, insn, second)) [[unlikely]]
            return false;
    if constexpr (is_memory<a, in_memory>()) {
        u8* const host = quick_write<A>(cpu, operand_segment(insn), effective_address(cpu, insn));
        if (host == nullptr) [[unlikely]]
            return false;
        put<A>(host, combine<Op, V, a, b, c, A, B>(cpu, insn, value_at<A>(host), second));
    } else {
        const unsigned n = register_of<a, A>(insn);
        cpu.set_reg<A>(n, combine<Op, V, a, b, c, A, B>(cpu, insn, cpu.reg<A>(n), second));
    }
    return true;
}

template <class Op, class V, bool in_memory, Operand a, Operand b, Operand c>
[[gnu::noinline]] Outcome thorough_R(Cpu& cpu, const Instruction& insn) {
    using A = ValueType<a, V>;
    using B = ValueType<b, V>;
    A first{};
    B second{};
    if (const Outcome o = load<a, in_memory>(cpu, insn, first); failed(o)) return o;
    if (const Outcome o = load<b, in_memory>(cpu, insn, second); failed(o)) return o;
    static_cast<void>(combine<Op, V, a, b, c, A, B>(cpu, insn, first, second));
    return Outcome::Done;
}

template <class Op, class V, bool in_memory, Operand a, Operand b, Operand c>
inline bool quick_R(Cpu& cpu, const Instruction& insn) {
    using A = ValueType<a, V>;
    using B = ValueType<b, V>;
    A first{};
    B second{};
    if (!quick_load<a, in_memory>(cpu, insn, first) || !quick_load<b, in_memory>(cpu, insn, second)) [[unlikely]]
        return false;
    static_cast<void>(combine<Op, V, a, b, c, A, B>(cpu, insn, first, second));
    return true;
}

// The quick way of a shape, chained; where it does not suffice, the thorough one.
template <class Op, Shape shape, class V, bool in_memory, Operand a, Operand b, Operand c>
Outcome run_quickly(Cpu& cpu, const Instruction& insn) {
    if constexpr (shape == Shape::W) {
        if (!quick_W<Op, V, in_memory, a, b, c>(cpu, insn)) [[unlikely]]
            return chain::run<thorough_W<Op, V, in_memory, a, b, c>>(cpu, insn);
    } else if constexpr (shape == Shape::RW) {
        if (!quick_RW<Op, V, in_memory, a, b, c>(cpu, insn)) [[unlikely]]
            return chain::run<thorough_RW<Op, V, in_memory, a, b, c>>(cpu, insn);
    } else {
        if (!quick_R<Op, V, in_memory, a, b, c>(cpu, insn)) [[unlikely]]
            return chain::run<thorough_R<Op, V, in_memory, a, b, c>>(cpu, insn);
    }
    return chain::go_on(cpu, insn);
}

// Own handlers get u8 for rows with a byte operand other than an immediate, else the operand size.
constexpr bool is_byte_operand(const Operand& operand) {
    return operand.width == Width::b && operand.place != Place::Immediate && operand.place != Place::Relative &&
           operand.place != Place::None;
}

template <class Op, Shape shape, class V, bool in_memory, Operand a, Operand b, Operand c> constexpr Handler plain() {
    if constexpr (shape == Shape::W)
        return thorough_W<Op, V, in_memory, a, b, c>;
    else if constexpr (shape == Shape::RW)
        return thorough_RW<Op, V, in_memory, a, b, c>;
    else if constexpr (shape == Shape::R)
        return thorough_R<Op, V, in_memory, a, b, c>;
    else if constexpr (is_byte_operand(a) || is_byte_operand(b))
        return Op::template run<u8>;
    else
        return Op::template run<V>;
}

template <Handler handler> Outcome run_admitted(Cpu& cpu, const Instruction& insn) {
    if (const Outcome o = admit(cpu, insn); o != Outcome::Done) return o;
    return handler(cpu, insn);
}

struct HandlerPair {
    Handler single, chained;
};

template <class Op, Shape shape, bool admission, class V, bool in_memory, Operand a, Operand b, Operand c>
constexpr HandlerPair select() {
    // A form that the encoding does not have needs no handler of its own.
    constexpr bool memory = in_memory && (may_be_memory(a) || may_be_memory(b));
    constexpr Handler handler = plain<Op, shape, V, memory, a, b, c>();
    if constexpr (admission)
        return {run_admitted<handler>, chain::run<run_admitted<handler>>};
    else if constexpr (shape == Shape::Own)
        return {handler, chain::run<handler>};
    else
        return {handler, run_quickly<Op, shape, V, memory, a, b, c>};
}

template <class Op, Shape shape, Operand a, Operand b, Operand c, Attributes attributes>
constexpr RowHandlers handlers_of_row() {
    constexpr bool admission = attributes.needs_admission();
    constexpr HandlerPair register_16 = select<Op, shape, admission, u16, false, a, b, c>();
    constexpr HandlerPair memory_16 = select<Op, shape, admission, u16, true, a, b, c>();
    constexpr HandlerPair register_32 = select<Op, shape, admission, u32, false, a, b, c>();
    constexpr HandlerPair memory_32 = select<Op, shape, admission, u32, true, a, b, c>();
    return {{{register_16.single, memory_16.single}, {register_32.single, memory_32.single}},
            {{register_16.chained, memory_16.chained}, {register_32.chained, memory_32.chained}}};
}

} // namespace truering::shapes
