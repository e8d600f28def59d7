#include "cpu/task_state.hpp"

#include "cpu/access.hpp"

namespace truering {

namespace {

// Offsets of the first register of each group; the others follow one item apart.
struct TssLayout {
    u32 eip, eflags, gpr, selectors, ldtr;
    u32 item; // bytes from one field to the next
    unsigned selector_count;
};

constexpr TssLayout layout_16{
    .eip = 14, .eflags = 16, .gpr = 18, .selectors = 34, .ldtr = 42, .item = 2, .selector_count = 4};
constexpr TssLayout layout_32{
    .eip = 0x20, .eflags = 0x24, .gpr = 0x28, .selectors = 0x48, .ldtr = 0x60, .item = 4, .selector_count = 6};
constexpr u32 offset_cr3 = 0x1C;
constexpr u32 offset_trap = 0x64;

const TssLayout& layout(TssFormat format) { return format == TssFormat::Bits32 ? layout_32 : layout_16; }

Outcome read_item(Cpu& cpu, u32 linear, u32 size, u32& value) {
    value = 0;
    return access_detail::slow_read(cpu, linear, &value, size, false);
}

Outcome write_item(Cpu& cpu, u32 linear, u32 size, u32 value) {
    return access_detail::slow_write(cpu, linear, &value, size, false);
}

Outcome read_fields_32_only(Cpu& cpu, u32 base, TaskState& state) {
    u16 trap = 0;
    if (const Outcome o = read_system(cpu, base + offset_cr3, state.cr3); failed(o)) return o;
    if (const Outcome o = read_system(cpu, base + offset_trap, trap); failed(o)) return o;
    state.debug_trap = (trap & 1) != 0;
    return Outcome::Done;
}

} // namespace

Outcome read_task_state(Cpu& cpu, u32 base, TssFormat format, TaskState& state) {
    const TssLayout& at = layout(format);
    const u32 upper = format == TssFormat::Bits16 ? 0xFFFF'0000 : 0;
    if (const Outcome o = read_item(cpu, base + at.eip, at.item, state.eip); failed(o)) return o;
    if (const Outcome o = read_item(cpu, base + at.eflags, at.item, state.eflags); failed(o)) return o;
    for (u32 n = 0; n < 8; ++n) {
        if (const Outcome o = read_item(cpu, base + at.gpr + n * at.item, at.item, state.gpr[n]); failed(o)) return o;
        state.gpr[n] |= upper;
    }
    for (u32 n = 0; n < at.selector_count; ++n)
        if (const Outcome o = read_system(cpu, base + at.selectors + n * at.item, state.selector[n]); failed(o))
            return o;
    if (const Outcome o = read_system(cpu, base + at.ldtr, state.ldtr); failed(o)) return o;
    return format == TssFormat::Bits32 ? read_fields_32_only(cpu, base, state) : Outcome::Done;
}

Outcome write_task_state(Cpu& cpu, u32 base, TssFormat format, const TaskState& state) {
    const TssLayout& at = layout(format);
    if (const Outcome o = write_item(cpu, base + at.eip, at.item, state.eip); failed(o)) return o;
    if (const Outcome o = write_item(cpu, base + at.eflags, at.item, state.eflags); failed(o)) return o;
    for (u32 n = 0; n < 8; ++n)
        if (const Outcome o = write_item(cpu, base + at.gpr + n * at.item, at.item, state.gpr[n]); failed(o)) return o;
    for (u32 n = 0; n < at.selector_count; ++n)
        if (const Outcome o = write_system(cpu, base + at.selectors + n * at.item, state.selector[n]); failed(o))
            return o;
    return Outcome::Done;
}

// The fields span at most two pages: their ends stand for them.
Outcome check_task_state_writable(Cpu& cpu, u32 base, TssFormat format) {
    const TssLayout& at = layout(format);
    const u32 last = base + at.selectors + (at.selector_count - 1) * at.item + 1;
    if (const Outcome o = access_detail::slow_check_write(cpu, base + at.eip, 1, false); failed(o)) return o;
    return access_detail::slow_check_write(cpu, last, 1, false);
}

} // namespace truering
