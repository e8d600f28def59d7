// Where translated code finds the processor's state: offsets from the Cpu that host::cpu points to.
#pragma once

#include "cpu/cpu.hpp"
#include "cpu/interpreter/block_cache.hpp"

#include <cstddef>

namespace truering {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored                                                                                         \
    "-Winvalid-offsetof" // one object, no virtual bases: the compilers that we use lay it out
class NativeLayout {
  public:
    static constexpr u32 gpr = offsetof(Cpu, gpr);
    static constexpr u32 eip = offsetof(Cpu, eip);
    static constexpr u32 eflags_rest = offsetof(Cpu, eflags_rest);
    static constexpr u32 arithmetic = offsetof(Cpu, arithmetic);
    static constexpr u32 segment = offsetof(Cpu, segment);
    static constexpr u32 attention = offsetof(Cpu, attention);
    static constexpr u32 block_eip = offsetof(Cpu, block_eip);
    static constexpr u32 stopped_at = offsetof(Cpu, stopped_at);
    static constexpr u32 extra_retired = offsetof(Cpu, extra_retired);
    static constexpr u32 current_block = offsetof(Cpu, current_block_);
    static constexpr u32 retired = offsetof(Cpu, retired_);
    static constexpr u32 pause_at = offsetof(Cpu, pause_at_);

    // How many instructions may run before the run loop must look around.
    static i64 instructions_left(const Cpu& cpu) { return static_cast<i64>(cpu.pause_at_ - cpu.retired_); }
};
#pragma GCC diagnostic pop

} // namespace truering
