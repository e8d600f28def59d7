// What a machine's reset line would do to devices, as far as a guest's second life depends on it: interrupts masked,
// nobody masters the bus. The firmware sets up the rest by itself.
#pragma once

namespace ringmaster {

void quiet_devices();

} // namespace ringmaster
