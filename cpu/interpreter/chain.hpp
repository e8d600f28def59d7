// Chaining: a handler that has done its work calls the next operation's handler as its last act, so that the compiler
// makes a jump of it. Each handler then has an indirect jump of its own, which the host predicts by what usually
// follows *this* instruction; a loop around one call would have a single one for all. (Compiled without that
// optimisation the calls nest, at most one block deep.)
//
// A chain ends where an outcome is not Done, or at the operation behind a block's last one, whose handler returns. Then
// Cpu::stopped_at tells where. EIP is brought up to date only for handlers that may look at it.
#pragma once

#include "cpu/cpu.hpp"
#include "cpu/interpreter/dispatch.hpp"

#include <cstddef>

namespace truering::chain {

inline const Operation& operation_of(const Instruction& insn) {
    static_assert(offsetof(Operation, insn) == sizeof(Handler));
    return *reinterpret_cast<const Operation*>(reinterpret_cast<const char*>(&insn) - offsetof(Operation, insn));
}

inline Outcome go_on(Cpu& cpu, const Instruction& insn) {
    const Operation& next = (&operation_of(insn))[1];
    return next.handler(cpu, next.insn);
}

inline void update_eip(Cpu& cpu, const Instruction& insn) {
    cpu.eip = cpu.block_eip + operation_of(insn).end - insn.length;
}

inline Outcome stop(Cpu& cpu, const Instruction& insn, Outcome outcome) {
    cpu.stopped_at = &operation_of(insn);
    return outcome;
}

// The chained form of any handler.
template <Handler single> Outcome run(Cpu& cpu, const Instruction& insn) {
    update_eip(cpu, insn);
    const Outcome outcome = single(cpu, insn);
    if (outcome != Outcome::Done) [[unlikely]]
        return stop(cpu, insn, outcome);
    return go_on(cpu, insn);
}

// What stands behind the last operation.
inline Outcome end_of_block(Cpu& cpu, const Instruction& insn) {
    cpu.eip = cpu.block_eip + operation_of(insn).end;
    return stop(cpu, insn, Outcome::Done);
}

// What stands in an invalidated block: nothing is executed, and nothing counted.
inline Outcome leave_dead_block(Cpu& cpu, const Instruction& insn) {
    update_eip(cpu, insn);
    --cpu.extra_retired; // takes back what the run loop counts for the operation it stopped at
    return stop(cpu, insn, Outcome::Jumped);
}

// Handlers that are the same for every operand size and form.
template <Handler in_register, Handler in_memory> constexpr RowHandlers handlers() {
    return {{{in_register, in_memory}, {in_register, in_memory}},
            {{run<in_register>, run<in_memory>}, {run<in_register>, run<in_memory>}}};
}

} // namespace truering::chain
