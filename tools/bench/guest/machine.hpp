// The machine that the kernels run on: flat segments, paging with 4 KiB pages over 96 MiB, an IDT, no interrupts.
#pragma once

#include <stdint.h>

namespace bench {

void set_up_machine();
[[noreturn]] void switch_off();
void say(const char* text);
void say_hex(uint32_t value);

uint32_t features(); // CPUID leaf 1, EDX
void reload_cr3();

} // namespace bench

extern "C" {
uint32_t in_ring_3(void (*code)(), uint32_t turns);
uint32_t page_fault_loop(uint32_t turns);
uint32_t in_real_mode(uint32_t turns);
void int_loop();
void sysenter_loop();
}
