#include "cpu/model.hpp"

#include <array>

namespace truering {

namespace {

using F = Feature;

// V32 mode needs CR4 and model-specific registers (docs/v32.md 2): from the Pentium on.

constexpr FeatureSet i486{F::FPU, F::VME};
constexpr FeatureSet pentium{F::FPU, F::VME, F::DE, F::PSE, F::TSC, F::MSR, F::MCE, F::CX8, F::APIC, F::V32};
constexpr FeatureSet pentium_mmx{F::FPU, F::VME, F::DE,   F::PSE, F::TSC, F::MSR,
                                 F::MCE, F::CX8, F::APIC, F::V32, F::MMX};
constexpr FeatureSet pentium2{F::FPU,  F::VME, F::DE,    F::PSE, F::TSC,  F::MSR,    F::PAE,
                              F::MCE,  F::CX8, F::APIC,  F::SEP, F::MTRR, F::PGE,    F::MCA,
                              F::CMOV, F::PAT, F::PSE36, F::MMX, F::FXSR, F::P6_NOP, F::V32};
constexpr FeatureSet pentium3 = FeatureSet(pentium2).add(F::SSE);
constexpr FeatureSet pentium4 = FeatureSet(pentium3).add(F::SSE2).add(F::CLFSH).add(F::NX);

// Signatures: SDM vol. 2A, CPUID, and the processors' specification updates.
constexpr std::array models{
    CpuModel{"i486", "Intel486 DX4 (with CPUID)", i486, 0x480, 1, "", 32, 0},
    CpuModel{"pentium", "Pentium (P54C)", pentium, 0x52C, 1, "", 32, 0},
    CpuModel{"pentium-mmx", "Pentium with MMX (P55C)", pentium_mmx, 0x543, 1, "", 32, 0},
    CpuModel{"pentium2", "Pentium II (Deschutes)", pentium2, 0x652, 2, "", 36, 0},
    CpuModel{"pentium3", "Pentium III (Coppermine)", pentium3, 0x686, 2, "", 36, 0xFFBF},
    CpuModel{"pentium4", "Pentium 4 (Prescott's features up to SSE2, and NX)", pentium4, 0xF29, 2,
             "              Intel(R) Pentium(R) 4 CPU (Truering)", 36, 0xFFFF},
};

} // namespace

std::span<const CpuModel> cpu_models() { return models; }

std::optional<CpuModel> find_cpu_model(std::string_view name) {
    for (const CpuModel& model : models)
        if (model.name == name) return model;
    return std::nullopt;
}

} // namespace truering
