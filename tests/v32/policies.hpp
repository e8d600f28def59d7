// The guest's interrupt flag under the three policies (docs/v32.md section 5), for the images that go over all of them.
#pragma once

#include "tests/v32/placed.hpp"

namespace proof {

struct Policy {
    const char* name;
    u32 controls;
};

constexpr Policy policies[] = {{"TRAP", IF_TRAP}, {"SHADOW", IF_SHADOW}, {"DIRECT", u32{IF_DIRECT} | EXTINT_EXIT}};

inline bool is_direct(const ControlArea& area) { return (area.controls & IF_POLICY) == IF_DIRECT; }
inline bool is_trap(const ControlArea& area) { return (area.controls & IF_POLICY) == IF_TRAP; }

inline void set_IF(u32& eflags, u32 value) { eflags = value ? eflags | IF : eflags & ~IF; }

// The physical mask counts under TRAP and SHADOW, where it is the record's EFLAGS.IF. Under DIRECT a `sif` that
// contradicts shows that entry ignores it.
inline void set_interrupt_flag(ControlArea& area, const Policy& policy, u32 visible, u32 physical) {
    area.controls |= policy.controls;
    area.guest.sif = is_direct(area) ? !visible : visible;
    set_IF(area.guest.eflags, is_direct(area) ? visible : physical);
}

inline u32 visible_IF(const ControlArea& area) {
    return is_direct(area) ? (area.guest.eflags & IF) != 0 : area.guest.sif;
}

// The guest record after the visible IF has become `value`.
inline void change_visible(Wanted& w, const ControlArea& area, u32 value) {
    w.guest.sif = value;
    if (is_direct(area)) set_IF(w.guest.eflags, value);
}

// IF_MODIFY behind the instruction that stands at the guest's EIP. The test adds what it has done beside.
inline Wanted wanted_attempt(const ControlArea& area, u32 instruction, u32 wanted_IF, u32 length) {
    Wanted w = wanted(area, Reason::IF_MODIFY, length);
    w.qualification = instruction | wanted_IF;
    w.bytes_at = area.guest.segment[CS].base + area.guest.eip;
    w.guest.eip += length;
    w.guest.eflags &= ~RF;
    w.guest.interruptibility &= by_NMI;
    if (instruction == if_STI) w.guest.interruptibility |= by_STI;
    return w;
}

} // namespace proof
