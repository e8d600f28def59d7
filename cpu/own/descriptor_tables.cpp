#include "cpu/own/descriptor_tables.hpp"

#include "cpu/access.hpp"
#include "cpu/control.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/segmentation.hpp"

namespace truering::op {

namespace {

u32 base_address(const Cpu& cpu, const Instruction& insn) {
    return (effective_address(cpu, insn) + 2) & insn.address_mask;
}

// Limit and all 32 bits of the base, whatever the operand size: what processors since the 386 do.
Outcome store_table(Cpu& cpu, const Instruction& insn, const DescriptorTable& table) {
    const SegmentIndex segment = operand_segment(insn);
    const u32 limit_address = effective_address(cpu, insn);
    if (const Outcome o = check_write(cpu, segment, limit_address, 2); failed(o)) return o;
    if (const Outcome o = check_write(cpu, segment, base_address(cpu, insn), 4); failed(o)) return o;
    const u16 limit = static_cast<u16>(table.limit);
    if (const Outcome o = write_memory(cpu, segment, limit_address, limit); failed(o)) return o;
    return write_memory(cpu, segment, base_address(cpu, insn), table.base);
}

template <class T> Outcome load_table(Cpu& cpu, const Instruction& insn, DescriptorTable& table) {
    u16 limit;
    u32 base;
    const SegmentIndex segment = operand_segment(insn);
    if (const Outcome o = read_memory(cpu, segment, effective_address(cpu, insn), limit); failed(o)) return o;
    if (const Outcome o = read_memory(cpu, segment, base_address(cpu, insn), base); failed(o)) return o;
    table = {sizeof(T) == 2 ? base & 0x00FF'FFFF : base, limit};
    return Outcome::Done;
}

// To memory 16 bits, to a register by operand size.
template <class T> Outcome store_word(Cpu& cpu, const Instruction& insn, u32 value) {
    if (insn.memory) return write_operand(cpu, insn, static_cast<u16>(value));
    cpu.set_reg<T>(insn.rm, static_cast<T>(value));
    return Outcome::Done;
}

// LDT and TSS descriptors are in the GDT.
Outcome select_global(Cpu& cpu, u16 selector, SelectedDescriptor& selected) {
    constexpr u16 selector_TI = 4;
    if ((selector & selector_TI) != 0) return raise_selector(cpu, Vector::GP, selector);
    return select_descriptor(cpu, selector, Vector::GP, selected);
}

} // namespace

template <class T> Outcome SGDT::run(Cpu& cpu, const Instruction& insn) { return store_table(cpu, insn, cpu.gdtr); }
template <class T> Outcome SIDT::run(Cpu& cpu, const Instruction& insn) { return store_table(cpu, insn, cpu.idtr); }
template <class T> Outcome LGDT::run(Cpu& cpu, const Instruction& insn) { return load_table<T>(cpu, insn, cpu.gdtr); }
template <class T> Outcome LIDT::run(Cpu& cpu, const Instruction& insn) { return load_table<T>(cpu, insn, cpu.idtr); }

template <class T> Outcome SLDT::run(Cpu& cpu, const Instruction& insn) {
    return store_word<T>(cpu, insn, cpu.segment[seg_LDTR].selector);
}
template <class T> Outcome STR::run(Cpu& cpu, const Instruction& insn) {
    return store_word<T>(cpu, insn, cpu.segment[seg_TR].selector);
}
template <class T> Outcome SMSW::run(Cpu& cpu, const Instruction& insn) { return store_word<T>(cpu, insn, cpu.cr0); }

template <class T> Outcome LLDT::run(Cpu& cpu, const Instruction& insn) {
    u16 selector;
    if (const Outcome o = read_e(cpu, insn, selector); failed(o)) return o;
    if (is_null_selector(selector)) {
        cpu.set_segment(seg_LDTR, null_segment(selector));
        return Outcome::Done;
    }
    SelectedDescriptor ldt;
    if (const Outcome o = select_global(cpu, selector, ldt); failed(o)) return o;
    if (ldt.descriptor.S() || ldt.descriptor.type() != type_LDT) return raise_selector(cpu, Vector::GP, selector);
    if (!ldt.descriptor.present()) return raise_selector(cpu, Vector::NP, selector);
    cpu.set_segment(seg_LDTR, ldt.segment());
    return Outcome::Done;
}

template <class T> Outcome LTR::run(Cpu& cpu, const Instruction& insn) {
    constexpr u32 busy = 0x200; // in the descriptor's upper half
    constexpr u32 type_byte = 5;
    u16 selector;
    if (const Outcome o = read_e(cpu, insn, selector); failed(o)) return o;
    if (is_null_selector(selector)) return raise(cpu, Vector::GP, 0);
    SelectedDescriptor tss;
    if (const Outcome o = select_global(cpu, selector, tss); failed(o)) return o;
    Descriptor& d = tss.descriptor;
    if (d.S() || (d.type() != type_TSS16_available && d.type() != type_TSS32_available))
        return raise_selector(cpu, Vector::GP, selector);
    if (!d.present()) return raise_selector(cpu, Vector::NP, selector);
    d.high |= busy;
    const u8 type = static_cast<u8>(d.high >> 8);
    if (const Outcome o = write_system(cpu, tss.linear + type_byte, type); failed(o)) return o;
    cpu.set_segment(seg_TR, tss.segment());
    return Outcome::Done;
}

// Loads PE, MP, EM and TS; PE can be set but not cleared.
template <class T> Outcome LMSW::run(Cpu& cpu, const Instruction& insn) {
    constexpr u32 replaced = CR0_MP | CR0_EM | CR0_TS;
    u16 word;
    if (const Outcome o = read_e(cpu, insn, word); failed(o)) return o;
    if (const Outcome o = write_cr0(cpu, (cpu.cr0 & ~replaced) | (word & (replaced | CR0_PE))); failed(o)) return o;
    return Outcome::Leave;
}

template Outcome SGDT::run<u16>(Cpu&, const Instruction&);
template Outcome SGDT::run<u32>(Cpu&, const Instruction&);
template Outcome SIDT::run<u16>(Cpu&, const Instruction&);
template Outcome SIDT::run<u32>(Cpu&, const Instruction&);
template Outcome LGDT::run<u16>(Cpu&, const Instruction&);
template Outcome LGDT::run<u32>(Cpu&, const Instruction&);
template Outcome LIDT::run<u16>(Cpu&, const Instruction&);
template Outcome LIDT::run<u32>(Cpu&, const Instruction&);
template Outcome SLDT::run<u16>(Cpu&, const Instruction&);
template Outcome SLDT::run<u32>(Cpu&, const Instruction&);
template Outcome STR::run<u16>(Cpu&, const Instruction&);
template Outcome STR::run<u32>(Cpu&, const Instruction&);
template Outcome LLDT::run<u16>(Cpu&, const Instruction&);
template Outcome LLDT::run<u32>(Cpu&, const Instruction&);
template Outcome LTR::run<u16>(Cpu&, const Instruction&);
template Outcome LTR::run<u32>(Cpu&, const Instruction&);
template Outcome SMSW::run<u16>(Cpu&, const Instruction&);
template Outcome SMSW::run<u32>(Cpu&, const Instruction&);
template Outcome LMSW::run<u16>(Cpu&, const Instruction&);
template Outcome LMSW::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
