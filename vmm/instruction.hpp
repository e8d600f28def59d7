// What a handler must know of the instruction that exited, and the guest's memory as that instruction sees it.
#pragma once

#include "vmm/processor.hpp"

namespace ringmaster {

// 2 or 4, by CS.D and the prefixes.
u32 operand_size();

// The guest's linear memory with the privilege of its CPL. False: a page fault, which has been raised.
[[nodiscard]] bool read_guest(u32 linear, void* to, u32 size);
[[nodiscard]] bool probe_guest_write(u32 linear, u32 size); // true: a write will succeed
[[nodiscard]] bool write_guest(u32 linear, const void* from, u32 size);

} // namespace ringmaster
