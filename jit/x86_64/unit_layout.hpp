// Where translated code finds the guest's x87 and SSE state: offsets from the Cpu.
#pragma once

#include "cpu/cpu.hpp"

#include <cstddef>

namespace truering {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored                                                                                         \
    "-Winvalid-offsetof" // one object, no virtual bases: the compilers that we use lay it out
struct HostMxcsrLayout {
    static constexpr u32 saved = offsetof(Cpu, host_mxcsr) + offsetof(HostMxcsr, saved_);
    static constexpr u32 held = offsetof(Cpu, host_mxcsr) + offsetof(HostMxcsr, held_);
};

struct UnitLayout {
    static constexpr u32 resident = offsetof(Cpu, units_resident);
    static constexpr u32 cr0 = offsetof(Cpu, cr0);
    static constexpr u32 cr4 = offsetof(Cpu, cr4);

    static constexpr u32 segment = offsetof(Cpu, segment);
    static constexpr u32 selector = offsetof(Segment, selector);

    static constexpr u32 fpu = offsetof(Cpu, fpu);
    static constexpr u32 physical = fpu + offsetof(FpuState, physical);
    static constexpr u32 control_word = fpu + offsetof(FpuState, control_word);
    static constexpr u32 top = fpu + offsetof(FpuState, top);
    static constexpr u32 empty = fpu + offsetof(FpuState, empty);
    static constexpr u32 status_word = fpu + offsetof(FpuState, status_word);
    static constexpr u32 last_opcode = fpu + offsetof(FpuState, last_opcode);
    static constexpr u32 fip = fpu + offsetof(FpuState, fip);
    static constexpr u32 fdp = fpu + offsetof(FpuState, fdp);
    static constexpr u32 fcs = fpu + offsetof(FpuState, fcs);
    static constexpr u32 fds = fpu + offsetof(FpuState, fds);

    static constexpr u32 xmm = offsetof(Cpu, sse) + offsetof(SseState, xmm);
    static constexpr u32 mxcsr = offsetof(Cpu, sse) + offsetof(SseState, mxcsr);
};
#pragma GCC diagnostic pop

static_assert(UnitLayout::xmm % 16 == 0);
static_assert(sizeof(Float80) == 16, "copied as the 16 bytes that FXSAVE gives a register");

} // namespace truering
