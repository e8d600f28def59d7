// Guarded memory access: every byte that an instruction reads or writes goes through here.
//
// The fast path is a limit comparison and a look into the TLB. Whatever else there is (two pages, a device, code,
// breakpoints, alignment) is the slow path's, in access.cpp.
//
// An access at the current privilege uses Cpu::tlb_view; the *_system functions access tables (descriptors, TSS) and
// inner stacks as supervisor whatever the CPL is (SDM vol. 3A, 4.6.1, implicit supervisor-mode accesses).
#pragma once

#include "cpu/cpu.hpp"

#include <cstring>

namespace truering {

namespace access_detail {
// Reads or writes `size` bytes (1..16) the slow way: each page by itself, devices included.
Outcome slow_read(Cpu& cpu, u32 linear, void* to, unsigned size, bool user);
Outcome slow_write(Cpu& cpu, u32 linear, const void* from, unsigned size, bool user);
// Proves that a write would succeed, and does nothing.
Outcome slow_check_write(Cpu& cpu, u32 linear, unsigned size, bool user);
// Host memory for a write within a page that holds decoded code, where the write hits none of the code and nothing else
// needs a closer look; else null.
u8* beside_code(Cpu& cpu, u32 linear, unsigned size);
Outcome segment_fault(Cpu& cpu, SegmentIndex index);
// Whether a segment allows an access, where the quick look did not say yes.
Outcome check_read_slowly(Cpu& cpu, SegmentIndex index, u32 offset, unsigned size);
Outcome check_write_slowly(Cpu& cpu, SegmentIndex index, u32 offset, unsigned size);

// The quick look: does an access lie whole in a page of ordinary memory that the TLB knows, and where in the host?
// `deltas` are a view's `read` or `write`.
template <class T> inline bool hits(const u64 (&deltas)[TlbView::page_count], u32 linear, u8*& host) {
    const u64 delta = deltas[linear / page_size];
    host = reinterpret_cast<u8*>(delta + linear);
    return delta != 0 && page_offset(linear) <= page_size - sizeof(T);
}
} // namespace access_detail

// ---- At a linear address, at the current privilege

template <class T> inline Outcome read_linear(Cpu& cpu, u32 linear, T& value) {
    u8* host = nullptr;
    if (!access_detail::hits<T>(cpu.tlb_view->read, linear, host)) [[unlikely]]
        return access_detail::slow_read(cpu, linear, &value, sizeof(T), cpu.cpl == 3);
    std::memcpy(&value, host, sizeof(T));
    return Outcome::Done;
}

template <class T> inline Outcome write_linear(Cpu& cpu, u32 linear, const T& value) {
    u8* host = nullptr;
    if (!access_detail::hits<T>(cpu.tlb_view->write, linear, host)) [[unlikely]]
        return access_detail::slow_write(cpu, linear, &value, sizeof(T), cpu.cpl == 3);
    std::memcpy(host, &value, sizeof(T));
    return Outcome::Done;
}

// ---- At a linear address, at a privilege that may not be the current one; as supervisor

namespace access_detail {
// The view for it, where accesses need no closer look.
inline const TlbView& view_as(Cpu& cpu, bool user) {
    const bool watched = cpu.tlb_view == cpu.tlb.never();
    return watched ? *cpu.tlb.never() : *cpu.tlb.view(user);
}
} // namespace access_detail

template <class T> inline Outcome read_as(Cpu& cpu, bool user, u32 linear, T& value) {
    u8* host = nullptr;
    if (!access_detail::hits<T>(access_detail::view_as(cpu, user).read, linear, host)) [[unlikely]]
        return access_detail::slow_read(cpu, linear, &value, sizeof(T), user);
    std::memcpy(&value, host, sizeof(T));
    return Outcome::Done;
}

template <class T> inline Outcome write_as(Cpu& cpu, bool user, u32 linear, const T& value) {
    u8* host = nullptr;
    if (!access_detail::hits<T>(access_detail::view_as(cpu, user).write, linear, host)) [[unlikely]]
        return access_detail::slow_write(cpu, linear, &value, sizeof(T), user);
    std::memcpy(host, &value, sizeof(T));
    return Outcome::Done;
}

template <class T> inline Outcome read_system(Cpu& cpu, u32 linear, T& value) {
    return read_as(cpu, false, linear, value);
}
template <class T> inline Outcome write_system(Cpu& cpu, u32 linear, const T& value) {
    return write_as(cpu, false, linear, value);
}

// ---- At an offset in a segment: #GP(0), or #SS(0) for SS, where the segment does not allow it

template <class T> inline Outcome read_memory(Cpu& cpu, SegmentIndex index, u32 offset, T& value) {
    const Segment& segment = cpu.segment[index];
    if (!segment.surely_readable(offset, sizeof(T))) [[unlikely]]
        if (const Outcome o = access_detail::check_read_slowly(cpu, index, offset, sizeof(T)); failed(o)) return o;
    return read_linear(cpu, segment.base + offset, value);
}

template <class T> inline Outcome write_memory(Cpu& cpu, SegmentIndex index, u32 offset, const T& value) {
    const Segment& segment = cpu.segment[index];
    if (!segment.surely_writable(offset, sizeof(T))) [[unlikely]]
        if (const Outcome o = access_detail::check_write_slowly(cpu, index, offset, sizeof(T)); failed(o)) return o;
    return write_linear(cpu, segment.base + offset, value);
}

// Host memory for a whole access where limit, rights, paging and "ordinary memory" are all proven by the quick look;
// else null, and the functions above do what is to be done. What may be written may be read.
template <class T> inline const u8* quick_read(const Cpu& cpu, SegmentIndex index, u32 offset) {
    const Segment& segment = cpu.segment[index];
    u8* host = nullptr;
    const bool hit = access_detail::hits<T>(cpu.tlb_view->read, segment.base + offset, host);
    return hit && segment.surely_readable(offset, sizeof(T)) ? host : nullptr;
}
template <class T> inline u8* quick_write(const Cpu& cpu, SegmentIndex index, u32 offset) {
    const Segment& segment = cpu.segment[index];
    u8* host = nullptr;
    const bool hit = access_detail::hits<T>(cpu.tlb_view->write, segment.base + offset, host);
    return hit && segment.surely_writable(offset, sizeof(T)) ? host : nullptr;
}

// Read, change, write: `change(T&)` runs only when the write can no longer fail.
template <class T, class Change> inline Outcome update_memory(Cpu& cpu, SegmentIndex index, u32 offset, Change change) {
    T value;
    if (u8* const host = quick_write<T>(cpu, index, offset)) [[likely]] {
        std::memcpy(&value, host, sizeof(T));
        change(value);
        std::memcpy(host, &value, sizeof(T));
        return Outcome::Done;
    }
    const u32 linear = cpu.segment[index].base + offset;
    const bool user = cpu.cpl == 3;
    using namespace access_detail;
    if (const Outcome o = check_write_slowly(cpu, index, offset, sizeof(T)); failed(o)) return o;
    if (const Outcome o = check_read_slowly(cpu, index, offset, sizeof(T)); failed(o)) return o;
    if (u8* const host = beside_code(cpu, linear, sizeof(T))) {
        std::memcpy(&value, host, sizeof(T));
        change(value);
        std::memcpy(host, &value, sizeof(T));
        return Outcome::Done;
    }
    if (const Outcome o = slow_check_write(cpu, linear, sizeof(T), user); failed(o)) return o;
    if (const Outcome o = slow_read(cpu, linear, &value, sizeof(T), user); failed(o)) return o;
    change(value);
    return slow_write(cpu, linear, &value, sizeof(T), user);
}

// Would a write of `size` bytes succeed? For instructions that must not half-complete.
Outcome check_write(Cpu& cpu, SegmentIndex index, u32 offset, unsigned size);

// ---- The memory operand of an instruction

inline u32 effective_address(const Cpu& cpu, const Instruction& insn) {
    return (cpu.gpr[insn.base] + (cpu.gpr[insn.index] << insn.scale) + insn.displacement) & insn.address_mask;
}
inline SegmentIndex operand_segment(const Instruction& insn) { return static_cast<SegmentIndex>(insn.segment); }

template <class T> inline Outcome read_operand(Cpu& cpu, const Instruction& insn, T& value) {
    return read_memory(cpu, operand_segment(insn), effective_address(cpu, insn), value);
}
template <class T> inline Outcome write_operand(Cpu& cpu, const Instruction& insn, const T& value) {
    return write_memory(cpu, operand_segment(insn), effective_address(cpu, insn), value);
}

// ---- An E operand, register or memory, for instructions where speed does not decide

template <class T> inline Outcome read_e(Cpu& cpu, const Instruction& insn, T& value) {
    if (insn.memory) return read_operand(cpu, insn, value);
    value = cpu.reg<T>(insn.rm);
    return Outcome::Done;
}
template <class T> inline Outcome write_e(Cpu& cpu, const Instruction& insn, T value) {
    if (insn.memory) return write_operand(cpu, insn, value);
    cpu.set_reg<T>(insn.rm, value);
    return Outcome::Done;
}

// ---- The stack at the current privilege. Nothing changes when an access faults.

namespace access_detail {
template <class T> [[gnu::noinline]] Outcome push_thoroughly(Cpu& cpu, T value) {
    const u32 mask = cpu.stack_mask();
    const u32 sp = (cpu.gpr[reg_ESP] - static_cast<u32>(sizeof(T))) & mask;
    if (const Outcome o = write_memory(cpu, seg_SS, sp, value); failed(o)) return o;
    cpu.gpr[reg_ESP] = (cpu.gpr[reg_ESP] & ~mask) | sp;
    return Outcome::Done;
}
} // namespace access_detail

template <class T> inline Outcome push(Cpu& cpu, T value) {
    const u32 mask = cpu.stack_mask();
    const u32 sp = (cpu.gpr[reg_ESP] - static_cast<u32>(sizeof(T))) & mask;
    u8* const host = quick_write<T>(cpu, seg_SS, sp);
    if (host == nullptr) [[unlikely]]
        return access_detail::push_thoroughly(cpu, value);
    std::memcpy(host, &value, sizeof(T));
    cpu.gpr[reg_ESP] = (cpu.gpr[reg_ESP] & ~mask) | sp;
    return Outcome::Done;
}

// Reads at `depth` bytes above the top, without moving it.
template <class T> inline Outcome peek_stack(Cpu& cpu, u32 depth, T& value) {
    return read_memory(cpu, seg_SS, (cpu.gpr[reg_ESP] + depth) & cpu.stack_mask(), value);
}

inline void drop_stack(Cpu& cpu, u32 bytes) {
    const u32 mask = cpu.stack_mask();
    cpu.gpr[reg_ESP] = (cpu.gpr[reg_ESP] & ~mask) | ((cpu.gpr[reg_ESP] + bytes) & mask);
}

template <class T> inline Outcome pop(Cpu& cpu, T& value) {
    if (const Outcome o = peek_stack(cpu, 0, value); failed(o)) return o;
    drop_stack(cpu, sizeof(T));
    return Outcome::Done;
}

} // namespace truering
