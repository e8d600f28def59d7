// A stack that receives a frame before it becomes SS:ESP.
//
// Deliveries and calls through gates push several values, and any of the pushes may fault. So they push onto a copy of
// the stack pointer, and the registers change when the whole frame stands. What lies below the old top of the stack
// may have been overwritten then, as on a processor.
#pragma once

#include "cpu/segmentation.hpp"

namespace truering {

class StackFrame {
  public:
    // On the current stack, at the current privilege: the limit's fault is #SS(0).
    StackFrame(Cpu& cpu, unsigned item_size);
    // On another one; pushes are accesses of `level`, and the limit's fault is #SS(selector).
    StackFrame(Cpu& cpu, const Segment& stack, u32 esp, unsigned level, unsigned item_size);

    // #SS if there is no room for so many items.
    Outcome reserve(unsigned items);
    Outcome push(u32 value);

    // ESP with the frame on the stack: of a 16-bit stack SP alone moves.
    [[nodiscard]] u32 esp() const;

  private:
    [[nodiscard]] u32 mask() const { return stack_.is_32bit() ? ~u32{0} : 0xFFFF; }
    Outcome overflow();

    Cpu& cpu_;
    Segment stack_;
    u32 sp_;
    unsigned item_size_;
    bool user_;
    u16 fault_code_;
};

// The stack that the current TSS names for an inner privilege level, checked (SDM vol. 3A, 5.8.5).
struct InnerStack {
    SelectedDescriptor segment;
    u32 esp = 0;
};

// #TS(TR) if the TSS is too short, #TS(SS) for a bad segment, #SS(SS) for one that is not present.
Outcome find_inner_stack(Cpu& cpu, unsigned level, InnerStack& stack);

} // namespace truering
