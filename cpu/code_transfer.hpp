// Passing control to another code segment: what far jumps, calls, returns, gates and task switches have in common
// (SDM vol. 3A, 5.8). The checks come first and change nothing; enter_code() is the commit and cannot fail.
#pragma once

#include "cpu/segmentation.hpp"

namespace truering {

// Reads the descriptor of a code segment: null is `vector`(0); past the table or no code is `vector`(selector).
Outcome select_code_segment(Cpu& cpu, u16 selector, Vector vector, SelectedDescriptor& code);

[[nodiscard]] bool is_conforming(const Descriptor& code);

// A transfer without a gate, or a return: a nonconforming segment needs DPL = `level` and RPL <= `level`, a conforming
// one DPL <= `level`, else #GP(selector); a segment that is not present is #NP.
Outcome check_direct_transfer(Cpu& cpu, const SelectedDescriptor& code, unsigned rpl, unsigned level);

// A transfer through a gate: DPL <= CPL, else #GP(selector); #NP. The privilege that the code will have.
Outcome check_gated_transfer(Cpu& cpu, const SelectedDescriptor& code);
[[nodiscard]] unsigned gated_level(const Cpu& cpu, const Descriptor& code);

// #GP(0) if the segment does not contain the offset.
Outcome check_entry_point(Cpu& cpu, const Descriptor& code, u32 offset);
Outcome check_entry_point(Cpu& cpu, const Segment& code, u32 offset);

// Loads CS, CPL and EIP. The selector's RPL becomes the level.
void enter_code(Cpu& cpu, const SelectedDescriptor& code, unsigned level, u32 eip);

} // namespace truering
