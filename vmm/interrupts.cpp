#include "vmm/interrupts.hpp"

#include "vmm/bios_page.hpp"
#include "vmm/enter.hpp"
#include "vmm/guest.hpp"
#include "vmm/handlers.hpp"

namespace ringmaster {

namespace {

// A guest that ends interrupts which it never got can make more arrive than controllers nest: the rest is dropped.
constexpr u32 most_waiting = 64;
u8 waiting[most_waiting];
u32 waiting_count = 0;

enum Interruptibility : u32 { blocked_by_STI = 1, blocked_by_MOV_SS = 2, blocked_by_NMI = 4 };

bool is_blocked() { return (guest().interruptibility & (blocked_by_STI | blocked_by_MOV_SS)) != 0; }

void inject_NMI() {
    constexpr u32 event = event_valid | event_NMI << event_type_shift | static_cast<u32>(Vector::NMI);
    if (area.inject_event != 0 || (guest().interruptibility & blocked_by_NMI) != 0 || is_blocked()) return;
    nmi_arrived = 0;
    inject(event);
}

} // namespace

void set_up_interrupts(IfPolicy wanted) {
    area.controls &= ~u32{IF_POLICY | EXTINT_EXIT};
    area.controls |= wanted | (wanted == IF_DIRECT ? EXTINT_EXIT : 0u);
    guest().eflags |= wanted == IF_DIRECT ? 0u : EFLAGS_IF; // else the physical mask: open for good
}

void forget_interrupts() {
    waiting_count = 0;
    nmi_arrived = 0;
    area.controls &= ~u32{WINDOW_EXIT};
}

void forget_vectors(u8 first, u32 count) {
    u32 kept = 0;
    for (u32 n = 0; n < waiting_count; ++n)
        if (static_cast<u32>(waiting[n] - first) >= count) waiting[kept++] = waiting[n];
    waiting_count = kept;
}

void prepare_interrupts() {
    area.controls &= ~u32{STEP_EXIT};
    if (nmi_arrived != 0) inject_NMI();
    // There is no window for an NMI that the guest's blocking holds back: the end of it is found step by step.
    if (nmi_arrived != 0 || steps_original()) area.controls |= STEP_EXIT;
    if (waiting_count == 0) {
        area.controls &= ~u32{WINDOW_EXIT};
        return;
    }
    if (area.inject_event == 0 && visible_if() && !is_blocked() && guest().pending_debug == 0)
        inject(event_valid | event_external << event_type_shift | waiting[--waiting_count]);
    if (waiting_count != 0)
        area.controls |= WINDOW_EXIT;
    else
        area.controls &= ~u32{WINDOW_EXIT};
}

// The instruction is through, but for IF.
void handle_IF_MODIFY() { guest().sif = area.exit.qualification & if_wanted; }

void handle_IF_WINDOW() {} // prepare_interrupts() sees it

void handle_EXTINT() {
    const u8 vector = static_cast<u8>(area.exit.event & event_vector);
    if (vector == static_cast<u8>(Vector::NMI)) nmi_arrived = 0; // it came by the NMI's gate and is none
    if (waiting_count < most_waiting) waiting[waiting_count++] = vector;
}

void handle_NMI() {} // the gate of vector 2 has noted it

} // namespace ringmaster
