// Writing control, debug and model-specific registers, with the checks and consequences that the SDM gives each.
#pragma once

#include "cpu/cpu.hpp"

namespace truering {

Outcome write_cr0(Cpu& cpu, u32 value); // #GP(0) for illegal combinations
Outcome write_cr3(Cpu& cpu, u32 value);
Outcome write_cr4(Cpu& cpu, u32 value); // #GP(0) for bits that the model lacks

[[nodiscard]] u32 supported_cr4(const Cpu& cpu); // the bits of CR4 that the model has, and software may set

Outcome read_msr(Cpu& cpu, u32 index, u64& value); // #GP(0) for an unknown index
Outcome write_msr(Cpu& cpu, u32 index, u64 value);

void execute_cpuid(Cpu& cpu);

} // namespace truering
