// The upper VMM's V32ENTER: docs/v32.md, 7 and 8, done by the lower VMM for the upper one.
#include "tests/vmm/nested/nested.hpp"

namespace nested {

namespace {

constexpr u32 EFLAGS_TF = 0x100, EFLAGS_IF = 0x200, EFLAGS_NT = 0x4000, EFLAGS_RF = 0x1'0000, EFLAGS_VM = 0x2'0000;
constexpr u32 GP = 13, DF = 8, PF = 14, AC = 17, NMI = 2;
constexpr u16 kept_port = 0x80;

alignas(4096) u8 merged_bitmap[8192];

ControlArea& upper_VCA() { return *reinterpret_cast<ControlArea*>(visible.vca & ~0xFFFu); }

// V32_VCA takes nothing else.
bool is_page_of_RAM(u32 address) { return try_wrmsr(msr_V32_VCA, address | V32_VCA_ENABLE, 0) != 0; }

// The upper VMM's controls and bitmaps are the inner guest's; the lower VMM adds one port.
void merge() {
    inner_area = upper_VCA();
    const u32 bitmap = inner_area.io_bitmap;
    if (bitmap == 0 || bitmap % V32_AREA_SIZE != 0 || !is_page_of_RAM(bitmap) ||
        !is_page_of_RAM(bitmap + V32_AREA_SIZE))
        return; // the processor's to refuse
    for (u32 n = 0; n < sizeof merged_bitmap; ++n) merged_bitmap[n] = reinterpret_cast<const u8*>(bitmap)[n];
    merged_bitmap[kept_port / 8] |= 1 << kept_port % 8;
    inner_area.io_bitmap = reinterpret_cast<u32>(merged_bitmap);
}

// 4.4: the state of the upper VMM behind its V32ENTER, as its area's VMM record has it.
StateRecord saved_VMM() {
    StateRecord record = upper_area.guest;
    record.eip += upper_area.exit.instruction_length;
    record.cr0 = visible.cr0;
    record.cr3 = visible.cr3;
    record.cr4 = visible.cr4;
    record.eflags = (record.eflags & ~EFLAGS_IF) | (record.sif != 0 ? EFLAGS_IF : 0u);
    record.cpl = record.activity = record.sif = record.pending_debug = 0;
    record.interruptibility &= 4;
    return record;
}

void load_VMM(const StateRecord& record) {
    visible.cr0 = record.cr0;
    visible.cr3 = record.cr3;
    visible.cr4 = record.cr4;
    upper_area.guest = record;
    upper_area.guest.sif = (record.eflags & EFLAGS_IF) != 0 ? 1 : 0;
    upper_area.guest.eflags |= EFLAGS_IF;
}

bool has_error_code(u32 vector) { return vector == DF || (vector >= 10 && vector <= PF) || vector == AC; }

void push(StateRecord& upper, u32 value) {
    upper.gpr[ESP] -= sizeof value;
    *reinterpret_cast<u32*>(upper_memory(upper.segment[SS].base + upper.gpr[ESP])) = value;
}

SegmentRecord descriptor_of(const StateRecord& upper, u16 selector) {
    const auto* const words = reinterpret_cast<const u32*>(upper_memory(upper.gdtr.base + (selector & 0xFFF8u)));
    const u32 limit = (words[0] & 0xFFFF) | (words[1] & 0xF'0000);
    const bool pages = (words[1] & 1u << 23) != 0;
    return {selector, static_cast<u16>((words[1] >> 8 & 0xFF) | (words[1] >> 12 & 0xF00)),
            pages ? limit << 12 | 0xFFF : limit, words[0] >> 16 | (words[1] & 0xFF) << 16 | (words[1] & 0xFF00'0000)};
}

// Section 8: through the upper VMM's IDT, whatever its IF is. Injection cannot do it (vector 20, and IF=0): by hand,
// for gates to ring 0 from ring 0.
void deliver(u32 vector, u32 error_code) {
    StateRecord& upper = upper_area.guest;
    const auto* const gate = reinterpret_cast<const u32*>(upper_memory(upper.idtr.base + 8 * vector));
    const u32 type = gate[1] >> 8 & 0x1F;
    if ((gate[1] & 0x8000) == 0 || (type | 1) != 0xF) give_up("a gate of the upper VMM that is none");
    push(upper, (upper.eflags & ~EFLAGS_IF) | (upper.sif != 0 ? EFLAGS_IF : 0u));
    push(upper, upper.segment[CS].selector);
    push(upper, upper.eip);
    if (error_code != no_error_code) push(upper, error_code);
    upper.segment[CS] = descriptor_of(upper, static_cast<u16>(gate[0] >> 16));
    upper.eip = (gate[1] & 0xFFFF'0000) | (gate[0] & 0xFFFF);
    upper.eflags &= ~(EFLAGS_TF | EFLAGS_NT | EFLAGS_RF | EFLAGS_VM);
    if ((type & 1) == 0) upper.sif = 0;
}

void deliver_exit(const ExitInformation& exit) {
    const u32 vector = exit.event & event_vector;
    switch (static_cast<Reason>(exit.exit_reason)) {
    case Reason::EXCEPTION:
        if (vector == PF) upper_area.guest.cr2 = exit.qualification_value;
        return deliver(vector, has_error_code(vector) ? exit.event_error_code : no_error_code);
    case Reason::EXTINT: return deliver(vector, no_error_code);
    case Reason::NMI: upper_area.guest.interruptibility |= 4; return deliver(NMI, no_error_code);
    default: return deliver(V32_VECTOR_VT, exit.exit_reason);
    }
}

// Has the upper VMM asked for this port? If not, the lower one does it.
bool is_for_the_lower_VMM() {
    const ExitInformation& exit = inner_area.exit;
    const u32 bitmap = upper_VCA().io_bitmap;
    if (static_cast<Reason>(exit.exit_reason) != Reason::IO || bitmap == 0) return false;
    const u32 port = exit.qualification >> io_port_shift, size = exit.qualification & io_size;
    if (port + size > 0x1'0000) return false;
    for (u32 n = port; n < port + size; ++n)
        if ((reinterpret_cast<const u8*>(bitmap)[n / 8] >> n % 8 & 1) != 0) return false;
    return true;
}

void do_port() {
    const ExitInformation& exit = inner_area.exit;
    StateRecord& inner = inner_area.guest;
    const auto port = static_cast<u16>(exit.qualification >> io_port_shift);
    if ((exit.qualification & io_string) != 0 || (exit.qualification & io_size) != 1)
        give_up("port 80H, but not a plain byte");
    u8 value = static_cast<u8>(exit.qualification_value);
    if ((exit.qualification & io_in) != 0) {
        asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
        inner.gpr[EAX] = (inner.gpr[EAX] & ~0xFFu) | value;
    } else {
        asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
    }
    inner.eip += exit.instruction_length;
    inner.interruptibility &= ~3u;
    if ((inner.eflags & EFLAGS_TF) != 0) inner.pending_debug |= 1u << 14;
    ++counters.kept;
}

} // namespace

// Entry reads the area once and writes to it at once; what the inner guest does to it then is its own affair.
void enter_inner() {
    merge();
    ControlArea& theirs = upper_VCA();
    const u32 event = theirs.inject_event, drop = theirs.tlb_drop;
    const StateRecord vmm_before = theirs.vmm, vmm = saved_VMM();
    const u64 count = wide(theirs.exit.exit_count) + 1;
    theirs.vmm = vmm;
    theirs.inject_event = theirs.tlb_drop = 0;
    try_wrmsr(msr_V32_VCA, reinterpret_cast<u32>(&inner_area) | V32_VCA_ENABLE, 0);
    if (enter_guest() == 0) {
        ++counters.refused;
        theirs.vmm = vmm_before;
        theirs.inject_event = event;
        theirs.tlb_drop = drop;
        theirs.instruction_error = inner_area.instruction_error;
        return raise_in_upper(GP, 0);
    }
    ++counters.entries;
    while (is_for_the_lower_VMM()) {
        do_port();
        if (enter_guest() == 0) give_up("the inner guest's record, saved by an exit, is refused");
    }
    theirs.exit = inner_area.exit;
    theirs.exit.exit_count[0] = static_cast<u32>(count);
    theirs.exit.exit_count[1] = static_cast<u32>(count >> 32);
    theirs.guest = inner_area.guest;
    load_VMM(vmm);
    upper_area.tlb_drop = drop_all;
    ++counters.reflected;
    deliver_exit(theirs.exit);
}

} // namespace nested
