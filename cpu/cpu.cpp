#include "cpu/cpu.hpp"

#include "cpu/interpreter/block_cache.hpp"
#include "cpu/v32/events.hpp"
#include "decoder/isa.hpp"

namespace truering {

namespace {

Segment reset_segment(u16 selector, u32 base, u16 attributes) {
    Segment segment;
    segment.selector = selector;
    segment.attributes = attributes;
    segment.base = base;
    segment.limit = 0xFFFF;
    return segment;
}

} // namespace

Cpu::Cpu(const CpuModel& cpu_model, PhysicalMemory& physical_memory, PortBus& port_bus, const Clock& virtual_clock)
    : model(cpu_model), memory(physical_memory), ports(port_bus), clock(virtual_clock),
      blocks_(std::make_unique<BlockCache>(physical_memory)) {
    memory.set_listener(this);
    set_reset_state(); // the time-stamp counter begins with the clock
}

Cpu::~Cpu() { memory.set_listener(nullptr); }

void Cpu::reset() {
    set_reset_state();
    tsc_offset = 0 - read_tsc();
}

// SDM vol. 3A, table 9-1.
void Cpu::set_reset_state() {
    static_cast<CpuState&>(*this) = CpuState{};
    cr0 = CR0_CD | CR0_NW | CR0_ET;
    eip = 0xFFF0;
    gpr[reg_EDX] = model.signature;
    segment[seg_CS] = reset_segment(0xF000, 0xFFFF'0000, 0x93);
    for (const SegmentIndex index : {seg_ES, seg_SS, seg_DS, seg_FS, seg_GS})
        segment[index] = reset_segment(0, 0, 0x93);
    segment[seg_LDTR] = reset_segment(0, 0, 0x82);
    segment[seg_TR] = reset_segment(0, 0, 0x8B);
    if (!has(Feature::APIC)) apic_base = 0;
    apic_base_changed.set((apic_base & 0x800) != 0);
    faults = FaultChain{};
    nmi_pending_ = false;
    attention = 0;
    interrupted_delivery.reset();
    ferr.lower();
    tlb.select(TlbSide::Root);
    update_a20();
    flush_both_sides();
    update_segments();
    update_view();
    update_attention();
}

void Cpu::init_signal() { attention |= attention_init; }

// INIT leaves caching, the FPU and SSE units, and model-specific registers alone.
void Cpu::take_init() {
    const CpuState before = *this;
    reset();
    cr0 = (before.cr0 & (CR0_CD | CR0_NW)) | CR0_ET;
    fpu = before.fpu;
    sse = before.sse;
    sysenter_cs = before.sysenter_cs;
    sysenter_esp = before.sysenter_esp;
    sysenter_eip = before.sysenter_eip;
    efer = before.efer;
    apic_base = before.apic_base;
    apic_base_changed.set((apic_base & 0x800) != 0);
    pat = before.pat;
    mtrr = before.mtrr;
    tsc_offset = before.tsc_offset;
    v32.vca = before.v32.vca;
    update_a20();
    update_attention();
}

void Cpu::set_interrupt_line(unsigned, bool level) {
    interrupt_line_ = level;
    update_attention();
}

void Cpu::set_nmi_line(unsigned, bool level) {
    if (level && !nmi_line_) nmi_pending_ = true;
    nmi_line_ = level;
    update_attention();
}

void Cpu::set_a20_line(unsigned, bool level) {
    a20_line_ = level;
    update_a20();
}

// A guest could redirect its VMM's accesses by A20M#: with V32 mode enabled the processor ignores it.
void Cpu::update_a20() {
    const u64 mask = a20_line_ || v32.enabled() ? ~u64{0} : ~u64{0x10'0000};
    if (mask == a20_mask) return;
    a20_mask = mask;
    flush_both_sides();
}

void Cpu::write_v32_vca(u64 value) {
    v32.vca = value;
    tlb.flush_side(TlbSide::Guest);
    update_a20();
}

u64 Cpu::read_tsc() const { return ticks_at(clock.now(), tsc_hertz) + tsc_offset; }

void Cpu::update_attention() {
    u32 now = attention & (attention_init | attention_shutdown);
    if (in_v32()) {
        now |= v32::attention_of_guest(*this);
    } else {
        if (interrupt_line_ && flag(EFLAGS_IF)) now |= attention_interrupt;
        if (nmi_pending_ && (interruptibility & blocked_by_NMI) == 0) now |= attention_nmi;
    }
    const bool shadow = (interruptibility & (blocked_by_STI | blocked_by_MOV_SS)) != 0;
    if (shadow || (eflags_rest & (EFLAGS_TF | EFLAGS_RF)) != 0 || (dr7 & DR7_enables) != 0) now |= attention_step;
    if (pending_debug != 0) now |= attention_debug;
    if (pending_fault) now |= attention_fault;
    if (halted) now |= attention_halt;
    attention = now;
}

void Cpu::update_view() {
    const bool alignment = cpl == 3 && (cr0 & CR0_AM) != 0 && flag(EFLAGS_AC);
    const bool watched = alignment || (dr7 & DR7_enables) != 0;
    fetch_view = tlb.view(cpl == 3);
    tlb_view = watched ? tlb.never() : fetch_view;
}

void Cpu::update_segments() {
    const bool rights_apply = uses_descriptors();
    for (Segment& s : segment) s.refresh(rights_apply);
}

void Cpu::set_cpl(u8 level) {
    if (level == cpl) return;
    cpl = level;
    update_view();
}

void Cpu::set_eflags(u32 value, u32 mask) {
    if ((mask & arithmetic_flags) != 0) {
        const u32 kept = arithmetic.value() & ~mask;
        arithmetic.set_value(kept | (value & mask));
    }
    const u32 rest = mask & EFLAGS_all & ~u32{arithmetic_flags};
    const u32 before = eflags_rest;
    eflags_rest = (eflags_rest & ~rest) | (value & rest) | EFLAGS_fixed;
    const u32 changed = before ^ eflags_rest;
    if ((changed & EFLAGS_VM) != 0) update_segments();
    if ((changed & EFLAGS_AC) != 0) update_view();
    update_attention();
}

void Cpu::set_segment(SegmentIndex index, const Segment& value) {
    segment[index] = value;
    segment[index].refresh(uses_descriptors());
}

void Cpu::flush_both_sides() {
    tlb.flush_side(TlbSide::Root);
    tlb.flush_side(TlbSide::Guest);
}

void Cpu::mark_code(u64 physical, u32 size) {
    const bool first = memory.page({physical}).code_granules == 0;
    memory.mark_code({physical}, size);
    if (first) tlb.forbid_fast_writes(physical & ~u64{page_offset_mask});
}

void Cpu::mapping_changed() { flush_both_sides(); }

void Cpu::code_written(Physical first, u32 size) { blocks_->invalidate(first.value, size); }

void Cpu::set_block_runner(BlockRunner* runner) {
    block_runner_ = runner;
    blocks_->discard_all();
    blocks_->set_runner(runner);
}

void Cpu::enable_coverage() { coverage_.assign(row_count, 0); }

} // namespace truering
