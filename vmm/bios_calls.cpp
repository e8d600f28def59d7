#include "vmm/bios_calls.hpp"

#include "vmm/bios_page.hpp"
#include "vmm/guest.hpp"
#include "vmm/handlers.hpp"
#include "vmm/instruction.hpp"
#include "vmm/low_memory.hpp"
#include "vmm/memory_map.hpp"
#include "vmm/paging.hpp"

namespace ringmaster {

namespace {

constexpr u32 mebibyte = 1u << 20;
constexpr u32 SMAP = 0x534D'4150;

enum class Answer { NotOurs, Done, Failed };

void set_low(u32& gpr, u32 value) { gpr = (gpr & 0xFFFF'0000) | (value & 0xFFFF); }

// E820H: the entry of number EBX to ES:DI; EBX becomes the next number, or 0.
Answer map_entry() {
    u32* const gpr = guest().gpr;
    struct {
        u64 base, length;
        u32 type;
    } entry{};
    constexpr u32 entry_size = 20;
    const u32 number = gpr[EBX];
    if (number >= guest_map.count || gpr[ECX] < entry_size) return Answer::Failed;
    const MapEntry& source = guest_map.entry[number];
    entry = {source.base, source.length, source.type};
    if (!write_guest(guest().segment[ES].base + (gpr[EDI] & 0xFFFF), &entry, entry_size)) return Answer::Failed;
    gpr[EAX] = SMAP;
    gpr[ECX] = entry_size;
    gpr[EBX] = number + 1 < guest_map.count ? number + 1 : 0;
    return Answer::Done;
}

u32 least(u64 value, u32 most) { return value < most ? static_cast<u32>(value) : most; }

// E801H: AX, CX: KiB from 1 MiB to 16 MiB; BX, DX: 64-KiB blocks above.
Answer size_in_two() {
    u32* const gpr = guest().gpr;
    const u32 low = least(guest_map.ram_from(mebibyte), 15 * mebibyte) / 1024;
    const u32 high = least(guest_map.ram_from(16 * mebibyte) / 65536, 0xFFFF);
    set_low(gpr[EAX], low);
    set_low(gpr[ECX], low);
    set_low(gpr[EBX], high);
    set_low(gpr[EDX], high);
    return Answer::Done;
}

// 88H: AX: KiB from 1 MiB, as far as 16 bits go.
Answer extended_size() {
    set_low(guest().gpr[EAX], least(guest_map.ram_from(mebibyte) / 1024, 0xFC00));
    return Answer::Done;
}

Answer answer_memory_call() {
    constexpr u32 carry_code = 0x86; // AH: no such function
    const u32 ax = guest().gpr[EAX] & 0xFFFF;
    Answer answer = Answer::NotOurs;
    if (ax == 0xE820 && guest().gpr[EDX] == SMAP)
        answer = map_entry();
    else if (ax == 0xE801)
        answer = size_in_two();
    else if (ax >> 8 == 0x88)
        answer = extended_size();
    if (answer == Answer::Failed) set_low(guest().gpr[EAX], carry_code << 8 | (ax & 0xFF));
    return answer;
}

// IRET from the BIOS, with the answer's carry flag in the flags that the INT or the caller has pushed.
void return_from_bios(Answer answer) {
    const SegmentRecord& stack = guest().segment[SS];
    u32& esp = guest().gpr[ESP];
    u16 frame[3] = {}; // IP, CS, FLAGS
    for (u32 n = 0; n < 3; ++n)
        if (!read_guest(stack.base + ((esp + 2 * n) & 0xFFFF), &frame[n], sizeof frame[n])) return;
    constexpr u32 loaded = 0x7FD5;
    const u32 flags = (frame[2] & ~u32{EFLAGS_CF}) | (answer == Answer::Failed ? EFLAGS_CF : 0u);
    const u32 physical_if = guest().eflags & EFLAGS_IF; // SHADOW and TRAP: not the guest's
    guest().eflags = (guest().eflags & 0xFFFE'0000) | (flags & loaded & ~u32{EFLAGS_IF}) | EFLAGS_fixed | physical_if;
    set_visible_if((flags & EFLAGS_IF) != 0 ? 1 : 0);
    set_low(esp, esp + sizeof frame);
    guest().eip = frame[0];
    guest().segment[CS].selector = frame[1];
    guest().segment[CS].base = u32{frame[1]} * 16;
    guest().interruptibility = 0;
}

} // namespace

void bios_entered() {
    const Answer answer = answer_memory_call();
    if (answer == Answer::NotOurs)
        step_original();
    else
        return_from_bios(answer);
}

void handle_SOFT_INT() {
    constexpr u32 memory_vector = 0x15, boot_vector = 0x19;
    const u32 vector = area.exit.qualification & soft_vector;
    if (guest_protected()) return inject(area.exit.event);
    if (vector == boot_vector) install_bios_page(); // the firmware has set itself up again
    const bool is_BIOS = guest().idtr.base == 0 && real_vector(memory_vector) == bios_memory_entry();
    if (vector == memory_vector && is_BIOS) {
        const Answer answer = answer_memory_call();
        if (answer != Answer::NotOurs) {
            guest().eflags = (guest().eflags & ~u32{EFLAGS_CF}) | (answer == Answer::Failed ? EFLAGS_CF : 0u);
            return skip_instruction();
        }
    }
    inject(area.exit.event);
}

} // namespace ringmaster
