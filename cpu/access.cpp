// The slow path of memory access: page by page, devices, code, breakpoints, alignment.
#include "cpu/access.hpp"

#include "cpu/events.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/interpreter/block_cache.hpp"
#include "cpu/paging.hpp"

#include <algorithm>

namespace truering::access_detail {

namespace {

// An access as one or two stretches, each within a page.
struct Stretch {
    u64 physical = 0;
    unsigned size = 0;
};

struct Stretches {
    Stretch part[2];
    unsigned count = 0;
};

// #AC (SDM vol. 3A, 6.15, interrupt 17): at CPL 3 only, for accesses of the program itself.
bool misaligned(const Cpu& cpu, u32 linear, unsigned size, bool user) {
    if (!user || (cpu.cr0 & CR0_AM) == 0 || !cpu.flag(EFLAGS_AC)) return false;
    if (size == 16) return false; // 16 bytes raise #GP where they must be aligned; MOVUPS and MOVDQU raise nothing
    const unsigned alignment = size == 10 ? 8 : size == 6 ? 4 : size;
    return (linear & (alignment - 1)) != 0;
}

Outcome locate(Cpu& cpu, u32 linear, unsigned size, AccessKind kind, bool user, Stretches& found) {
    const unsigned first = std::min(size, page_size - page_offset(linear));
    u32 at = linear;
    for (const unsigned part : {first, size - first}) {
        if (part == 0) continue;
        u64 physical_page = 0;
        if (const Outcome o = translate(cpu, at, kind, user, physical_page); failed(o)) return o;
        found.part[found.count++] = {physical_page | page_offset(at), part};
        at += part;
    }
    if (misaligned(cpu, linear, size, user)) return raise(cpu, Vector::AC, 0);
    return Outcome::Done;
}

// The largest piece that a device can be asked for at once.
unsigned piece(unsigned left) { return left >= 4 ? 4 : left >= 2 ? 2 : 1; }

} // namespace

Outcome slow_read(Cpu& cpu, u32 linear, void* to, unsigned size, bool user) {
    Stretches found;
    if (const Outcome o = locate(cpu, linear, size, AccessKind::Read, user, found); failed(o)) return o;
    cpu.host_mxcsr.leave(cpu.sse); // a device may compute with floating point
    u8* out = static_cast<u8*>(to);
    for (unsigned n = 0; n < found.count; ++n) {
        Physical at{found.part[n].physical};
        for (unsigned left = found.part[n].size; left != 0;) {
            const unsigned bytes = piece(left);
            const u32 value = cpu.memory.read(at, bytes);
            std::memcpy(out, &value, bytes);
            out += bytes;
            at = at + bytes;
            left -= bytes;
        }
    }
    note_data_access(cpu, linear, size, false);
    return Outcome::Done;
}

u8* beside_code(Cpu& cpu, u32 linear, unsigned size) {
    const TlbView& view = *cpu.tlb_view;
    if (!view.has(linear, tlb_write) || page_offset(linear) + size > page_size) return nullptr;
    const Physical at{view.physical_page(linear) | page_offset(linear)};
    const PageMapping& page = cpu.memory.page(at);
    if (page.code_granules == 0 || page.write != page.read || cpu.blocks().holds(at.value, size)) return nullptr;
    return page.write + page_offset(linear);
}

Outcome slow_write(Cpu& cpu, u32 linear, const void* from, unsigned size, bool user) {
    if (user == (cpu.cpl == 3)) {
        if (u8* const host = beside_code(cpu, linear, size)) {
            std::memcpy(host, from, size);
            return Outcome::Done;
        }
    }
    Stretches found;
    if (const Outcome o = locate(cpu, linear, size, AccessKind::Write, user, found); failed(o)) return o;
    cpu.host_mxcsr.leave(cpu.sse); // a device may compute with floating point
    const u8* in = static_cast<const u8*>(from);
    for (unsigned n = 0; n < found.count; ++n) {
        Physical at{found.part[n].physical};
        for (unsigned left = found.part[n].size; left != 0;) {
            const unsigned bytes = piece(left);
            u32 value = 0;
            std::memcpy(&value, in, bytes);
            cpu.memory.write(at, value, bytes);
            in += bytes;
            at = at + bytes;
            left -= bytes;
        }
    }
    note_data_access(cpu, linear, size, true);
    return Outcome::Done;
}

Outcome slow_check_write(Cpu& cpu, u32 linear, unsigned size, bool user) {
    Stretches found;
    return locate(cpu, linear, size, AccessKind::Write, user, found);
}

Outcome segment_fault(Cpu& cpu, SegmentIndex index) { return raise(cpu, index == seg_SS ? Vector::SS : Vector::GP, 0); }

Outcome check_read_slowly(Cpu& cpu, SegmentIndex index, u32 offset, unsigned size) {
    return cpu.segment[index].may_read(offset, size) ? Outcome::Done : segment_fault(cpu, index);
}

Outcome check_write_slowly(Cpu& cpu, SegmentIndex index, u32 offset, unsigned size) {
    return cpu.segment[index].may_write(offset, size) ? Outcome::Done : segment_fault(cpu, index);
}

} // namespace truering::access_detail

namespace truering {

Outcome check_write(Cpu& cpu, SegmentIndex index, u32 offset, unsigned size) {
    const Segment& segment = cpu.segment[index];
    if (!segment.may_write(offset, size)) return access_detail::segment_fault(cpu, index);
    return access_detail::slow_check_write(cpu, segment.base + offset, size, cpu.cpl == 3);
}

} // namespace truering
