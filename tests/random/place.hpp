// Where a random program's things lie. Physical addresses; the low 640 KiB are RAM, and linear addresses of them are
// the same under every kind of paging.
#pragma once

#include "base/types.hpp"

namespace truering::random_test::place {

inline constexpr u32 low_data = 0x0'0000; // what 16-bit addresses reach
inline constexpr u32 data = 0x1'0000, data_end = 0x3'0000;
inline constexpr u32 counters = 0x2'F000;     // of loops, a doubleword each
inline constexpr u32 saved_stacks = 0x2'F400; // of functions, likewise
inline constexpr u32 jump_tables = 0x2'F600;
inline constexpr u32 controls = 0x2'FA00; // control words that the program loads
inline constexpr u32 stack = 0x3'0000, stack_top = 0x3'6000, stack_end = 0x3'8000;
inline constexpr u32 code = 0x4'0000, code_end = 0x6'0000;
inline constexpr u32 lengths = 0x6'0000; // for each byte of code: how far the handler of a fault goes on

inline constexpr u32 gdt = 0x8'0000, idt = 0x8'1000, tss = 0x8'2000, double_fault_tss = 0x8'5000, handlers = 0x8'6000,
                     handler_stack = 0x8'8000, handler_stack_top = 0x8'A000, variables = 0x8'A000, fault_log = 0x8'C000,
                     fault_log_bytes = 0x4000, page_directory = 0x9'0000, page_tables = 0x9'1000, system_end = 0xA'0000;
inline constexpr u32 ram_end = 0xA'0000;
inline constexpr u32 device = 0xA'0000, device_end = 0xA'2000; // registers in memory
inline constexpr u32 rom = 0xA'4000, rom_end = 0xA'5000;
inline constexpr u32 nobody = 0xB'0000;

// Variables of the fault handler (handlers.cpp).
inline constexpr u32 log_at = variables, head = variables + 4, first_eip = variables + 8, code_bytes = variables + 12,
                     lowest_esp = variables + 16, highest_esp = variables + 20, program_cs = variables + 24,
                     program_ss = variables + 28, program_cpl = variables + 32, flat_ss = variables + 36,
                     program_ds = variables + 40, program_esp = variables + 44,
                     is_fault = variables + 0x100; // a byte a vector

} // namespace truering::random_test::place
