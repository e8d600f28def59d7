#include "cpu/control.hpp"

#include "cpu/exceptions.hpp"
#include "cpu/paging.hpp"

namespace truering {

Outcome write_cr0(Cpu& cpu, u32 value) {
    value = (value & CR0_all) | CR0_ET;
    if ((value & CR0_PG) != 0 && (value & CR0_PE) == 0) return raise(cpu, Vector::GP, 0);
    if ((value & CR0_NW) != 0 && (value & CR0_CD) == 0) return raise(cpu, Vector::GP, 0);
    const u32 changed = value ^ cpu.cr0;
    const bool starts_paging = (changed & value & CR0_PG) != 0;
    if (starts_paging && (cpu.cr4 & CR4_PAE) != 0)
        if (const Outcome o = load_pdptes(cpu, cpu.cr3); failed(o)) return o;
    cpu.cr0 = value;
    if ((changed & (CR0_PG | CR0_WP | CR0_PE)) != 0) cpu.flush_tlb();
    if ((changed & CR0_PE) != 0) {
        cpu.set_cpl(0);
        cpu.update_segments();
    }
    cpu.update_view();
    return Outcome::Leave;
}

Outcome write_cr3(Cpu& cpu, u32 value) {
    if (cpu.paging() && (cpu.cr4 & CR4_PAE) != 0)
        if (const Outcome o = load_pdptes(cpu, value); failed(o)) return o;
    cpu.cr3 = value;
    cpu.flush_tlb_non_global();
    return Outcome::Leave;
}

u32 supported_cr4(const Cpu& cpu) {
    u32 bits = 0;
    const auto allow = [&](Feature feature, u32 mask) { bits |= cpu.has(feature) ? mask : 0; };
    allow(Feature::VME, CR4_VME | CR4_PVI);
    allow(Feature::TSC, CR4_TSD);
    allow(Feature::DE, CR4_DE);
    allow(Feature::PSE, CR4_PSE);
    allow(Feature::PAE, CR4_PAE);
    allow(Feature::MCE, CR4_MCE);
    allow(Feature::PGE, CR4_PGE);
    allow(Feature::CMOV, CR4_PCE); // RDPMC came with the P6
    allow(Feature::FXSR, CR4_OSFXSR);
    allow(Feature::SSE, CR4_OSXMMEXCPT);
    allow(Feature::UMIP, CR4_UMIP);
    return bits;
}

Outcome write_cr4(Cpu& cpu, u32 value) {
    if ((value & ~supported_cr4(cpu)) != 0) return raise(cpu, Vector::GP, 0);
    const u32 changed = value ^ cpu.cr4;
    if (cpu.paging() && (value & CR4_PAE) != 0 && (changed & (CR4_PAE | CR4_PSE | CR4_PGE)) != 0)
        if (const Outcome o = load_pdptes(cpu, cpu.cr3); failed(o)) return o;
    cpu.cr4 = value;
    if ((changed & (CR4_PSE | CR4_PAE | CR4_PGE)) != 0) cpu.flush_tlb();
    return Outcome::Leave;
}

void execute_cpuid(Cpu& cpu) {
    const CpuModel& model = cpu.model;
    u32 leaf = cpu.gpr[reg_EAX];
    u32 a = 0, b = 0, c = 0, d = 0;
    const auto text = [](std::string_view s, size_t at) {
        u32 word = 0;
        for (size_t n = 0; n < 4 && at + n < s.size(); ++n) word |= u32{static_cast<u8>(s[at + n])} << (8 * n);
        return word;
    };
    const u32 max_leaf = model.features.has(Feature::UMIP) ? 7 : model.max_leaf;
    const u32 max_extended = model.brand.empty() ? 0 : 0x8000'0004;
    // An index beyond the last answers as the last basic leaf does (SDM vol. 2A, CPUID).
    if (leaf > max_leaf && (leaf < 0x8000'0000 || leaf > max_extended)) leaf = max_leaf;
    switch (leaf) {
    case 0:
        a = max_leaf;
        b = text("GenuineIntel", 0);
        d = text("GenuineIntel", 4);
        c = text("GenuineIntel", 8);
        break;
    case 1: {
        FeatureSet shown = model.features;
        if ((cpu.apic_base & 0x800) == 0) shown.remove(Feature::APIC);
        a = model.signature;
        b = model.features.has(Feature::CLFSH) ? 8u << 8 : 0; // cache lines of 64 bytes
        d = shown.cpuid_edx();
        break;
    }
    case 2: // descriptors: TLBs of 4-KiB and 4-MiB pages, 16-KiB caches, 512-KiB L2 (SDM vol. 2A, table 3-12)
        a = 0x0302'0101;
        d = 0x0C04'0843;
        break;
    case 7: c = model.features.has(Feature::UMIP) ? 1u << 2 : 0; break;
    case 0x8000'0000: a = max_extended; break;
    case 0x8000'0001: d = model.features.has(Feature::NX) ? 1u << 20 : 0; break;
    case 0x8000'0002:
    case 0x8000'0003:
    case 0x8000'0004: {
        const size_t at = (leaf - 0x8000'0002) * 16;
        a = text(model.brand, at);
        b = text(model.brand, at + 4);
        c = text(model.brand, at + 8);
        d = text(model.brand, at + 12);
        break;
    }
    default: break;
    }
    cpu.gpr[reg_EAX] = a;
    cpu.gpr[reg_EBX] = b;
    cpu.gpr[reg_ECX] = c;
    cpu.gpr[reg_EDX] = d;
}

} // namespace truering
