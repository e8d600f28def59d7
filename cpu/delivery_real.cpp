// Delivery to programs of the 8086: real mode's vector table (SDM vol. 3B, 20.1.4), and virtual-8086 mode's where VME
// redirects INT n to it (20.3.3).
#include "cpu/access.hpp"
#include "cpu/code_transfer.hpp"
#include "cpu/delivery_steps.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/stack_frame.hpp"

namespace truering {

namespace {

// Pushes a frame of three words, goes where the vector at `linear` points, and clears `cleared` in EFLAGS.
Outcome enter_8086_handler(Cpu& cpu, const Event& event, u32 linear, u16 flags, u32 cleared) {
    u32 pointer = 0;
    if (const Outcome o = read_system(cpu, linear, pointer); failed(o)) return o;
    const u32 ip = pointer & 0xFFFF;
    StackFrame frame(cpu, 2);
    if (const Outcome o = frame.reserve(3); failed(o)) return o;
    if (const Outcome o = check_entry_point(cpu, cpu.segment[seg_CS], ip); failed(o)) return o;
    if (const Outcome o = frame.push(flags); failed(o)) return o;
    if (const Outcome o = frame.push(cpu.segment[seg_CS].selector); failed(o)) return o;
    if (const Outcome o = frame.push(return_eip(cpu, event) & 0xFFFF); failed(o)) return o;
    cpu.gpr[reg_ESP] = frame.esp();
    cpu.set_eflags(0, cleared);
    load_segment_real(cpu, seg_CS, static_cast<u16>(pointer >> 16));
    cpu.eip = ip;
    return Outcome::Jumped;
}

} // namespace

Outcome deliver_through_vector_table(Cpu& cpu, const Event& event) {
    const u32 offset = event.vector * 4u;
    if (offset + 3 > cpu.idtr.limit) return raise(cpu, Vector::GP, 0);
    const u16 flags = static_cast<u16>(pushed_eflags(cpu, event));
    return enter_8086_handler(cpu, event, cpu.idtr.base + offset, flags, EFLAGS_IF | EFLAGS_TF | EFLAGS_AC | EFLAGS_RF);
}

Outcome is_redirected_to_8086(Cpu& cpu, u8 vector, bool& redirected) {
    constexpr u32 bitmap_size = 32; // it ends where the I/O map begins
    const Segment& tr = cpu.segment[seg_TR];
    redirected = false;
    if (!tr.usable() || tr.limit < 103) return raise(cpu, Vector::GP, 0);
    u16 map_base = 0;
    if (const Outcome o = read_system(cpu, tr.base + 102, map_base); failed(o)) return o;
    const u32 offset = map_base - bitmap_size + vector / 8;
    if (offset > tr.limit) return raise(cpu, Vector::GP, 0);
    u8 map = 0;
    if (const Outcome o = read_system(cpu, tr.base + offset, map); failed(o)) return o;
    redirected = !test_bit(map, vector % 8);
    return Outcome::Done;
}

// With IOPL < 3 the program's interrupt flag is VIF, and its FLAGS image pretends to an IOPL of 3.
Outcome deliver_to_8086(Cpu& cpu, const Event& event) {
    u32 flags = cpu.eflags();
    const bool virtual_IF = cpu.iopl() < 3;
    if (virtual_IF) {
        flags |= EFLAGS_IOPL;
        flags = cpu.flag(EFLAGS_VIF) ? flags | EFLAGS_IF : flags & ~u32{EFLAGS_IF};
    }
    return enter_8086_handler(cpu, event, event.vector * 4u, static_cast<u16>(flags),
                              EFLAGS_TF | EFLAGS_RF | u32{virtual_IF ? EFLAGS_VIF : EFLAGS_IF});
}

} // namespace truering
