// The two 8259A interrupt controllers, cascaded: 15 request lines for the processor's one INTR pin.
#pragma once

#include <stdint.h>

namespace demo::pic {

void start(); // IRQ 0..15 become vectors 20H..2FH; all masked
void unmask(uint32_t irq);
void end_of_interrupt(uint32_t irq);

} // namespace demo::pic
