// Two sets of descriptor tables: the kernel's own, and those of a monitor that runs the kernel in ring 3.
//
// The monitor does what ring deprivileging must: the kernel's code and data segments become ring 3's, everything that
// the kernel has not loaded yet stays as the kernel wrote it, and LDT, TSS and IDT are the monitor's. EFLAGS.IF stays
// 1, as the machine's interrupts are not the kernel's to hold back.
#pragma once

#include "base/types.hpp"

namespace audit {

using namespace truering;

constexpr u32 kernel_CR0 = 0x1B;  // PE, MP, TS, ET: what the kernel has put there
constexpr u32 monitor_CR0 = 0x31; // PE, ET, NE: the x87 unit is not the kernel's alone
constexpr u32 private_limit = 0xF'FFFF, private_rights = 0x0040'9300; // of PRIVATE_DATA, as LSL and LAR show them
constexpr u32 EFLAGS_fixed = 2, EFLAGS_IF = 0x200;

void load_kernel_tables(); // and CR0: the machine is the kernel's
void load_monitor_tables();

u32 kernel_gdt_base();
u32 kernel_idt_base();

} // namespace audit
