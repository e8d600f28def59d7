// The model-specific registers that operating systems touch (SDM vol. 4). Others get #GP(0), as on hardware: a kernel
// that probes expects it.
#include "cpu/control.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/paging.hpp"
#include "cpu/v32/entry.hpp"

namespace truering {

namespace {

enum Msr : u32 {
    IA32_P5_MC_ADDR = 0x00,
    IA32_P5_MC_TYPE = 0x01,
    IA32_TIME_STAMP_COUNTER = 0x10,
    IA32_PLATFORM_ID = 0x17,
    IA32_APIC_BASE = 0x1B,
    EBL_CR_POWERON = 0x2A,
    IA32_BIOS_UPDT_TRIG = 0x79,
    IA32_BIOS_SIGN_ID = 0x8B,
    IA32_MTRRCAP = 0xFE,
    BBL_CR_CTL = 0x119,
    BBL_CR_CTL3 = 0x11E,
    IA32_SYSENTER_CS = 0x174,
    IA32_SYSENTER_ESP = 0x175,
    IA32_SYSENTER_EIP = 0x176,
    IA32_MCG_CAP = 0x179,
    IA32_MCG_STATUS = 0x17A,
    IA32_MISC_ENABLE = 0x1A0,
    IA32_MTRR_PHYSBASE0 = 0x200,
    IA32_MTRR_FIX64K_00000 = 0x250,
    IA32_MTRR_FIX16K_80000 = 0x258,
    IA32_MTRR_FIX4K_C0000 = 0x268,
    IA32_PAT = 0x277,
    IA32_MTRR_DEF_TYPE = 0x2FF,
    V32_CAP = v32::msr_V32_CAP, // docs/v32.md section 2
    V32_VCA = v32::msr_V32_VCA,
    IA32_EFER = 0xC000'0080,
};

constexpr u64 value_of_V32_CAP = v32::revision | u64{v32::area_size} << 8 | u64{v32::controls_all} << 32;

constexpr u32 variable_mtrr_registers = 16;

// A register whose value is kept: null if `index` is none of them, or its feature is missing.
u64* stored_register(Cpu& cpu, u32 index) {
    MtrrState& mtrr = cpu.mtrr;
    if (cpu.has(Feature::MTRR)) {
        if (index - IA32_MTRR_PHYSBASE0 < variable_mtrr_registers) return &mtrr.variable[index - IA32_MTRR_PHYSBASE0];
        if (index == IA32_MTRR_FIX64K_00000) return &mtrr.fixed[0];
        if (index - IA32_MTRR_FIX16K_80000 < 2) return &mtrr.fixed[1 + index - IA32_MTRR_FIX16K_80000];
        if (index - IA32_MTRR_FIX4K_C0000 < 8) return &mtrr.fixed[3 + index - IA32_MTRR_FIX4K_C0000];
        if (index == IA32_MTRR_DEF_TYPE) return &mtrr.def_type;
    }
    if (index == IA32_PAT && cpu.has(Feature::PAT)) return &cpu.pat;
    return nullptr;
}

// Memory types 0 UC, 1 WC, 4 WT, 5 WP, 6 WB, and for the PAT 7 UC- (SDM vol. 3A, tables 11-8 and 11-10).
bool valid_memory_types(u64 value, bool pat) {
    for (unsigned n = 0; n < 8; ++n, value >>= 8) {
        const u64 type = value & 0xFF;
        if (type > 7 || type == 2 || type == 3 || (type == 7 && !pat)) return false;
    }
    return true;
}

bool valid_stored(const Cpu& cpu, u32 index, u64 value) {
    if (index == IA32_PAT) return valid_memory_types(value, true);
    if (index == IA32_MTRR_DEF_TYPE) return (value & ~u64{0xCFF}) == 0 && valid_memory_types(value & 0xFF, false);
    if (index - IA32_MTRR_PHYSBASE0 >= variable_mtrr_registers) return valid_memory_types(value, false);
    const u64 above = ~((u64{1} << cpu.model.physical_bits) - 1);
    const u64 reserved = index % 2 == 0 ? 0xF00 : 0x7FF;
    return (value & (above | reserved)) == 0 && (index % 2 == 1 || valid_memory_types(value & 0xFF, false));
}

bool has_sysenter(const Cpu& cpu, u32 index) { return cpu.has(Feature::SEP) && index - IA32_SYSENTER_CS < 3; }

bool is_p6(const Cpu& cpu) { return cpu.has(Feature::CMOV); }
bool is_pentium4(const Cpu& cpu) { return cpu.has(Feature::SSE2); }

// Read as 0 (or their reset value) and ignore writes.
bool is_inert(const Cpu& cpu, u32 index) {
    if (cpu.has(Feature::MCE) && (index == IA32_P5_MC_ADDR || index == IA32_P5_MC_TYPE)) return true;
    if (!is_p6(cpu)) return false;
    return index == EBL_CR_POWERON || index == IA32_BIOS_UPDT_TRIG || index == BBL_CR_CTL || index == BBL_CR_CTL3 ||
           index == IA32_MCG_CAP || index == IA32_MCG_STATUS || (is_pentium4(cpu) && index == IA32_MISC_ENABLE);
}

Outcome write_apic_base(Cpu& cpu, u64 value) {
    const u64 reserved = ~((u64{1} << cpu.model.physical_bits) - 1) | 0x6FF;
    if ((value & reserved) != 0) return raise(cpu, Vector::GP, 0);
    cpu.apic_base = value;
    cpu.apic_base_changed.set((value & 0x800) != 0);
    return Outcome::Leave;
}

Outcome write_efer(Cpu& cpu, u64 value) {
    if ((value & ~u64{EFER_NXE}) != 0) return raise(cpu, Vector::GP, 0);
    cpu.efer = value;
    cpu.flush_tlb();
    return Outcome::Leave;
}

Outcome write_v32_vca(Cpu& cpu, u64 value) {
    constexpr u64 writable = 0xFFFF'F000 | V32_VCA_ENABLE;
    const bool enable = (value & V32_VCA_ENABLE) != 0;
    if ((value & ~writable) != 0 || (enable && !v32::is_whole_RAM(cpu, value & ~u64{V32_VCA_ENABLE}))) return raise(cpu, Vector::GP, 0);
    cpu.write_v32_vca(value);
    return Outcome::Leave;
}

} // namespace

Outcome read_msr(Cpu& cpu, u32 index, u64& value) {
    value = 0;
    if (const u64* const stored = stored_register(cpu, index)) {
        value = *stored;
    } else if (index == IA32_TIME_STAMP_COUNTER && cpu.has(Feature::TSC)) {
        value = cpu.read_tsc();
    } else if (index == IA32_APIC_BASE && cpu.has(Feature::APIC) && is_p6(cpu)) {
        value = cpu.apic_base;
    } else if (index == IA32_PLATFORM_ID && is_p6(cpu)) {
        value = 0; // platform 0 of the microcode update's mask
    } else if (index == IA32_BIOS_SIGN_ID && is_p6(cpu)) {
        value = cpu.microcode_update;
    } else if (index == IA32_MTRRCAP && cpu.has(Feature::MTRR)) {
        value = 0x508; // eight variable ranges, fixed ranges, write combining
    } else if (has_sysenter(cpu, index)) {
        value = index == IA32_SYSENTER_CS    ? cpu.sysenter_cs
                : index == IA32_SYSENTER_ESP ? cpu.sysenter_esp
                                             : cpu.sysenter_eip;
    } else if (index == IA32_EFER && cpu.has(Feature::NX)) {
        value = cpu.efer;
    } else if (index == V32_CAP && cpu.has(Feature::V32)) {
        value = value_of_V32_CAP;
    } else if (index == V32_VCA && cpu.has(Feature::V32)) {
        value = cpu.v32.vca;
    } else if (!is_inert(cpu, index)) {
        return raise(cpu, Vector::GP, 0);
    }
    return Outcome::Done;
}

Outcome write_msr(Cpu& cpu, u32 index, u64 value) {
    if (u64* const stored = stored_register(cpu, index)) {
        if (!valid_stored(cpu, index, value)) return raise(cpu, Vector::GP, 0);
        *stored = value;
    } else if (index == IA32_TIME_STAMP_COUNTER && cpu.has(Feature::TSC)) {
        cpu.tsc_offset += value - cpu.read_tsc();
    } else if (index == IA32_APIC_BASE && cpu.has(Feature::APIC) && is_p6(cpu)) {
        return write_apic_base(cpu, value);
    } else if (index == IA32_BIOS_SIGN_ID && is_p6(cpu)) {
        cpu.microcode_update = 0; // what the processor has in stock; CPUID then tells it: no update
    } else if (has_sysenter(cpu, index)) {
        u32& target = index == IA32_SYSENTER_CS    ? cpu.sysenter_cs
                      : index == IA32_SYSENTER_ESP ? cpu.sysenter_esp
                                                   : cpu.sysenter_eip;
        target = static_cast<u32>(value);
    } else if (index == IA32_EFER && cpu.has(Feature::NX)) {
        return write_efer(cpu, value);
    } else if (index == V32_VCA && cpu.has(Feature::V32)) {
        return write_v32_vca(cpu, value);
    } else if (!is_inert(cpu, index)) {
        return raise(cpu, Vector::GP, 0);
    }
    return Outcome::Leave;
}

} // namespace truering
