// The 8254 timer, counter 0: 100 interrupts a second on IRQ 0.
#pragma once

#include <stdint.h>

namespace demo::pit {

void start();
uint32_t ticks();          // hundredths of a second since start()
void count_tick();         // called by the handler of IRQ 0
void wait(uint32_t ticks); // halts the processor meanwhile; interrupts must be on

} // namespace demo::pit
