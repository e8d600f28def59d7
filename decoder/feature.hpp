// What a processor model may or may not have. The names are those of CPUID.01H:EDX (SDM vol. 2A, CPUID).
#pragma once

#include "base/types.hpp"

namespace truering {

// CPUID.01H:EDX bit numbers where the feature has one; from 32 on, features reported elsewhere.
enum class Feature : u8 {
    FPU = 0,
    VME = 1,
    DE = 2,
    PSE = 3,
    TSC = 4,
    MSR = 5,
    PAE = 6,
    MCE = 7,
    CX8 = 8,
    APIC = 9,
    SEP = 11,
    MTRR = 12,
    PGE = 13,
    MCA = 14,
    CMOV = 15,
    PAT = 16,
    PSE36 = 17,
    CLFSH = 19,
    V32 = 20, // docs/v32.md section 2; reserved on IA-32
    MMX = 23,
    FXSR = 24,
    SSE = 25,
    SSE2 = 26,
    NX = 32,     // CPUID.80000001H:EDX[20]
    UMIP = 33,   // CPUID.07H:ECX[2]
    P6_NOP = 34, // the hint NOPs 0F 18..1F, and UD0/UD1 by name: P6 family and later
    Always = 63,
};

class FeatureSet {
  public:
    constexpr FeatureSet() = default;
    template <class... F> explicit constexpr FeatureSet(F... features) { (add(features), ...); }

    constexpr FeatureSet& add(Feature f) { return bits_ |= u64{1} << static_cast<unsigned>(f), *this; }
    constexpr FeatureSet& remove(Feature f) { return bits_ &= ~(u64{1} << static_cast<unsigned>(f)), *this; }
    [[nodiscard]] constexpr bool has(Feature f) const {
        return f == Feature::Always || ((bits_ >> static_cast<unsigned>(f)) & 1) != 0;
    }
    [[nodiscard]] constexpr u32 cpuid_edx() const { return static_cast<u32>(bits_); }

  private:
    u64 bits_ = 0;
};

} // namespace truering
