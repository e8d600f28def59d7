#include "vmm/guest.hpp"

#include "vmm/restart.hpp"

namespace ringmaster {

alignas(V32_AREA_SIZE) [[gnu::section(".bss.pages")]] ControlArea area;

bool visible_if() { return policy() == IF_DIRECT ? (guest().eflags & EFLAGS_IF) != 0 : guest().sif != 0; }

void set_visible_if(u32 value) {
    guest().sif = value;
    if (policy() == IF_DIRECT) guest().eflags = (guest().eflags & ~u32{EFLAGS_IF}) | (value != 0 ? EFLAGS_IF : 0u);
}

void inject(u32 event, u32 error_code) {
    area.inject_event = event;
    area.inject_error_code = error_code;
    guest().activity = 0; // an event ends a halt
}

namespace {

enum class Class { Benign, Contributory, PageFault, DoubleFault };

Class class_of(u32 event) {
    if ((event & event_type) >> event_type_shift != event_exception) return Class::Benign;
    switch (static_cast<Vector>(event & event_vector)) {
    case Vector::DE:
    case Vector::TS:
    case Vector::NP:
    case Vector::SS:
    case Vector::GP: return Class::Contributory;
    case Vector::PF: return Class::PageFault;
    case Vector::DF: return Class::DoubleFault;
    default: return Class::Benign;
    }
}

constexpr u32 exception_event(Vector vector, u32 error_code) {
    return event_valid | event_exception << event_type_shift | static_cast<u32>(vector) |
           (error_code == no_error_code ? 0u : u32{event_has_error_code});
}

// What comes of `second` while `first` was being delivered.
bool makes_double_fault(Class first, Class second) {
    if (first == Class::Contributory) return second == Class::Contributory;
    return first == Class::PageFault && (second == Class::Contributory || second == Class::PageFault);
}

} // namespace

void raise(Vector vector, u32 error_code) {
    const u32 event = exception_event(vector, error_code);
    const u32 cut_short = area.exit.vectoring_event;
    if ((cut_short & event_valid) != 0) {
        const Class first = class_of(cut_short), second = class_of(event);
        if (first == Class::DoubleFault && second != Class::Benign) return restart_guest(Cause::TripleFault);
        if (makes_double_fault(first, second)) return inject(exception_event(Vector::DF, 0), 0);
    }
    // An EXCEPTION exit has saved RF as it would have been pushed.
    if (reason() != Reason::EXCEPTION) guest().eflags |= EFLAGS_RF;
    inject(event, error_code == no_error_code ? 0 : error_code);
}

void raise_page_fault(u32 linear, u32 error_code) {
    guest().cr2 = linear;
    raise(Vector::PF, error_code);
}

void skip_instruction() {
    constexpr u32 blocked_by_STI_or_MOV_SS = 3;
    constexpr u32 pending_BS = 1u << 14;
    guest().eip += area.exit.instruction_length;
    guest().interruptibility &= ~blocked_by_STI_or_MOV_SS;
    if ((guest().eflags & EFLAGS_TF) != 0) guest().pending_debug |= pending_BS;
}

} // namespace ringmaster
