// Bytes to Instruction: a pure function of the bytes, the code segment's size and the processor's features.
#pragma once

#include "decoder/feature.hpp"
#include "decoder/instruction.hpp"

#include <span>

namespace truering {

inline constexpr unsigned max_instruction_length = 15; // SDM vol. 2A, 2.3.11; more is #GP(0)

enum class CodeSize : u8 { Bits16, Bits32 }; // CS.D

enum class DecodeStatus : u8 {
    Complete,  // `instruction` is filled; its row may be row_undefined or row_too_long
    Truncated, // the bytes given end inside the instruction: come again with more
};

struct Decoded {
    DecodeStatus status = DecodeStatus::Truncated;
    Instruction instruction;
};

// Checks everything that the encoding alone decides: undefined opcodes, LOCK, registers that do not exist, features.
[[nodiscard]] Decoded decode(std::span<const u8> bytes, CodeSize size, const FeatureSet& features);

} // namespace truering
