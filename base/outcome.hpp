// How an instruction, or a step of one, ended. Faults are values: they travel from the memory access that met them to
// the run loop as a return value, and their details are stored once, by whoever raised them.
#pragma once

#include "base/types.hpp"

namespace truering {

enum class [[nodiscard]] Outcome : u8{
    Done,   // completed: execution goes on behind the instruction
    Jumped, // completed, and EIP is already where execution goes on
    Leave,  // completed, EIP to be advanced, but the run loop must look around: an event may have become possible
    Again,  // part of a REP instruction is done: EIP stays, the instruction goes on unless an event comes first
    Fault,  // nothing was done: an exception stands in the processor's fault record
    Exit,   // nothing was done: an exit of V32 mode stands in the processor's exit record
};

constexpr bool failed(Outcome outcome) { return outcome >= Outcome::Fault; }

} // namespace truering
