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

    // How a run ended. Cpu::retired_ counts what was executed before the block of `at`, or all where `at` is null.
    struct Left {
        enum class How : u8 {
            Border,    // between two blocks
            Operation, // `at` is to be executed, and what follows it in its block
            Behind,    // `at` is done; what follows it in its block is to be executed
            Outcome,   // `at` ended with this outcome
        };
        How how = How::Border;
        Outcome outcome = Outcome::Jumped;
        const Operation* at = nullptr; // its block's first EIP is in Cpu::block_eip
    };

    // Runs what is translated at CS:EIP, and whatever that goes on to; false if there is nothing.
    virtual bool run(Left& left) = 0;
    // For the block at CS:EIP, true if run() has something for it from now on: what there is already, which has only
    // been out of sight; or what is made now, as the block has been executed often.
    virtual bool find(const Block& block) = 0;
    virtual bool translate(Block& block) = 0;

    virtual void killed(Block& block) = 0; // it is invalid from now on, though it may be in execution
    virtual void all_discarded() = 0;      // all blocks' memory is about to be used again
};

} // namespace truering
