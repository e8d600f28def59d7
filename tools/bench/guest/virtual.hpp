// One exit from a virtual machine and the entry again, a turn: the guest executes CPUID in a loop, the VMM steps over
// it. In V32 mode where the processor has it, else by AMD's SVM; QEMU and Bochs have that one in software.
#pragma once

#include <stdint.h>

namespace bench {

bool can_virtualize();
uint32_t vm_exit(uint32_t turns);

} // namespace bench
