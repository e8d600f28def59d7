// The code that all translations share: in, out, and calls of C++.
#pragma once

#include "base/types.hpp"
#include "cpu/flags.hpp"
#include "jit/x86_64/host_units.hpp"

#include <vector>

namespace truering {

class CodeMemory;

// Addresses of executable code.
struct StubAddresses {
    u32 enter = 0;          // u32 (Cpu*, u32 code, u32 eflags, TlbView*): runs code; how it was left
    u32 to_run_loop = 0;    // at a border between blocks: EIP and host::flags are up to date, the credit is counted
    u32 to_link = 0;        // the same; R8D is the number of the link by which it left
    u32 to_interpreter = 0; // at an operation (R8), of a block whose EIP is in Cpu::block_eip; host::flags up to date
    u32 missing = 0;        // where a table has no entry: EIP is stored, the rest as for to_run_loop
    u32 call = 0;           // R8: an operation, R9: its single handler, block_eip stored. Comes back if all went well
    u32 fill_read = 0;      // R8D: linear address. R9: as TlbView::read has it, or 0. Changes nothing else
    u32 fill_write = 0;
    u32 take[4] = {}; // by units (host_units.hpp); CF=1: refused. Changes R8 to R10
    u32 tables = 0;   // the tables of entries (entry_tables.hpp)
    u32 end = 0;
};

// How translated code was left, as `enter` returns it.
enum class LeftAt : u8 {
    Border,    // EIP is the next instruction's
    Link,      // the same, by a link
    Operation, // Cpu::stopped_at is to be executed, by the interpreter
    Call,      // Cpu::stopped_at has been called, and ended with an outcome (in bits 15:8) other than Done
    Behind,    // Cpu::stopped_at has been called, and the rest of its block is the interpreter's
};

// Writes the stubs to the beginning of the memory. `link_left` is where to_link stores its number.
[[nodiscard]] StubAddresses make_stubs(CodeMemory& memory, const std::vector<ArithmeticFlags>& flag_table,
                                       u32& link_left, HostUnitsImage& image);

} // namespace truering
