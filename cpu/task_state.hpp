// The dynamic part of a task-state segment (SDM vol. 3A, figures 7-2 and 7-10): what a task switch saves and loads.
#pragma once

#include "cpu/cpu.hpp"

namespace truering {

struct TaskState {
    u32 cr3 = 0; // not of a 16-bit TSS
    u32 eip = 0, eflags = 0;
    u32 gpr[8] = {};
    u16 selector[6] = {}; // ES, CS, SS, DS, FS, GS
    u16 ldtr = 0;
    bool debug_trap = false; // T
};

enum class TssFormat : u8 { Bits16, Bits32 };

// The format that a TSS descriptor's type, or TR's, stands for.
constexpr TssFormat tss_format(unsigned system_type) {
    return (system_type & 8) != 0 ? TssFormat::Bits32 : TssFormat::Bits16;
}

// The limit that a TSS must have at least to be switched to, and to be switched away from.
constexpr u32 incoming_limit(TssFormat f) { return f == TssFormat::Bits32 ? 103 : 43; }
constexpr u32 outgoing_limit(TssFormat f) { return f == TssFormat::Bits32 ? 95 : 41; }

// Of a 16-bit TSS: upper halves of the general registers are ones, FS and GS null.
Outcome read_task_state(Cpu& cpu, u32 base, TssFormat format, TaskState& state);

// Writes EIP, EFLAGS, the general registers and the selectors: the fields that a switch changes in the outgoing TSS.
Outcome write_task_state(Cpu& cpu, u32 base, TssFormat format, const TaskState& state);
// Proves that this would succeed.
Outcome check_task_state_writable(Cpu& cpu, u32 base, TssFormat format);

} // namespace truering
