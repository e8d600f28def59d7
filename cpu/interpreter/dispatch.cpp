#include "cpu/interpreter/dispatch.hpp"

#include "cpu/exceptions.hpp"
#include "cpu/interpreter/chain.hpp"
#include "cpu/interpreter/sections.hpp"
#include "decoder/isa.hpp"

#include <array>

namespace truering {

namespace {

Outcome undefined(Cpu& cpu, const Instruction&) { return raise(cpu, Vector::UD); }
Outcome too_long(Cpu& cpu, const Instruction&) { return raise(cpu, Vector::GP, 0); }

// The sections, joined in the order of the rows.
std::array<RowHandlers, row_count> join() {
    std::array<RowHandlers, row_count> all{};
    auto next = all.begin();
    for (const auto& section : {int_handlers(), sys_handlers(), x87_handlers(), mmx_handlers(), sse_handlers()})
        next = std::copy(section.begin(), section.end(), next);
    return all;
}

const RowHandlers& handlers_of_row(u16 row) {
    static const std::array<RowHandlers, row_count> handlers = join();
    return handlers[row];
}

} // namespace

Handler single_handler(const Instruction& insn) {
    if (insn.row == row_undefined) return undefined;
    if (insn.row == row_too_long) return too_long;
    return handlers_of_row(insn.row).single[insn.operand_32 ? 1 : 0][insn.memory ? 1 : 0];
}

Handler chained_handler(const Instruction& insn) {
    if (insn.row == row_undefined) return chain::run<undefined>;
    if (insn.row == row_too_long) return chain::run<too_long>;
    return handlers_of_row(insn.row).chained[insn.operand_32 ? 1 : 0][insn.memory ? 1 : 0];
}

} // namespace truering
