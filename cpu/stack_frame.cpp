#include "cpu/stack_frame.hpp"

#include "cpu/access.hpp"
#include "cpu/exceptions.hpp"

namespace truering {

StackFrame::StackFrame(Cpu& cpu, unsigned item_size)
    : cpu_(cpu), stack_(cpu.segment[seg_SS]), sp_(cpu.gpr[reg_ESP] & mask()), item_size_(item_size),
      user_(cpu.cpl == 3), fault_code_(0) {}

StackFrame::StackFrame(Cpu& cpu, const Segment& stack, u32 esp, unsigned level, unsigned item_size)
    : cpu_(cpu), stack_(stack), sp_(esp & mask()), item_size_(item_size), user_(level == 3),
      fault_code_(stack.selector & 0xFFFC) {
    stack_.refresh(true);
}

Outcome StackFrame::overflow() { return raise(cpu_, Vector::SS, fault_code_); }

Outcome StackFrame::reserve(unsigned items) {
    for (unsigned n = 1; n <= items; ++n)
        if (!stack_.may_write((sp_ - n * item_size_) & mask(), item_size_)) return overflow();
    return Outcome::Done;
}

Outcome StackFrame::push(u32 value) {
    const u32 sp = (sp_ - item_size_) & mask();
    if (!stack_.may_write(sp, item_size_)) return overflow();
    const u32 linear = stack_.base + sp;
    const Outcome o =
        item_size_ == 4 ? write_as(cpu_, user_, linear, value) : write_as(cpu_, user_, linear, static_cast<u16>(value));
    if (!failed(o)) sp_ = sp;
    return o;
}

u32 StackFrame::esp() const { return (cpu_.gpr[reg_ESP] & ~mask()) | sp_; }

Outcome find_inner_stack(Cpu& cpu, unsigned level, InnerStack& stack) {
    const Segment& tr = cpu.segment[seg_TR];
    const bool is_32 = (tr.attributes & 8) != 0; // types 9 and 11
    const u32 offset = is_32 ? 4 + 8 * level : 2 + 4 * level;
    if (!tr.usable() || offset + (is_32 ? 7 : 3) > tr.limit) return raise_selector(cpu, Vector::TS, tr.selector);
    u16 selector = 0;
    if (is_32) {
        if (const Outcome o = read_system(cpu, tr.base + offset, stack.esp); failed(o)) return o;
        if (const Outcome o = read_system(cpu, tr.base + offset + 4, selector); failed(o)) return o;
    } else {
        u16 sp = 0;
        if (const Outcome o = read_system(cpu, tr.base + offset, sp); failed(o)) return o;
        if (const Outcome o = read_system(cpu, tr.base + offset + 2, selector); failed(o)) return o;
        stack.esp = sp;
    }
    return select_stack_segment(cpu, selector, level, Vector::TS, stack.segment);
}

} // namespace truering
