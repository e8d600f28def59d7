// Raising exceptions: the details go into Cpu::fault, the fact into the return value.
#pragma once

#include "cpu/cpu.hpp"

namespace truering {

inline Outcome raise(Cpu& cpu, Vector vector) {
    cpu.fault = Event{.vector = static_cast<u8>(vector)};
    return Outcome::Fault;
}

inline Outcome raise(Cpu& cpu, Vector vector, u32 error_code) {
    cpu.fault = Event{.vector = static_cast<u8>(vector), .has_error_code = true, .error_code = error_code};
    return Outcome::Fault;
}

// An error code that names a selector, EXT and IDT clear (SDM vol. 3A, 6.13).
inline Outcome raise_selector(Cpu& cpu, Vector vector, u16 selector) { return raise(cpu, vector, selector & 0xFFFCu); }

inline Outcome raise_page_fault(Cpu& cpu, u32 linear, u32 error_code) {
    cpu.fault =
        Event{.vector = static_cast<u8>(Vector::PF), .has_error_code = true, .error_code = error_code, .cr2 = linear};
    return Outcome::Fault;
}

} // namespace truering
