// What may run decoded blocks in the interpreter's stead: the translator of jit/. The processor knows it by this alone.
//
// The contract is that of the interpreter's own loop: a block is begun only while nothing asks for attention and its
// instructions fit into the run; what it leaves behind is exactly what the interpreter would have.
#pragma once

#include "cpu/interpreter/block_cache.hpp"

namespace truering {

class BlockRunner {
  public:
    virtual ~BlockRunner() = default;

    // Has this block a translation that suits the processor's present state?
    [[nodiscard]] virtual bool suits(const Block& block) const = 0;
    // A block has been executed often: translate it, if it can be.
    virtual void translate(Block& block) = 0;

    // Runs the block, and whatever its translation goes on to. Null in `stopped`: at a border between blocks, all of
    // them counted, EIP at the next. Else the instruction Cpu::stopped_at of that block ended it with the outcome.
    virtual Outcome run(Block& block, Block*& stopped) = 0;

    virtual void killed(Block& block) = 0; // it is invalid from now on, though it may be in execution
    virtual void all_discarded() = 0;      // all blocks' memory is about to be used again
};

} // namespace truering
