// The upper VMM as a guest: registers of paging, MSRs, its first state, and what it may not do.
#include "tests/vmm/nested/nested.hpp"

extern "C" const truering::u8 upper_image[];

namespace nested {

u32 identity_directory(); // main.cpp

namespace {

constexpr u32 CR0_PE = 1, CR0_MP = 2, CR0_EM = 4, CR0_TS = 8, CR0_ET = 0x10, CR0_NW = 1u << 29, CR0_CD = 1u << 30,
              CR0_PG = 1u << 31, CR0_defined = 0xE005'003F;
constexpr u32 CR4_PSE = 0x10, CR4_PAE = 0x20, CR4_V32 = 1u << V32_CR4_BIT;
constexpr u32 EFLAGS_TF = 0x100, EFLAGS_IF = 0x200, EFLAGS_RF = 0x1'0000;
constexpr u32 UD = 6, GP = 13;
constexpr u16 debug_exit = 0xF4;

alignas(4096) u8 io_bitmap[8192];

StateRecord& upper() { return upper_area.guest; }
const ExitInformation& exit() { return upper_area.exit; }

void skip() {
    upper().eip += exit().instruction_length;
    upper().interruptibility &= ~3u;
    if ((upper().eflags & EFLAGS_TF) != 0) upper().pending_debug |= 1u << 14;
}

bool load_cr0(u32 value) {
    value = (value & CR0_defined) | CR0_ET;
    if ((value & (CR0_PG | CR0_PE)) == CR0_PG || (value & (CR0_NW | CR0_CD)) == CR0_NW) return false;
    visible.cr0 = value;
    upper_area.tlb_drop = drop_all;
    return true;
}

bool load_cr4(u32 value) {
    constexpr u32 known = 0x7FF; // VME to OSXMMEXCPT
    if ((value & (CR4_V32 | ~known)) != 0) return false;
    visible.cr4 = value;
    upper_area.tlb_drop = drop_all;
    return true;
}

void handle_CR_ACCESS() {
    const u32 q = exit().qualification, reg = q & cr_register;
    const u32 gpr = (q & operand_register) >> operand_register_shift;
    bool loaded = true;
    switch (q & cr_operation) {
    case cr_MOV_to: {
        const u32 value = exit().qualification_value;
        if (reg == 0) loaded = load_cr0(value);
        if (reg == 4) loaded = load_cr4(value);
        if (reg == 3) {
            visible.cr3 = value;
            upper_area.tlb_drop = drop_non_global;
        }
        break;
    }
    case cr_MOV_from: upper().gpr[gpr] = reg == 0 ? visible.cr0 : reg == 3 ? visible.cr3 : visible.cr4; break;
    case cr_CLTS: visible.cr0 &= ~CR0_TS; break;
    case cr_LMSW: {
        u32 word = exit().qualification_value;
        if ((q & operand_in_memory) != 0) word = *reinterpret_cast<const u16*>(upper_memory(word));
        loaded = load_cr0((visible.cr0 & ~(CR0_MP | CR0_EM | CR0_TS)) | (word & (CR0_PE | CR0_MP | CR0_EM | CR0_TS)));
        break;
    }
    default: // SMSW
        if ((q & operand_in_memory) != 0)
            *reinterpret_cast<u16*>(upper_memory(exit().qualification_value)) = static_cast<u16>(visible.cr0);
        else if (exit().instruction_bytes[0] == 0x66)
            upper().gpr[gpr] = (upper().gpr[gpr] & 0xFFFF'0000) | (visible.cr0 & 0xFFFF);
        else
            upper().gpr[gpr] = visible.cr0;
    }
    if (!loaded) return raise_in_upper(GP, 0);
    skip();
}

// A register of 32 bits in the record, or null.
u32* record_of(u32 index) {
    switch (index) {
    case 0x174: return &upper().sysenter_cs;
    case 0x175: return &upper().sysenter_esp;
    case 0x176: return &upper().sysenter_eip;
    case 0xC000'0080: return &upper().efer[0];
    default: return nullptr;
    }
}

void handle_MSR_READ() {
    const u32 index = upper().gpr[ECX];
    u32 value[2] = {};
    if (try_rdmsr(index, value) == 0) return raise_in_upper(GP, 0);
    if (const u32* const own = record_of(index)) value[0] = *own;
    if (index == msr_V32_VCA) value[0] = visible.vca;
    upper().gpr[EAX] = value[0];
    upper().gpr[EDX] = value[1];
    skip();
}

// V32_VCA: the processor says which values it takes; the next entry is by the lower VMM's own again.
void handle_MSR_WRITE() {
    const u32 index = upper().gpr[ECX], low = upper().gpr[EAX], high = upper().gpr[EDX];
    u32* const own = record_of(index);
    if (own != nullptr && index != 0xC000'0080)
        *own = low;
    else if (try_wrmsr(index, low, high) == 0)
        return raise_in_upper(GP, 0);
    else if (own != nullptr)
        *own = low;
    if (index == msr_V32_VCA) visible.vca = low;
    skip();
}

void handle_CPUID() {
    u32* const gpr = upper().gpr;
    asm volatile("cpuid" : "+a"(gpr[EAX]), "=b"(gpr[EBX]), "+c"(gpr[ECX]), "=d"(gpr[EDX]));
    skip();
}

void handle_V32ENTER() {
    const bool exists = (visible.vca & V32_VCA_ENABLE) != 0 && (visible.cr0 & CR0_PG) != 0;
    if (!exists) return raise_in_upper(UD, no_error_code);
    enter_inner();
}

// Its verdict has been said: a line of ours, and the end.
void handle_IO() {
    const u32 q = exit().qualification;
    if (q >> io_port_shift != debug_exit || (q & io_in) != 0) give_up("a port that nobody asked for");
    const auto say_count = [](u32 count, const char* of_what) {
        say_decimal(count);
        say(of_what);
    };
    say("NESTED ");
    say_count(counters.entries, " entries of inner guests, ");
    say_count(counters.refused, " refused; ");
    say_count(counters.reflected, " exits for the upper VMM, ");
    say_count(counters.kept, " for the lower alone\n");
    while (true) {
        u8 status;
        asm volatile("inb %1, %0" : "=a"(status) : "Nd"(u16{0x3FD}));
        if ((status & 0x40) != 0) break;
    }
    asm volatile("outb %0, %1" : : "a"(static_cast<u8>(exit().qualification_value)), "Nd"(debug_exit));
    for (;;) asm volatile("hlt");
}

struct ElfHeader {
    u8 identification[16];
    u16 type, machine;
    u32 version, entry, program_offset, section_offset, flags;
    u16 header_size, program_size, program_count;
};
struct ElfProgram {
    u32 type, offset, address, physical, file_size, memory_size;
};

u32 place_image() {
    const auto& header = *reinterpret_cast<const ElfHeader*>(upper_image);
    for (u32 n = 0; n < header.program_count; ++n) {
        const auto& program =
            *reinterpret_cast<const ElfProgram*>(upper_image + header.program_offset + n * header.program_size);
        if (program.type != 1) continue;
        auto* const to = reinterpret_cast<u8*>(program.address);
        for (u32 k = 0; k < program.memory_size; ++k)
            to[k] = k < program.file_size ? upper_image[program.offset + k] : u8{0};
    }
    return header.entry;
}

} // namespace

void start_upper() {
    StateRecord& g = upper();
    upper_area.revision = V32_REVISION;
    upper_area.controls = IF_SHADOW;
    upper_area.io_bitmap = reinterpret_cast<u32>(io_bitmap);
    io_bitmap[debug_exit / 8] = 1 << debug_exit % 8;
    for (u32 n = 0; n < 32; ++n) upper_area.redirect_events[n] = upper_area.redirect_software[n] = 0xFF;
    g.eip = place_image();
    g.eflags = 2 | EFLAGS_IF; // the physical mask: open for good
    g.dr6 = 0xFFFF'0FF0;
    g.dr7 = 0x400;
    for (SegmentRecord& s : g.segment) s = {0x10, 0xC93, ~0u, 0};
    g.segment[CS] = {8, 0xC9B, ~0u, 0};
    g.segment[LDTR] = {0, attributes_unusable, 0, 0};
    g.segment[TR] = {0, 0x8B, 0xFFFF, 0};
    g.gpr[EAX] = 0x2BAD'B002;
    visible = {CR0_PE | CR0_ET, 0, 0, 0};
}

// Without paging of its own the upper VMM has the lower one's tables, one to one.
void show_registers() {
    const bool paging = (visible.cr0 & CR0_PG) != 0;
    if (paging && (visible.cr4 & CR4_PAE) != 0) give_up("PAE in the upper VMM");
    upper().cr0 = visible.cr0 | CR0_PG;
    upper().cr3 = paging ? visible.cr3 : identity_directory();
    upper().cr4 = paging ? visible.cr4 : visible.cr4 | CR4_PSE;
}

void raise_in_upper(u32 vector, u32 error_code) {
    const bool coded = error_code != no_error_code;
    upper_area.inject_event =
        event_valid | event_exception << event_type_shift | vector | (coded ? event_has_error_code : 0u);
    upper_area.inject_error_code = coded ? error_code : 0;
    upper().eflags |= EFLAGS_RF;
}

u8* upper_memory(u32 linear) {
    if ((visible.cr0 & CR0_PG) == 0) return reinterpret_cast<u8*>(linear);
    const u32 pde = reinterpret_cast<const u32*>(visible.cr3 & ~0xFFFu)[linear >> 22];
    if ((pde & 1) == 0) give_up("the upper VMM's tables or stack are not there");
    if ((pde & 0x80) != 0 && (visible.cr4 & CR4_PSE) != 0)
        return reinterpret_cast<u8*>((pde & 0xFFC0'0000) | (linear & 0x3F'FFFF));
    const u32 pte = reinterpret_cast<const u32*>(pde & ~0xFFFu)[linear >> 12 & 1023];
    if ((pte & 1) == 0) give_up("the upper VMM's tables or stack are not there");
    return reinterpret_cast<u8*>((pte & ~0xFFFu) | (linear & 0xFFF));
}

void handle_upper_exit() {
    switch (static_cast<Reason>(exit().exit_reason)) {
    case Reason::CR_ACCESS: return handle_CR_ACCESS();
    case Reason::MSR_READ: return handle_MSR_READ();
    case Reason::MSR_WRITE: return handle_MSR_WRITE();
    case Reason::CPUID: return handle_CPUID();
    case Reason::CACHE: return skip();
    case Reason::V32ENTER: return handle_V32ENTER();
    case Reason::V32CALL: return raise_in_upper(UD, no_error_code); // it is root, it believes
    case Reason::IO: return handle_IO();
    case Reason::SHUTDOWN: give_up("a triple fault of the upper VMM");
    default: give_up("an exit of the upper VMM that it has no answer to");
    }
}

} // namespace nested
