#include "vmm/task_segments.hpp"

namespace ringmaster {

namespace {

constexpr u32 selector_TI = 4;
constexpr u32 index_bits = 0xFFF8;
constexpr u32 descriptor_size = 8;
constexpr u32 type_byte = 5;
constexpr u32 bit_accessed = 1u << 8; // of a descriptor's upper half
constexpr u32 bit_G = 1u << 23;
constexpr unsigned type_LDT = 2;
constexpr u16 attributes_8086 = 0xF3; // present, DPL 3, writable data, accessed

u32 as_error_code(u16 selector) { return selector & 0xFFFCu; }

} // namespace

u32 TableDescriptor::limit() const {
    const u32 units = (low & 0xFFFF) | (high & 0xF'0000);
    return (high & bit_G) != 0 ? units << 12 | page_offset_mask : units;
}

v32::SegmentRecord TableDescriptor::record() const {
    const u32 attributes = ((high >> 8) & 0xFF) | ((high >> 12) & 0xF00);
    return {selector, static_cast<u16>(attributes), limit(), base()};
}

Step TaskSegments::fail(TaskFault with, u32 code) {
    vector = with;
    error_code = code;
    return Step::Faulted;
}

Step TaskSegments::read(u32 linear, void* to, u32 size) {
    PageFault fault;
    if (memory_.read(memory_.context, linear, to, size, fault)) return Step::Done;
    fault_linear = fault.linear;
    return fail(TaskFault::PF, fault.error_code);
}

Step TaskSegments::write(u32 linear, const void* from, u32 size) {
    PageFault fault;
    if (memory_.write(memory_.context, linear, from, size, fault)) return Step::Done;
    fault_linear = fault.linear;
    return fail(TaskFault::PF, fault.error_code);
}

Step TaskSegments::probe(u32 linear, u32 size) {
    PageFault fault;
    if (memory_.probe_write(memory_.context, linear, size, fault)) return Step::Done;
    fault_linear = fault.linear;
    return fail(TaskFault::PF, fault.error_code);
}

Step TaskSegments::push(u32 linear, const void* from, u32 size) {
    constexpr u32 user_level = 3;
    if (guest_.cpl != user_level) return write(linear, from, size);
    PageFault fault;
    if (memory_.write_as_user(memory_.context, linear, from, size, fault)) return Step::Done;
    fault_linear = fault.linear;
    return fail(TaskFault::PF, fault.error_code);
}

Step TaskSegments::load_CR3(u32 value) {
    if (!memory_.load_CR3(memory_.context, value)) return fail(TaskFault::GP, 0);
    guest_.cr3 = value;
    return Step::Done;
}

Step TaskSegments::find(u16 selector, TaskFault with, TableDescriptor& found) {
    const v32::SegmentRecord& ldt = guest_.segment[in_LDTR];
    const bool in_LDT = (selector & selector_TI) != 0;
    const bool has_table = !in_LDT || (ldt.attributes & v32::attributes_unusable) == 0;
    const u32 base = in_LDT ? ldt.base : guest_.gdtr.base;
    const u32 limit = in_LDT ? ldt.limit : guest_.gdtr.limit;
    const u32 offset = selector & index_bits;
    if (is_null(selector) || !has_table || offset + (descriptor_size - 1) > limit)
        return fail(with, as_error_code(selector));
    found.selector = selector;
    found.linear = base + offset;
    u32 halves[2] = {};
    const Step step = read(found.linear, halves);
    found.low = halves[0];
    found.high = halves[1];
    return step;
}

Step TaskSegments::set_accessed(TableDescriptor& descriptor) {
    if ((descriptor.high & bit_accessed) != 0) return Step::Done;
    descriptor.high |= bit_accessed;
    return write(descriptor.linear + type_byte, static_cast<u8>(descriptor.high >> 8));
}

Step TaskSegments::load_LDTR(u16 selector) {
    if (is_null(selector)) return Step::Done;
    TableDescriptor ldt;
    if ((selector & selector_TI) != 0) return fail(TaskFault::TS, as_error_code(selector));
    if (find(selector, TaskFault::TS, ldt) == Step::Faulted) return Step::Faulted;
    if (!ldt.is_system() || ldt.type() != type_LDT || !ldt.is_present())
        return fail(TaskFault::TS, as_error_code(selector));
    guest_.segment[in_LDTR] = ldt.record();
    return Step::Done;
}

Step TaskSegments::load_SS(u16 selector, unsigned level) {
    TableDescriptor stack;
    if (find(selector, TaskFault::TS, stack) == Step::Faulted) return Step::Faulted;
    if (stack.RPL() != level || stack.DPL() != level || !stack.is_writable_data())
        return fail(TaskFault::TS, as_error_code(selector));
    if (!stack.is_present()) return fail(TaskFault::SS, as_error_code(selector));
    if (set_accessed(stack) == Step::Faulted) return Step::Faulted;
    guest_.segment[in_SS] = stack.record();
    return Step::Done;
}

Step TaskSegments::load_data(unsigned index, u16 selector) {
    if (is_null(selector)) return Step::Done;
    TableDescriptor data;
    if (find(selector, TaskFault::TS, data) == Step::Faulted) return Step::Faulted;
    const unsigned weaker = data.RPL() > guest_.cpl ? data.RPL() : guest_.cpl;
    const bool allowed = data.is_conforming_code() || weaker <= data.DPL();
    if (!data.is_readable() || !allowed) return fail(TaskFault::TS, as_error_code(selector));
    if (!data.is_present()) return fail(TaskFault::NP, as_error_code(selector));
    if (set_accessed(data) == Step::Faulted) return Step::Faulted;
    guest_.segment[index] = data.record();
    return Step::Done;
}

Step TaskSegments::load_CS(u16 selector) {
    TableDescriptor code;
    if (find(selector, TaskFault::TS, code) == Step::Faulted) return Step::Faulted;
    const bool allowed = code.is_conforming_code() ? code.DPL() <= code.RPL() : code.DPL() == code.RPL();
    if (!code.is_code() || !allowed) return fail(TaskFault::TS, as_error_code(selector));
    if (!code.is_present()) return fail(TaskFault::NP, as_error_code(selector));
    if (set_accessed(code) == Step::Faulted) return Step::Faulted;
    guest_.segment[in_CS] = code.record();
    return Step::Done;
}

void TaskSegments::load_8086(unsigned index, u16 selector) {
    guest_.segment[index] = {selector, attributes_8086, 0xFFFF, u32{selector} << 4};
}

void TaskSegments::load_null(unsigned index, u16 selector) {
    guest_.segment[index] = {selector, v32::attributes_unusable, 0, 0};
}

} // namespace ringmaster
