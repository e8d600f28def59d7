// x87 control instructions: they touch no numbers and leave no record in FIP, FDP and FOP.
#include "cpu/access.hpp"
#include "cpu/own/x87.hpp"
#include "cpu/own/x87_errors.hpp"
#include "cpu/semantics/x87_unit.hpp"

namespace truering::op {

Outcome FNINIT::run(Cpu& cpu, const Instruction&) {
    cpu.fpu.fninit();
    update_ferr(cpu);
    return Outcome::Done;
}

Outcome FNCLEX::run(Cpu& cpu, const Instruction&) {
    x87::clear_exceptions(cpu.fpu);
    update_ferr(cpu);
    return Outcome::Done;
}

Outcome FLDCW::run(Cpu& cpu, const Instruction& insn) {
    u16 word;
    if (const Outcome o = read_operand(cpu, insn, word); failed(o)) return o;
    cpu.fpu.set_control_word(word);
    update_ferr(cpu);
    return Outcome::Done;
}

Outcome FNSTCW::run(Cpu& cpu, const Instruction& insn) { return write_operand(cpu, insn, cpu.fpu.control_word); }

Outcome FNSTSW::run(Cpu& cpu, const Instruction& insn) {
    const u16 word = cpu.fpu.full_status_word();
    if (insn.memory) return write_operand(cpu, insn, word);
    cpu.set_reg16(reg_EAX, word);
    return Outcome::Done;
}

} // namespace truering::op
