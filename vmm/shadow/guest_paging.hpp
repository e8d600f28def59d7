// The guest's paging as its own processor would do it (SDM vol. 3A, chapter 4): registers, walk, rights, accessed and
// dirty bits, error codes. Knows nothing of the shadow.
#pragma once

#include "vmm/shadow/guest_memory.hpp"

namespace ringmaster {

// The registers that decide on paging, with the values that the guest believes in.
struct PagingRegisters {
    u32 cr0 = 0, cr3 = 0, cr4 = 0, efer = 0;
};

// What the guest's processor can do.
struct PagingModel {
    unsigned physical_bits = 36;
    bool has_PSE36 = true;
    bool has_NX = true; // EFER.NXE exists
};

enum class Access : u8 { Read, Write, Fetch };
enum class Privilege : u8 { Supervisor, User };

// A page fault to give to the guest: inject vector 14 with the error code, `linear` in CR2.
struct PageFault {
    u32 error_code = 0;
    u32 linear = 0;
};

} // namespace ringmaster
