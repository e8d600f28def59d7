// MOV to and from CR0, CR3, CR4; CLTS, LMSW, SMSW: as a bare processor does them, from the exit information alone.
//
// Source: SDM volume 2 at these instructions; docs/v32.md, 8, for the qualification.
#include "vmm/guest.hpp"
#include "vmm/handlers.hpp"
#include "vmm/instruction.hpp"
#include "vmm/paging.hpp"

namespace ringmaster {

namespace {

u32& operand_gpr(u32 qualification) {
    return guest().gpr[(qualification & operand_register) >> operand_register_shift];
}

bool mov_to(u32 qualification, u32 value) {
    switch (qualification & cr_register) {
    case 0: return load_cr0(value);
    case 3: return load_cr3(value);
    default: return load_cr4(value);
    }
}

u32 value_of(u32 qualification) {
    switch (qualification & cr_register) {
    case 0: return visible().cr0;
    case 3: return visible().cr3;
    default: return visible().cr4;
    }
}

// Loads PE, MP, EM and TS, but never clears PE.
bool lmsw(u32 qualification, u32 value) {
    constexpr u32 loaded = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
    if ((qualification & operand_in_memory) != 0) {
        u16 word = 0;
        if (!read_guest(value, &word, sizeof word)) return true;
        value = word;
    }
    const u32 cr0 = visible().cr0;
    if (!load_cr0((cr0 & ~(loaded & ~u32{CR0_PE})) | (value & loaded))) return false;
    skip_instruction();
    return true;
}

void smsw(u32 qualification, u32 linear) {
    const u32 cr0 = visible().cr0;
    if ((qualification & operand_in_memory) != 0) {
        const u16 word = static_cast<u16>(cr0);
        if (!write_guest(linear, &word, sizeof word)) return;
    } else if (operand_size() == 2) {
        u32& gpr = operand_gpr(qualification);
        gpr = (gpr & 0xFFFF'0000) | (cr0 & 0xFFFF);
    } else {
        operand_gpr(qualification) = cr0;
    }
    skip_instruction();
}

} // namespace

void handle_CR_ACCESS() {
    const u32 qualification = area.exit.qualification;
    const u32 value = area.exit.qualification_value;
    switch (qualification & cr_operation) {
    case cr_MOV_from: operand_gpr(qualification) = value_of(qualification); return skip_instruction();
    case cr_SMSW: return smsw(qualification, value);
    case cr_LMSW:
        if (!lmsw(qualification, value)) raise(Vector::GP, 0);
        return;
    case cr_CLTS:
        (void)load_cr0(visible().cr0 & ~u32{CR0_TS}); // nothing that could be refused
        return skip_instruction();
    default: // cr_MOV_to
        if (!mov_to(qualification, value)) return raise(Vector::GP, 0);
        return skip_instruction();
    }
}

} // namespace ringmaster
