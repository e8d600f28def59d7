// The guest's linear memory for the VMM's own work on the guest's behalf: string I/O, task switches, descriptors.
//
// Every access goes through the guest's paging with the given privilege, sets accessed and dirty bits, and may cross
// pages. A fault stops it: bytes on an earlier page have been stored then, as by an interrupted string instruction;
// probe first where that matters.
#pragma once

#include "vmm/shadow/shadow.hpp"

namespace ringmaster {

enum class LinearOutcome : u8 { Done, Faulted };

class LinearMemory {
  public:
    LinearMemory(Shadow& shadow, Privilege privilege) : shadow_(shadow), privilege_(privilege) {}

    [[nodiscard]] LinearOutcome read(u32 linear, void* to, u32 size);
    [[nodiscard]] LinearOutcome write(u32 linear, const void* from, u32 size);
    [[nodiscard]] LinearOutcome probe_write(u32 linear, u32 size);  // Done: a write to it will succeed
    [[nodiscard]] const PageFault& fault() const { return fault_; } // behind Faulted

  private:
    Shadow& shadow_;
    Privilege privilege_;
    PageFault fault_;
};

} // namespace ringmaster
