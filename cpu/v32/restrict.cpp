#include "cpu/v32/restrict.hpp"

#include "cpu/access.hpp"
#include "cpu/admission.hpp"
#include "cpu/v32/exit.hpp"
#include "decoder/isa.hpp"

namespace truering::v32 {

namespace {

// ---- Memory operands: the segment check, and the linear address

u32 linear_of(const Cpu& cpu, const Instruction& insn) {
    return cpu.segment[insn.segment].base + effective_address(cpu, insn);
}

bool reads_operand(Reason reason, const Instruction& insn) {
    constexpr u8 LMSW_reg = 6; // of 0F 01
    return reason == Reason::DT_LOAD || (reason == Reason::CR_ACCESS && insn.reg == LMSW_reg);
}

Outcome check_operand(Cpu& cpu, const Instruction& insn, Reason reason, u32 offset, unsigned size) {
    const SegmentIndex segment = operand_segment(insn);
    return reads_operand(reason, insn) ? access_detail::check_read_slowly(cpu, segment, offset, size)
                                       : access_detail::check_write_slowly(cpu, segment, offset, size);
}

// A table operand is a limit of two bytes and a base of four, each of which may wrap; others are of two bytes.
Outcome check_memory_operand(Cpu& cpu, const Instruction& insn, Reason reason) {
    if (!insn.memory) return Outcome::Done;
    const u32 offset = effective_address(cpu, insn);
    if (const Outcome o = check_operand(cpu, insn, reason, offset, 2); failed(o)) return o;
    if (isa[insn.row].operands[0].width != Width::s) return Outcome::Done;
    return check_operand(cpu, insn, reason, (offset + 2) & insn.address_mask, 4);
}

u32 operand_place(const Instruction& insn) {
    return insn.memory ? u32{operand_in_memory} : u32{insn.rm} << operand_register_shift;
}

// ---- Control registers

u32 cr_operation_of(const Instruction& insn) {
    switch (insn.opcode) {
    case 0x20: return cr_MOV_from | insn.reg | u32{insn.rm} << operand_register_shift;
    case 0x22: return cr_MOV_to | insn.reg | u32{insn.rm} << operand_register_shift;
    case 0x06: return cr_CLTS;
    default: return (insn.reg == 6 ? cr_LMSW : cr_SMSW) | operand_place(insn); // 0F 01 /6, /4
    }
}

Outcome restrict_CR(Cpu& cpu, const Instruction& insn) {
    const u32 qualification = cr_operation_of(insn);
    const u32 operation = qualification & cr_operation;
    const bool is_MOV = operation == cr_MOV_to || operation == cr_MOV_from;
    const bool has_operand = is_MOV || operation != cr_CLTS;
    if (is_MOV && (qualification & cr_register) == 2) return Outcome::Done; // CR2 is the guest's own
    if (!is_MOV && has_operand)
        if (const Outcome o = check_memory_operand(cpu, insn, Reason::CR_ACCESS); failed(o)) return o;
    u32 value = 0;
    if (operation == cr_MOV_to) value = cpu.gpr[insn.rm];
    if ((qualification & operand_in_memory) != 0)
        value = linear_of(cpu, insn);
    else if (operation == cr_LMSW)
        value = cpu.gpr[insn.rm] & 0xFFFF;
    return request_exit(cpu, Reason::CR_ACCESS, qualification, value);
}

Outcome restrict_DR(Cpu& cpu, const Instruction& insn) {
    if (!cpu.v32.has(DR_EXIT)) return Outcome::Done;
    const bool to = insn.opcode == 0x23;
    const u32 qualification = (to ? cr_MOV_to : cr_MOV_from) | insn.reg | u32{insn.rm} << operand_register_shift;
    return request_exit(cpu, Reason::DR_ACCESS, qualification, to ? cpu.gpr[insn.rm] : 0);
}

// ---- Descriptor tables: 0F 00 /0../3 are SLDT STR LLDT LTR, 0F 01 /0../3 are SGDT SIDT LGDT LIDT.

Outcome restrict_DT(Cpu& cpu, const Instruction& insn, Reason reason) {
    if (!cpu.v32.has(reason == Reason::DT_LOAD ? DT_LOAD_EXIT : DT_STORE_EXIT)) return Outcome::Done;
    if (const Outcome o = check_memory_operand(cpu, insn, reason); failed(o)) return o;
    const u32 table = (insn.opcode == 0x00 ? u32{dt_LDTR} : u32{dt_GDTR}) + (insn.reg & 1u);
    u32 value = 0;
    if (insn.memory)
        value = linear_of(cpu, insn);
    else if (reason == Reason::DT_LOAD)
        value = cpu.gpr[insn.rm] & 0xFFFF;
    return request_exit(cpu, reason, table | operand_place(insn), value);
}

// ---- Ports

// 6C..6F are INS and OUTS, E4..E7 IN and OUT by immediate, EC..EF by DX; bit 1 says OUT.
bool is_string_IO(const Instruction& insn) { return insn.opcode < 0x70; }
bool is_input(const Instruction& insn) { return (insn.opcode & 2) == 0; }
bool is_immediate_IO(const Instruction& insn) { return (insn.opcode & 0xFC) == 0xE4; }

u32 port_qualification(const Instruction& insn, u16 port) {
    return port_access_size(insn) | u32{port} << io_port_shift | (is_input(insn) ? u32{io_in} : 0);
}

Outcome restrict_string_IO(Cpu& cpu, const Instruction& insn) {
    const bool repeated = insn.repeat != Repeat::None;
    if (repeated && (cpu.gpr[reg_ECX] & insn.address_mask) == 0) return Outcome::Done;
    const unsigned size = port_access_size(insn);
    const SegmentIndex segment = is_input(insn) ? seg_ES : operand_segment(insn);
    const u32 offset = cpu.gpr[is_input(insn) ? reg_EDI : reg_ESI] & insn.address_mask;
    if (repeated) cpu.attention |= attention_v32; // one iteration at a time: each asks the bitmap
    const Outcome checked = is_input(insn) ? access_detail::check_write_slowly(cpu, segment, offset, size)
                                           : access_detail::check_read_slowly(cpu, segment, offset, size);
    if (failed(checked)) return checked;
    const u16 port = port_of(cpu, insn);
    if (!takes_port(cpu, port, size)) return Outcome::Done;
    const u32 qualification = port_qualification(insn, port) | io_string | u32{segment} << io_segment_shift |
                              (repeated ? u32{io_rep} : 0) | (insn.address_32 ? u32{io_address_32} : 0);
    return request_exit(cpu, Reason::IO, qualification, cpu.segment[segment].base + offset);
}

Outcome restrict_IO(Cpu& cpu, const Instruction& insn) {
    if (is_string_IO(insn)) return restrict_string_IO(cpu, insn);
    const unsigned size = port_access_size(insn);
    const u16 port = port_of(cpu, insn);
    if (!takes_port(cpu, port, size)) return Outcome::Done;
    const u32 qualification = port_qualification(insn, port) | (is_immediate_IO(insn) ? u32{io_immediate} : 0);
    const u32 written = static_cast<u32>(cpu.gpr[reg_EAX] & ((u64{1} << 8 * size) - 1));
    return request_exit(cpu, Reason::IO, qualification, is_input(insn) ? 0 : written);
}

// ---- The interrupt flag: the attempt is judged behind the instruction (v32/events.cpp)

u32 if_instruction(const Instruction& insn) {
    switch (insn.opcode) {
    case 0xFA: return if_CLI;
    case 0xFB: return if_STI;
    case 0x9D: return if_POPF;
    default: return if_IRET;
    }
}

Outcome watch_IF(Cpu& cpu, const Instruction& insn) {
    if (cpu.v32.policy() != IF_TRAP) return Outcome::Done;
    cpu.v32.attempt = {.made = true,
                       .IF_before = cpu.flag(EFLAGS_IF),
                       .instruction = if_instruction(insn),
                       .linear = cpu.segment[seg_CS].base + cpu.eip,
                       .length = insn.length};
    cpu.attention |= attention_v32;
    return Outcome::Done;
}

Outcome restrict_by(Cpu& cpu, Controls control, Reason reason, u32 value = 0) {
    return cpu.v32.has(control) ? request_exit(cpu, reason, 0, value) : Outcome::Done;
}

} // namespace

bool takes_port(const Cpu& cpu, u16 port, unsigned size) {
    if (cpu.v32.io_bitmap == 0 || u32{port} + size > 0x1'0000) return true;
    for (u32 n = port; n < port + size; ++n) {
        u8 byte = 0;
        cpu.memory.peek({cpu.v32.io_bitmap + n / 8}, {&byte, 1});
        if (test_bit(byte, n % 8)) return true;
    }
    return false;
}

Outcome restrict_instruction(Cpu& cpu, const Instruction& insn, Reason reason) {
    switch (reason) {
    case Reason::CR_ACCESS: return restrict_CR(cpu, insn);
    case Reason::DR_ACCESS: return restrict_DR(cpu, insn);
    case Reason::DT_LOAD:
    case Reason::DT_STORE: return restrict_DT(cpu, insn, reason);
    case Reason::IO: return restrict_IO(cpu, insn);
    case Reason::HLT: return restrict_by(cpu, HLT_EXIT, reason);
    case Reason::INVLPG: return restrict_by(cpu, INVLPG_EXIT, reason, linear_of(cpu, insn));
    case Reason::RDTSC: return restrict_by(cpu, RDTSC_EXIT, reason);
    case Reason::RDPMC: return restrict_by(cpu, RDPMC_EXIT, reason);
    case Reason::IF_MODIFY: return watch_IF(cpu, insn);
    case Reason::SOFT_INT: return Outcome::Done; // delivery asks, once IA-32's refusals are over
    default: return request_exit(cpu, reason);   // MSR_READ, MSR_WRITE, CPUID, CACHE, V32ENTER, V32CALL: always
    }
}

} // namespace truering::v32
