#include "cpu/admission.hpp"

#include "cpu/access.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/own/x87_errors.hpp"
#include "cpu/v32/restrict.hpp"
#include "decoder/isa.hpp"

namespace truering {

namespace {

// CLI and STI by the protected-mode virtual interrupt flag, or in virtual-8086 mode by VME, need no IOPL: their
// handlers act on VIF instead (SDM vol. 3B, 20.3 and 20.4).
bool virtual_interrupt_flag(const Cpu& cpu) {
    if (cpu.v86_mode()) return (cpu.cr4 & CR4_VME) != 0;
    return cpu.cpl == 3 && (cpu.cr4 & CR4_PVI) != 0;
}

// What must hold before the FPU, MMX and SSE units may be used (SDM vol. 3A, tables 2-2 and 11-1, 13.1).
Outcome admit_unit(Cpu& cpu, u16 checks) {
    if ((checks & check_sse) != 0) {
        if ((cpu.cr0 & CR0_EM) != 0 || (cpu.cr4 & CR4_OSFXSR) == 0) return raise(cpu, Vector::UD);
        if ((cpu.cr0 & CR0_TS) != 0) return raise(cpu, Vector::NM);
    }
    if ((checks & check_mmx) != 0) {
        if ((cpu.cr0 & CR0_EM) != 0) return raise(cpu, Vector::UD);
        if ((cpu.cr0 & CR0_TS) != 0) return raise(cpu, Vector::NM);
    }
    if ((checks & (check_fpu | check_fpu_nowait)) != 0 && (cpu.cr0 & (CR0_EM | CR0_TS)) != 0)
        return raise(cpu, Vector::NM);
    if ((checks & check_wait) != 0 && (cpu.cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) return raise(cpu, Vector::NM);
    if ((checks & (check_fpu | check_wait | check_mmx)) != 0) return check_fpu_error(cpu);
    return Outcome::Done;
}

bool repeats_nothing(const Cpu& cpu, const Instruction& insn) {
    const bool string =
        isa[insn.row].operands[0].place == Place::StringY || isa[insn.row].operands[1].place == Place::StringX;
    return string && insn.repeat != Repeat::None && (cpu.gpr[reg_ECX] & insn.address_mask) == 0;
}

// DR4 and DR5 are DR6 and DR7 unless CR4.DE says that they do not exist; DR7.GD guards all of them
// (SDM vol. 3B, 17.2).
Outcome admit_debug_register(Cpu& cpu, unsigned number) {
    if ((number == 4 || number == 5) && (cpu.cr4 & CR4_DE) != 0) return raise(cpu, Vector::UD);
    if ((cpu.dr7 & DR7_GD) == 0) return Outcome::Done;
    cpu.fault = Event{.vector = static_cast<u8>(Vector::DB), .dr6 = DR6_BD};
    return Outcome::Fault;
}

bool may_enter_v32(const Cpu& cpu) { return cpu.cpl == 0 && cpu.uses_descriptors() && cpu.paging(); }

Outcome admit_privilege(Cpu& cpu, const Instruction& insn, u16 checks) {
    if ((checks & check_cpl0) != 0 && cpu.cpl != 0) return raise(cpu, Vector::GP, 0);
    if ((checks & check_iopl) != 0 && cpu.cpl > cpu.iopl() && !virtual_interrupt_flag(cpu))
        return raise(cpu, Vector::GP, 0);
    if ((checks & check_v86_iopl) != 0 && cpu.v86_mode() && cpu.iopl() < 3 && (cpu.cr4 & CR4_VME) == 0)
        return raise(cpu, Vector::GP, 0);
    if ((checks & check_tsd) != 0 && (cpu.cr4 & CR4_TSD) != 0 && cpu.cpl != 0) return raise(cpu, Vector::GP, 0);
    if ((checks & check_pce) != 0 && (cpu.cr4 & CR4_PCE) == 0 && cpu.cpl != 0) return raise(cpu, Vector::GP, 0);
    if ((checks & check_umip) != 0 && (cpu.cr4 & CR4_UMIP) != 0 && cpu.cpl != 0) return raise(cpu, Vector::GP, 0);
    if ((checks & check_io) != 0 && !repeats_nothing(cpu, insn))
        return admit_port(cpu, port_of(cpu, insn), port_access_size(insn));
    if ((checks & check_dr) != 0) return admit_debug_register(cpu, insn.reg);
    if ((checks & check_v32_entry) != 0 && !may_enter_v32(cpu)) return raise(cpu, Vector::UD);
    return Outcome::Done;
}

} // namespace

Outcome admit(Cpu& cpu, const Instruction& insn) {
    const u16 checks = isa[insn.row].attributes.checks;
    if ((checks & check_protected) != 0 && !cpu.uses_descriptors()) return raise(cpu, Vector::UD);
    if ((checks & (check_fpu | check_fpu_nowait | check_wait | check_mmx | check_sse)) != 0)
        return admit_unit(cpu, checks);
    if (const Outcome o = admit_privilege(cpu, insn, checks); failed(o)) return o;
    const V32Exit reason = isa[insn.row].attributes.v32_exit;
    if (reason == V32Exit::None || !cpu.in_v32()) [[likely]]
        return Outcome::Done;
    return v32::restrict_instruction(cpu, insn, reason);
}

u16 port_of(const Cpu& cpu, const Instruction& insn) {
    const Row& row = isa[insn.row];
    const bool immediate = row.operands[0].place == Place::Immediate || row.operands[1].place == Place::Immediate;
    return static_cast<u16>(immediate ? insn.immediate & 0xFF : cpu.gpr[reg_EDX]);
}

unsigned port_access_size(const Instruction& insn) { return (insn.opcode & 1) == 0 ? 1 : insn.operand_bytes(); }

Outcome admit_port(Cpu& cpu, u16 port, unsigned size) {
    if (!cpu.protected_mode() || (!cpu.v86_mode() && cpu.cpl <= cpu.iopl())) return Outcome::Done;
    const Segment& tr = cpu.segment[seg_TR];
    const bool tss_32 = (tr.attributes & attr_type) == 9 || (tr.attributes & attr_type) == 11;
    if (!tr.usable() || !tss_32 || tr.limit < 103) return raise(cpu, Vector::GP, 0);
    u16 map_base;
    if (const Outcome o = read_system(cpu, tr.base + 102, map_base); failed(o)) return o;
    // Two bytes are read always, so the map must reach one byte beyond the last port's (SDM vol. 1, 19.5.2).
    const u32 at = map_base + port / 8u;
    if (at + 1 > tr.limit) return raise(cpu, Vector::GP, 0);
    u16 map;
    if (const Outcome o = read_system(cpu, tr.base + at, map); failed(o)) return o;
    const unsigned wanted = ((1u << size) - 1) << (port % 8);
    return (map & wanted) == 0 ? Outcome::Done : raise(cpu, Vector::GP, 0);
}

} // namespace truering
