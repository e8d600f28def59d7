// The checks of docs/v32.md 7.1, one function a number, in their order.
#include "cpu/control.hpp"
#include "cpu/paging.hpp"
#include "cpu/v32/entry.hpp"
#include "cpu/v32/events.hpp"

namespace truering::v32 {

namespace {

using Pdptes = u64[4];

struct Candidate {
    const Cpu& cpu;
    const ControlArea& area;
    Pdptes& pdpte;

    [[nodiscard]] const StateRecord& guest() const { return area.guest; }
    [[nodiscard]] u32 policy() const { return area.controls & IF_POLICY; }
    [[nodiscard]] bool protected_mode() const { return (guest().cr0 & CR0_PE) != 0; }
    [[nodiscard]] bool v86_mode() const { return (guest().eflags & EFLAGS_VM) != 0; }
    [[nodiscard]] bool visible_IF() const {
        return policy() == IF_DIRECT ? (guest().eflags & EFLAGS_IF) != 0 : guest().sif != 0;
    }
};

bool bad_revision(const Candidate& c) { return c.area.revision != revision; }
bool bad_controls(const Candidate& c) { return (c.area.controls & ~u32{controls_all}) != 0; }

bool bad_IF_POLICY(const Candidate& c) {
    return c.policy() == IF_reserved || (c.policy() == IF_DIRECT && (c.area.controls & EXTINT_EXIT) == 0);
}

bool bad_CR0(const Candidate& c) {
    const u32 cr0 = c.guest().cr0;
    if ((cr0 & CR0_PG) == 0 || (cr0 & ~u32{CR0_all}) != 0) return true;
    return (cr0 & CR0_NW) != 0 && (cr0 & CR0_CD) == 0;
}

bool bad_CR4(const Candidate& c) { return (c.guest().cr4 & ~(supported_cr4(c.cpu) | CR4_V32)) != 0; }

bool bad_PDPTE(const Candidate& c) {
    return (c.guest().cr4 & CR4_PAE) != 0 && !read_pdptes(c.cpu, c.guest().cr3, c.pdpte);
}

bool bad_EFLAGS(const Candidate& c) {
    const u32 eflags = c.guest().eflags;
    if ((eflags & EFLAGS_fixed) == 0 || (eflags & ~u32{EFLAGS_all}) != 0) return true;
    return c.v86_mode() && !c.protected_mode();
}

// ---- 8

bool bad_attributes(const SegmentRecord& s, unsigned index) {
    if ((s.attributes & attributes_reserved) != 0) return true;
    if ((s.attributes & attributes_unusable) != 0) return false;
    if ((s.attributes & attr_P) == 0) return true;
    const bool system = (s.attributes & attr_S) == 0;
    const unsigned type = s.attributes & attr_type;
    constexpr unsigned ldt = 2, busy_tss_16 = 3, busy_tss_32 = 11;
    if (index == seg_LDTR) return !system || type != ldt;
    if (index == seg_TR) return !system || (type != busy_tss_16 && type != busy_tss_32);
    return system;
}

bool bad_for_v86(const SegmentRecord& s) {
    constexpr u16 v86_attributes = attr_P | attr_DPL | attr_S | attr_writable | attr_accessed;
    return s.base != u32{s.selector} * 16 || s.limit != 0xFFFF || s.attributes != v86_attributes;
}

bool bad_segment(const Candidate& c) {
    const StateRecord& g = c.guest();
    if ((g.segment[seg_CS].attributes & attributes_unusable) != 0) return true;
    for (unsigned n = 0; n < segment_count; ++n)
        if (bad_attributes(g.segment[n], n)) return true;
    if (!c.protected_mode() && g.cpl != 0) return true;
    if (!c.v86_mode()) return false;
    for (unsigned n = 0; n <= seg_GS; ++n)
        if (bad_for_v86(g.segment[n])) return true;
    return g.cpl != 3;
}

// ---- 9

bool bad_type(u32 type, u32 vector) {
    switch (type) {
    case event_external: return false;
    case event_NMI: return vector != 2;
    case event_exception: return vector > 31 || vector == static_cast<u32>(Vector::VT) || vector == 2;
    case event_INT: return false;
    case event_INT3_INTO: return vector != 3 && vector != 4;
    default: return true;
    }
}

bool bad_inject_event(const Candidate& c) {
    const u32 field = c.area.inject_event;
    if ((field & event_valid) == 0) return false;
    const u32 vector = field & event_vector;
    const u32 type = (field & event_type) >> event_type_shift;
    const u32 length = (field & event_length) >> event_length_shift;
    const bool software = type == event_INT || type == event_INT3_INTO;
    if ((field & event_reserved) != 0 || bad_type(type, vector)) return true;
    if (software != (length != 0)) return true; // with other types the length is a reserved field
    const bool wants_error_code = type == event_exception && pushes_error_code(static_cast<Vector>(vector));
    if (((field & event_has_error_code) != 0) != wants_error_code) return true;
    if (type != event_external) return false;
    const u32 shadows = c.guest().interruptibility & (blocked_by_STI | blocked_by_MOV_SS);
    return !c.visible_IF() || shadows != 0 || c.guest().pending_debug != 0;
}

// ---- 10 to 14

bool bad_io_bitmap(const Candidate& c) {
    const u32 at = c.area.io_bitmap;
    if (at == 0) return false;
    return page_offset(at) != 0 || !is_whole_RAM(c.cpu, at) || !is_whole_RAM(c.cpu, u64{at} + page_size);
}

bool bad_state(const Candidate& c) {
    const StateRecord& g = c.guest();
    if (g.cpl > 3 || g.activity > 1 || g.sif > 1) return true;
    if ((g.interruptibility & ~u32{blocked_by_STI | blocked_by_MOV_SS | blocked_by_NMI}) != 0) return true;
    return (g.pending_debug & ~u32{DR6_breakpoints | DR6_BS}) != 0;
}

bool bad_table_limit(const Candidate& c) { return c.guest().gdtr.limit > 0xFFFF || c.guest().idtr.limit > 0xFFFF; }

bool bad_EFER(const Candidate& c) {
    const u64 known = c.cpu.has(Feature::NX) ? u64{EFER_NXE} : 0;
    return (wide(c.guest().efer) & ~known) != 0;
}

bool bad_tlb_drop(const Candidate& c) { return c.area.tlb_drop > drop_all; }

} // namespace

bool is_whole_RAM(const Cpu& cpu, u64 page) {
    const u8* const host = cpu.memory.page({page}).write;
    const std::span<u8> ram = cpu.memory.ram();
    return host != nullptr && host >= ram.data() && host < ram.data() + ram.size();
}

u32 find_entry_error(const Cpu& cpu, const ControlArea& area, u64 (&pdpte)[4]) {
    constexpr bool (*checks[])(const Candidate&) = {
        bad_revision, bad_controls,     bad_IF_POLICY, bad_CR0,   bad_CR4,         bad_PDPTE, bad_EFLAGS,
        bad_segment,  bad_inject_event, bad_io_bitmap, bad_state, bad_table_limit, bad_EFER,  bad_tlb_drop,
    };
    static_assert(std::size(checks) == error_tlb_drop);
    const Candidate candidate{cpu, area, pdpte};
    for (u32 n = 0; n < std::size(checks); ++n)
        if (checks[n](candidate)) return n + 1;
    return 0;
}

} // namespace truering::v32
