// The guest's beginning, and its beginning again: registers as after RESET, the VMM and its hidden range untouched.
//
// The first time the firmware has done its work and the guest begins with INT 18H, "this device did not boot, take the
// next", or with a disk's first sector. Later, whatever resets the guest takes it to the firmware's first instruction.
// What a reset of the machine would silence (interrupt controllers, bus masters) is silenced by hand.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

enum class Cause : u8 { TripleFault, Init, KeyboardController, SystemControlPort, ResetControl };

void start_guest(); // as the option boot= says

void restart_guest(Cause cause);

} // namespace ringmaster
