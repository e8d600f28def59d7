// The fault handler of random programs, as 32-bit code for place::handlers + handler_code_at.
//
// It notes vector, error code, EIP and CR2 in a log in memory, then lets the program go on: behind the instruction that
// faulted (a table of lengths says how far), or at the program's head where EIP or ESP is no longer the program's. A
// double fault is a task of its own. So hardly any fault ends a program, and each is part of what is compared.
#pragma once

#include "base/types.hpp"

#include <span>

namespace truering::random_test {

inline constexpr u32 handler_stub_bytes = 16; // for each vector: pushes error code and vector, jumps to `common`
inline constexpr u32 handler_code_at = 0x1000;

struct HandlerCode {
    std::span<const u8> bytes;
    u32 common, double_fault; // offsets
};

[[nodiscard]] HandlerCode handler_code();

} // namespace truering::random_test
