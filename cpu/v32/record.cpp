#include "cpu/v32/record.hpp"

namespace truering::v32 {

namespace {

constexpr u32 dr6_writable = 0x0000'E00F, dr7_writable = 0xFFFF'2BFF;

SegmentRecord save_segment(const Segment& s) {
    if (!s.usable()) return {s.selector, attributes_unusable, 0, 0};
    return {s.selector, s.attributes, s.limit, s.base};
}

void load_segment_register(Segment& s, const SegmentRecord& r, bool rights_apply) {
    s.selector = r.selector;
    s.attributes = r.attributes;
    s.limit = r.limit;
    s.base = r.base;
    s.refresh(rights_apply);
}

} // namespace

StateRecord save_state(const Cpu& cpu) {
    StateRecord r;
    for (unsigned n = 0; n < 8; ++n) r.gpr[n] = cpu.gpr[n];
    r.eip = cpu.eip;
    r.eflags = cpu.eflags();
    r.cr0 = cpu.cr0;
    r.cr2 = cpu.cr2;
    r.cr3 = cpu.cr3;
    r.cr4 = cpu.cr4 & ~u32{CR4_V32};
    r.dr6 = cpu.dr6;
    r.dr7 = cpu.dr7;
    for (unsigned n = 0; n < segment_count; ++n) r.segment[n] = save_segment(cpu.segment[n]);
    r.gdtr = {cpu.gdtr.limit, cpu.gdtr.base};
    r.idtr = {cpu.idtr.limit, cpu.idtr.base};
    r.sysenter_cs = cpu.sysenter_cs;
    r.sysenter_esp = cpu.sysenter_esp;
    r.sysenter_eip = cpu.sysenter_eip;
    r.cpl = cpu.cpl;
    r.interruptibility = cpu.interruptibility;
    r.activity = cpu.halted ? 1 : 0;
    r.sif = cpu.flag(EFLAGS_IF) ? 1 : 0;
    r.pending_debug = cpu.pending_debug & (DR6_breakpoints | DR6_BS);
    r.efer[0] = static_cast<u32>(cpu.efer);
    r.efer[1] = static_cast<u32>(cpu.efer >> 32);
    return r;
}

void load_state(Cpu& cpu, const StateRecord& r) {
    for (unsigned n = 0; n < 8; ++n) cpu.gpr[n] = r.gpr[n];
    cpu.eip = r.eip;
    cpu.arithmetic.set_value(r.eflags);
    cpu.eflags_rest = (r.eflags & EFLAGS_all & ~u32{arithmetic_flags}) | EFLAGS_fixed;
    cpu.cr0 = r.cr0 | CR0_ET;
    cpu.cr2 = r.cr2;
    cpu.cr3 = r.cr3;
    cpu.cr4 = r.cr4 & ~u32{CR4_V32};
    cpu.dr6 = (r.dr6 & dr6_writable) | DR6_fixed;
    cpu.dr7 = (r.dr7 & dr7_writable) | DR7_fixed;
    const bool rights_apply = cpu.uses_descriptors();
    for (unsigned n = 0; n < segment_count; ++n) load_segment_register(cpu.segment[n], r.segment[n], rights_apply);
    cpu.gdtr = {r.gdtr.base, r.gdtr.limit};
    cpu.idtr = {r.idtr.base, r.idtr.limit};
    cpu.sysenter_cs = r.sysenter_cs;
    cpu.sysenter_esp = r.sysenter_esp;
    cpu.sysenter_eip = r.sysenter_eip;
    cpu.cpl = static_cast<u8>(r.cpl & 3);
    cpu.interruptibility = static_cast<u8>(r.interruptibility & 7);
    cpu.halted = r.activity != 0;
    cpu.pending_debug = r.pending_debug;
    cpu.efer = wide(r.efer);
}

u64 paging_bits(const Cpu& cpu) {
    return u64{cpu.cr0 & CR0_WP} << 32 | (cpu.cr4 & (CR4_PSE | CR4_PAE | CR4_PGE)) | (cpu.efer & EFER_NXE);
}

} // namespace truering::v32
