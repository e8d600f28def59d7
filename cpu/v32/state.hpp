// What the processor holds for V32 mode (docs/v32.md): its own copy of what entry read from the control area, and what
// stands at the next boundary.
//
// Representation: in V32 mode EFLAGS.IF of the processor is the guest's *visible* IF under every policy. So PUSHF,
// gates, POPF and all the rest work on it without knowing of the mode. The physical mask of SHADOW and TRAP is kept
// here.
#pragma once

#include "base/control_area.h"
#include "cpu/exception.hpp"

#include <optional>

namespace truering {

// An exit on its way: who returns Outcome::Exit, or starts one at a boundary, has filled this in.
struct V32PendingExit {
    v32::Reason reason = v32::Reason::None;
    u32 qualification = 0, qualification_value = 0;
    std::optional<Event> event{};     // of EXCEPTION, EXTINT, NMI and SOFT_INT
    std::optional<Event> cut_short{}; // the event whose delivery to the guest this exit ends
};

// CLI, STI, POPF or IRET under the TRAP policy, from its admission to the boundary behind it (docs/v32.md 5).
struct V32Attempt {
    bool made = false;
    bool IF_before = false; // visible
    u32 instruction = 0;    // v32::IfQualification
    u32 linear = 0;         // of its first byte
    u8 length = 0;
};

struct V32State {
    u64 vca = 0; // the MSR V32_VCA

    // ---- The processor's copy, valid in V32 mode
    u32 controls = 0;
    u32 io_bitmap = 0;
    u64 tsc_offset = 0; // 0 in root, so that RDTSC need not ask
    u8 redirect_events[32] = {};
    u8 redirect_software[32] = {};
    bool physical_IF = false; // SHADOW and TRAP: EFLAGS.IF of the guest record
    u64 exit_count = 0;
    v32::StateRecord vmm{}; // what the exit loads

    // ---- Between two instructions of the guest
    std::optional<Event> injection{}; // of the entry that has just been made
    V32Attempt attempt;
    bool step_due = false; // STEP_EXIT: an instruction or a delivery has completed

    V32PendingExit exit;
    u64 paging_at_exit = 0; // what the guest's translations rest on besides its tables: v32::paging_bits()

    [[nodiscard]] bool enabled() const { return (vca & V32_VCA_ENABLE) != 0; }
    [[nodiscard]] u64 area() const { return vca & ~u64{page_offset_mask}; }
    [[nodiscard]] bool has(v32::Controls control) const { return (controls & control) != 0; }
    [[nodiscard]] v32::IfPolicy policy() const { return static_cast<v32::IfPolicy>(controls & v32::IF_POLICY); }
    // May a physical interrupt get through at all (docs/v32.md 5)?
    [[nodiscard]] bool physically_open() const { return policy() == v32::IF_DIRECT || physical_IF; }
    [[nodiscard]] bool gives_event(u8 vector) const { return v32::redirects(redirect_events, vector); }
    [[nodiscard]] bool gives_INT(u8 vector) const { return v32::redirects(redirect_software, vector); }
};

} // namespace truering
