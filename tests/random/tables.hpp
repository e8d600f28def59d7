// Descriptor tables, task-state segments, page tables and the first contents of memory for a random program.
#pragma once

#include "tests/random/plan.hpp"

#include <span>

namespace truering::random_test {

// In the GDT. Those of the program follow in the order of SegmentIndex.
inline constexpr u16 selector_flat_code = 0x08, selector_flat_data = 0x10, selector_program = 0x18, selector_tss = 0x50,
                     selector_double_fault_tss = 0x58;
inline constexpr unsigned vector_count = 0x50;    // of the IDT
inline constexpr unsigned first_interrupt = 0x20; // vectors from here on are for INT n at any privilege, and interrupts

[[nodiscard]] constexpr u16 program_selector(unsigned segment, u8 cpl) {
    return static_cast<u16>((selector_program + 8 * segment) | cpl);
}

// Fills the whole RAM.
void fill_memory(std::span<u8> ram, const Plan& plan, const Image& image);

} // namespace truering::random_test
