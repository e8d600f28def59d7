// The registers and the REP loop that all string instructions share, INS and OUTS among them.
#pragma once

#include "cpu/access.hpp"

#include <algorithm>

namespace truering::string_detail {

inline u32 masked(const Cpu& cpu, unsigned reg, const Instruction& insn) { return cpu.gpr[reg] & insn.address_mask; }

inline void add_masked(Cpu& cpu, unsigned reg, u32 delta, const Instruction& insn) {
    cpu.gpr[reg] = (cpu.gpr[reg] & ~insn.address_mask) | ((cpu.gpr[reg] + delta) & insn.address_mask);
}

// What one element moves ESI and EDI by.
template <class T> inline u32 step(const Cpu& cpu) {
    return cpu.flag(EFLAGS_DF) ? ~static_cast<u32>(sizeof(T)) + 1 : static_cast<u32>(sizeof(T));
}

// Runs `once(count_left)` as often as REP says. It does one or more elements, moves ESI and EDI, and sets the number
// done; `go_on()` is asked behind each (REPE, REPNE).
template <class Once, class GoOn> inline Outcome repeat(Cpu& cpu, const Instruction& insn, Once once, GoOn go_on) {
    u64 done = 0;
    if (insn.repeat == Repeat::None) return once(u32{1}, done);
    const u64 allowed = std::max<u64>(1, cpu.iterations_allowed());
    u64 total = 0;
    while (masked(cpu, reg_ECX, insn) != 0) {
        const u64 room = std::min<u64>(masked(cpu, reg_ECX, insn), allowed - total);
        done = 0;
        const Outcome o = once(static_cast<u32>(room), done);
        if (failed(o)) {
            if (total > 0) cpu.extra_retired += total; // completed before the one that faulted
            return o;
        }
        total += done;
        add_masked(cpu, reg_ECX, static_cast<u32>(~done + 1), insn);
        if (!go_on() || masked(cpu, reg_ECX, insn) == 0) break;
        if (total >= allowed || cpu.pending_debug != 0) {
            cpu.extra_retired += total - 1;
            // What comes between two iterations pushes RF = 1 (SDM vol. 3B, 17.3.1.1).
            cpu.set_eflags(EFLAGS_RF, EFLAGS_RF);
            return Outcome::Again;
        }
    }
    if (total <= 1) return Outcome::Done;
    cpu.extra_retired += total - 1;
    return Outcome::Leave; // the run loop must count what this instruction used of its budget
}

// How many elements of size T from `linear` on lie in its page, in the direction of DF.
template <class T> inline u32 elements_in_page(const Cpu& cpu, u32 linear) {
    const u32 offset = linear & page_offset_mask;
    constexpr u32 size = sizeof(T);
    if (offset + size > page_size) return 0;
    return cpu.flag(EFLAGS_DF) ? offset / size + 1 : (page_size - offset) / size;
}

// The host memory of `count` elements at an offset of a segment, all of them within limit, rights and one page of
// ordinary memory; null where that cannot be had. `count` comes back as the number that can.
enum class Direction : u8 { Read, Write };
template <class T> inline u8* bulk_pointer(Cpu& cpu, SegmentIndex index, u32 offset, Direction direction, u32& count) {
    const Segment& segment = cpu.segment[index];
    const u32 linear = segment.base + offset;
    count = std::min(count, elements_in_page<T>(cpu, linear));
    if (count == 0) return nullptr;
    const u32 span = (count - 1) * static_cast<u32>(sizeof(T));
    const u32 low = cpu.flag(EFLAGS_DF) ? offset - span : offset;
    if (low > low + span) return nullptr; // wraps around in the segment
    const bool allowed = direction == Direction::Read ? segment.may_read(low, span + static_cast<u32>(sizeof(T)))
                                                      : segment.may_write(low, span + static_cast<u32>(sizeof(T)));
    const TlbView& view = *cpu.tlb_view;
    u8* host = nullptr;
    const bool hit = access_detail::hits<T>(direction == Direction::Read ? view.read : view.write, linear, host);
    return hit && allowed ? host : nullptr;
}

// The elements of a bulk may not make an address register wrap at 16 bits.
template <class T> inline u32 elements_before_wrap(const Cpu& cpu, u32 offset, const Instruction& insn) {
    if (cpu.flag(EFLAGS_DF)) return offset / static_cast<u32>(sizeof(T)) + 1;
    return static_cast<u32>((u64{insn.address_mask} - offset) / sizeof(T)) + 1;
}

} // namespace truering::string_detail
