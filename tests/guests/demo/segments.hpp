// The kernel's own GDT and its one TSS.
//
// Segments are flat (base 0, limit 4 GiB): paging protects memory here. What segmentation still does is hold the
// privilege level: code runs in ring 3 because its CS names a descriptor with DPL 3. The hardware needs the TSS for one
// thing: SS0:ESP0, the stack to switch to when an interrupt arrives in ring 3.
#pragma once

#include <stdint.h>

namespace demo {

// Selectors: index * 8 + RPL.
enum Selector : uint16_t {
    kernel_code = 0x08,
    kernel_data = 0x10,
    user_code = 0x18 | 3,
    user_data = 0x20 | 3,
    tss_selector = 0x28
};

void load_segments();
void set_kernel_stack(uint32_t esp0);

} // namespace demo
