// Handlers of the rows in the section X87. They are Own, one for all operand sizes and forms.
//
// Admission's answer is nearly always the same here, so what it looks at is looked at first: with CR0.EM and CR0.TS
// clear and no exception pending, every x87 instruction is admitted.
#include "cpu/admission.hpp"
#include "cpu/interpreter/chain.hpp"
#include "cpu/interpreter/sections.hpp"
#include "cpu/own/x87.hpp"
#include "decoder/row.hpp"

namespace truering {

namespace {

template <Handler handler> Outcome run_admitted_x87(Cpu& cpu, const Instruction& insn) {
    const bool ready = (cpu.cr0 & (CR0_EM | CR0_TS)) == 0 && !cpu.fpu.exception_pending();
    if (!ready) [[unlikely]]
        if (const Outcome o = admit(cpu, insn); o != Outcome::Done) return o;
    return handler(cpu, insn);
}

template <class Op, Shape shape, Attributes attributes> constexpr RowHandlers handlers_of_row() {
    static_assert(shape == Shape::Own);
    static_assert((attributes.checks & ~(check_fpu | check_fpu_nowait | check_wait)) == 0);
    static_assert(attributes.v32_exit == V32Exit::None);
    constexpr Handler handler = run_admitted_x87<Op::run>;
    return chain::handlers<handler, handler>();
}

using namespace attributes;

constexpr RowHandlers rows[] = {
#define INT(...)
#define SYS(...)
#define X87(encoding, mnemonic, shape, a, b, c, attributes) handlers_of_row<op::mnemonic, Shape::shape, attributes>(),
#define MMX(...)
#define SSE(...)
#include "decoder/isa.def"
};

} // namespace

std::span<const RowHandlers> x87_handlers() { return rows; }

} // namespace truering
