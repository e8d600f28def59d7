// Ringmaster's account of exits, as a guest can ask for it (vmm/hypercall.h), and whether Ringmaster is there.
#pragma once

#include "base/types.hpp"

namespace audit {

using namespace truering;

bool under_ringmaster();

// Which exits came in between: taken before and after a probe.
class Exits {
  public:
    static Exits now();
    // The reason whose count has grown from `before` to here by more than in `idle`; 0: none has.
    [[nodiscard]] u32 reason_since(const Exits& before, const Exits& idle_before, const Exits& idle_after) const;

    static constexpr u32 reasons = 35;
    u32 count[reasons];
};

const char* reason_name(u32 reason);

} // namespace audit
