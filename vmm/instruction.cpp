#include "vmm/instruction.hpp"

#include "vmm/guest.hpp"
#include "vmm/paging.hpp"

namespace ringmaster {

namespace {

constexpr bool is_prefix(u8 byte) {
    switch (byte) {
    case 0x26:
    case 0x2E:
    case 0x36:
    case 0x3E:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xF0:
    case 0xF2:
    case 0xF3: return true;
    default: return false;
    }
}

LinearMemory memory() { return guest_memory(guest().cpl == 3 ? Privilege::User : Privilege::Supervisor); }

bool finish(LinearOutcome outcome, const LinearMemory& by) {
    if (outcome == LinearOutcome::Done) return true;
    raise_page_fault(by.fault().linear, by.fault().error_code);
    return false;
}

} // namespace

u32 operand_size() {
    constexpr u16 attribute_D = 1u << 10;
    bool wide = (guest().segment[CS].attributes & attribute_D) != 0;
    bool other = false;
    for (const u8 byte : area.exit.instruction_bytes) {
        if (!is_prefix(byte)) break;
        other = other || byte == 0x66;
    }
    wide = wide != other;
    return wide ? 4 : 2;
}

bool read_guest(u32 linear, void* to, u32 size) {
    LinearMemory by = memory();
    return finish(by.read(linear, to, size), by);
}

bool probe_guest_write(u32 linear, u32 size) {
    LinearMemory by = memory();
    return finish(by.probe_write(linear, size), by);
}

bool write_guest(u32 linear, const void* from, u32 size) {
    LinearMemory by = memory();
    return finish(by.write(linear, from, size), by);
}

} // namespace ringmaster
