#include "vmm/io.hpp"

#include "vmm/guest.hpp"
#include "vmm/handlers.hpp"
#include "vmm/hidden_range.hpp"
#include "vmm/instruction.hpp"
#include "vmm/port_filter.hpp"

namespace ringmaster {

namespace {

constexpr u32 bitmap_size = 8192;
alignas(4096) [[gnu::section(".bss.pages")]] u8 bitmap[bitmap_size];

void set_accumulator(u32 size, u32 value) {
    const u32 mask = size == 4 ? ~0u : (1u << (8 * size)) - 1;
    u32& eax = guest().gpr[EAX];
    eax = (eax & ~mask) | (value & mask);
}

// A register as far as the address size uses it.
void add_to(u32& gpr, u32 address_mask, u32 change) { gpr = (gpr & ~address_mask) | ((gpr + change) & address_mask); }

// One iteration of INS or OUTS. The memory side comes first: it may fault, and then nothing has happened.
void string_io(u32 qualification, u16 port, u32 size) {
    const u32 linear = area.exit.qualification_value;
    const bool in = (qualification & io_in) != 0;
    u32 value = 0;
    if (in) {
        if (!probe_guest_write(linear, size)) return;
        value = filtered_input(port, size);
        if (!write_guest(linear, &value, size)) return;
    } else {
        if (!read_guest(linear, &value, size)) return;
        const Verdict verdict = filter_output(port, size, value);
        if (verdict == Verdict::Restarted) return;
        if (verdict == Verdict::Pass) output(port, size, value);
    }
    const u32 mask = (qualification & io_address_32) != 0 ? ~0u : 0xFFFFu;
    u32* const gpr = guest().gpr;
    add_to(gpr[in ? EDI : ESI], mask, (guest().eflags & EFLAGS_DF) != 0 ? 0 - size : size);
    if ((qualification & io_rep) != 0) {
        add_to(gpr[ECX], mask, ~0u);
        if ((gpr[ECX] & mask) != 0) area.exit.instruction_length = 0; // one iteration is through, not yet the last
    }
    skip_instruction();
}

} // namespace

void set_up_io() {
    area.io_bitmap = physical(bitmap);
    watch_ports();
}

u32 input(u16 port, u32 size) { return size == 1 ? in8(port) : size == 2 ? in16(port) : in32(port); }

void output(u16 port, u32 size, u32 value) {
    if (size == 1) return out8(port, static_cast<u8>(value));
    if (size == 2) return out16(port, static_cast<u16>(value));
    out32(port, value);
}

void watch_port(u16 port) { bitmap[port / 8] = static_cast<u8>(bitmap[port / 8] | bit(port % 8)); }
void leave_port(u16 port) { bitmap[port / 8] = static_cast<u8>(bitmap[port / 8] & ~bit(port % 8)); }

void handle_IO() {
    const u32 qualification = area.exit.qualification;
    const u16 port = static_cast<u16>(qualification >> io_port_shift);
    const u32 size = qualification & io_size;
    if ((qualification & io_string) != 0) return string_io(qualification, port, size);
    if ((qualification & io_in) != 0) {
        set_accumulator(size, filtered_input(port, size));
        return skip_instruction();
    }
    u32 value = area.exit.qualification_value;
    const Verdict verdict = filter_output(port, size, value);
    if (verdict == Verdict::Restarted) return;
    if (verdict == Verdict::Pass) output(port, size, value);
    skip_instruction();
}

} // namespace ringmaster
