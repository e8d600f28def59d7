// The 8042 keyboard controller, as far as: IRQ 1 says that a scan code waits at port 60H.
#pragma once

namespace demo::keyboard {

void start();
void press_a_key_for_us(); // shows one interrupt, even when nobody sits at the machine

} // namespace demo::keyboard
