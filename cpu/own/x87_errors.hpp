// Unmasked x87 exceptions: where they are delivered, and the PC's old way of delivering them.
//
// An exception is pending from the instruction that met it (ES set) to the next *waiting* x87 or MMX instruction, or
// WAIT. With CR0.NE = 1 that one raises #MF. With CR0.NE = 0 it asserts FERR#, which a PC wires to IRQ 13, and the
// processor stands still before it until an interrupt comes; a handler writes port F0H, IGNNE# becomes active and lets
// x87 instructions run although the error is still there, until FNCLEX and the like clear it and with it FERR#.
//
// FERR# is asserted at the waiting instruction, as the P6 family does.
//
// Source: SDM volume 1, 8.7 and appendix D.2; volume 3A, 2.5 (CR0.NE).
#pragma once

#include "cpu/cpu.hpp"
#include "cpu/exceptions.hpp"

namespace truering {

// Before a waiting instruction. Done: execute it. Fault: #MF. Again: it stands still, the run loop looks for events.
inline Outcome check_fpu_error(Cpu& cpu) {
    if (!cpu.fpu.exception_pending()) [[likely]]
        return Outcome::Done;
    if ((cpu.cr0 & CR0_NE) != 0) return raise(cpu, Vector::MF);
    cpu.ferr.raise();
    return cpu.ignne ? Outcome::Done : Outcome::Again;
}

// After an instruction that may have cleared or masked the exceptions.
inline void update_ferr(Cpu& cpu) {
    if (!cpu.fpu.exception_pending()) cpu.ferr.lower();
}

} // namespace truering
