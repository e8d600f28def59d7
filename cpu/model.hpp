// Processor models: which features they have and what CPUID says of them.
#pragma once

#include "base/types.hpp"
#include "decoder/feature.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace truering {

struct CpuModel {
    std::string_view name;
    std::string_view description;
    FeatureSet features;
    u32 signature;          // CPUID.01H:EAX: family, model, stepping
    u32 max_leaf;           // CPUID.00H:EAX
    std::string_view brand; // CPUID.80000002H..4H; empty: no extended leaves
    unsigned physical_bits; // width of a physical address
    u32 mxcsr_mask;         // 0: no SSE
};

[[nodiscard]] std::span<const CpuModel> cpu_models();

// The model of a name, or nothing.
[[nodiscard]] std::optional<CpuModel> find_cpu_model(std::string_view name);

} // namespace truering
