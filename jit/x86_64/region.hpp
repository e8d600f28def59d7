// What is translated at once: a hot block and the blocks of its page that are reached from it by direct jumps, and
// where its calls return to.
//
// Idea: within a region jumps are the host's own, nothing is looked up, and it is known where flags are demanded. Only
// blocks that have been executed are taken in (they are in the block cache), so what never runs costs nothing. Nearly
// every block of a region may be entered from outside, so code is translated once: a block that can be entered already
// is jumped to, not doubled.
//
// Time: the run's credit is looked at on the edges that lead backward and on those that leave the region. Edges forward
// only count. So that a run never goes beyond its end, no way without a look is longer than host::reserve.
#pragma once

#include "cpu/interpreter/block_cache.hpp"

#include <functional>
#include <vector>

namespace truering {

struct Edge {
    enum class To : u8 {
        Inside,  // a block of the region
        Page,    // another EIP in this page: a jump that may be linked
        Far,     // an EIP in another page: found through the table of entries
        Dynamic, // an EIP that is computed
        RunLoop, // the next EIP, but the run loop must look at the processor's mode
    };
    To to = To::RunLoop;
    bool checked = true; // the credit is looked at
    u32 eip = 0;
    unsigned inside = 0; // index of the block
};

struct PlannedBlock {
    Block* block = nullptr;
    u32 eip = 0;
    std::vector<Edge> edges;           // [0] where it falls through or always goes, [1] the jump that is taken
    unsigned entries = 0;              // edges from within the region that lead here
    bool entered_from_behind = false;  // one of them leads backward
    bool entered_from_outside = false; // the region began with it, or it stands behind one of its CALLs
    bool flags_demanded = true;        // at its beginning
    std::vector<u8> demanded_behind;   // by operation: are the flags demanded behind it?

    // Several ways lead here, or one from outside: they agree on saved flags, or on dead ones.
    [[nodiscard]] bool is_canonical() const { return entries != 1 || entered_from_behind || entered_from_outside; }
    // May be entered from outside the region.
    [[nodiscard]] bool is_enterable() const { return is_canonical() || !flags_demanded; }
};

struct RegionPlan {
    std::vector<PlannedBlock> blocks; // in the order in which they are emitted; [0] is where it began

    [[nodiscard]] unsigned instructions() const;
};

// Plans the region that begins with a block at an EIP in code whose CS base is 0. `enterable` tells of an EIP in
// the same page whether a translation can be entered there.
[[nodiscard]] RegionPlan plan_region(Cpu& cpu, Block& first, u32 eip, const std::function<bool(u32)>& enterable);

} // namespace truering
