// RDMSR and WRMSR: the machine's registers themselves, but for those that are the guest's own or the VMM's secret.
//
// SYSENTER_* and EFER live in the guest record, the time-stamp counter has an offset there. The two of V32 mode do not
// exist for the guest. The local APIC must not be moved over the hidden range. What the processor refuses to the VMM,
// it would have refused to the guest: #GP(0).
#include "vmm/msr.hpp"
#include "vmm/enter.hpp"
#include "vmm/guest.hpp"
#include "vmm/handlers.hpp"
#include "vmm/hidden_range.hpp"
#include "vmm/paging.hpp"

namespace ringmaster {

namespace {

enum Msr : u32 {
    IA32_TIME_STAMP_COUNTER = 0x10,
    IA32_APIC_BASE = 0x1B,
    IA32_SYSENTER_CS = 0x174,
    IA32_SYSENTER_ESP = 0x175,
    IA32_SYSENTER_EIP = 0x176,
    IA32_MTRR_PHYSBASE0 = 0x200,
    IA32_PAT = 0x277,
    IA32_MTRR_DEF_TYPE = 0x2FF,
    IA32_EFER = 0xC000'0080,
};

// A register of 32 bits that the guest record holds, or null.
u32* record_of(u32 index) {
    switch (index) {
    case IA32_SYSENTER_CS: return &guest().sysenter_cs;
    case IA32_SYSENTER_ESP: return &guest().sysenter_esp;
    case IA32_SYSENTER_EIP: return &guest().sysenter_eip;
    default: return nullptr;
    }
}

bool is_secret(u32 index) { return index == msr_V32_CAP || index == msr_V32_VCA; }

void set_tsc_offset(u64 offset) {
    area.tsc_offset[0] = static_cast<u32>(offset);
    area.tsc_offset[1] = static_cast<u32>(offset >> 32);
}

bool read(u32 index, u64& value) {
    if (is_secret(index) || try_rdmsr(index, &value) == 0) return false;
    if (const u32* const own = record_of(index)) value = *own;
    if (index == IA32_EFER) value = visible().efer;
    if (index == IA32_TIME_STAMP_COUNTER) value += wide(area.tsc_offset);
    return true;
}

bool write(u32 index, u64 value) {
    if (is_secret(index)) return false;
    if (index == IA32_EFER) return load_efer(value);
    if (index == IA32_APIC_BASE && hidden.contains(value & ~u64{page_offset_mask})) return false;
    if (u32* const own = record_of(index)) {
        u64 exists = 0;
        if (try_rdmsr(index, &exists) == 0) return false;
        *own = static_cast<u32>(value);
        return true;
    }
    if (index == IA32_TIME_STAMP_COUNTER) {
        set_tsc_offset(value - rdtsc());
        return true;
    }
    return try_wrmsr(index, static_cast<u32>(value), static_cast<u32>(value >> 32)) != 0;
}

struct ResetValue {
    u32 index;
    u64 value;
};
constexpr u32 variable_mtrrs = 16;
constexpr ResetValue reset_values[] = {
    {IA32_APIC_BASE, 0xFEE0'0900}, // enabled, the bootstrap processor's
    {IA32_PAT, 0x0007'0406'0007'0406},
    {IA32_MTRR_DEF_TYPE, 0},
};

} // namespace

void reset_MSRs() {
    for (const ResetValue& msr : reset_values) // one that the processor does not have is refused, and that is all right
        try_wrmsr(msr.index, static_cast<u32>(msr.value), static_cast<u32>(msr.value >> 32));
    for (u32 n = 0; n < variable_mtrrs; ++n) try_wrmsr(IA32_MTRR_PHYSBASE0 + n, 0, 0);
    set_tsc_offset(0 - rdtsc());
}

void handle_MSR_READ() {
    u32* const gpr = guest().gpr;
    u64 value = 0;
    if (!read(gpr[ECX], value)) return raise(Vector::GP, 0);
    gpr[EAX] = static_cast<u32>(value);
    gpr[EDX] = static_cast<u32>(value >> 32);
    skip_instruction();
}

void handle_MSR_WRITE() {
    const u32* const gpr = guest().gpr;
    if (!write(gpr[ECX], u64{gpr[EDX]} << 32 | gpr[EAX])) return raise(Vector::GP, 0);
    skip_instruction();
}

} // namespace ringmaster
