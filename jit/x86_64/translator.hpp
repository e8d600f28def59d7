// The translator: decoded blocks to x86-64 code.
//
// Guest and host are one family. While translated code runs, the guest's EAX..EDI are the host's R8D..R15D, the guest's
// arithmetic flags are the host's where an instruction has just made them and are kept as LAHF and SETO leave them
// (saved_flags.hpp) from then on, in ESI. RBX is the Cpu, RBP its TLB table; RAX, RCX, RDX, RDI are scratch.
//
// Total by construction: an instruction without an emitter calls the interpreter's function, and so does the slow path
// of one with an emitter: the whole instruction is executed again by the interpreter, as if nothing had been done of
// it. So faults, devices, breakpoints, self-modifying code need no second implementation.
//
// A translation belongs to a block (block_cache.hpp) and to one EIP, in 32-bit code with flat segments. Blocks of one
// page jump to each other directly, once the way has been gone; everything else goes through the run loop. A block that
// dies has its beginning overwritten by a jump out, so nobody need know who jumps to it.
#pragma once

#include "cpu/interpreter/block_runner.hpp"
#include "jit/x86_64/code_memory.hpp"
#include "jit/x86_64/host_units.hpp"
#include "jit/x86_64/saved_flags.hpp"

#include <memory>

namespace truering {

class Translator final : public BlockRunner {
  public:
    static constexpr size_t default_code_bytes = size_t{64} << 20;

    // Attaches itself to the processor. Throws std::system_error where no memory for code is to be had.
    explicit Translator(Cpu& cpu, size_t code_bytes = default_code_bytes);
    ~Translator() override;

    [[nodiscard]] bool suits(const Block& block) const override;
    void translate(Block& block) override;
    Outcome run(Block& block, Block*& stopped) override;
    void killed(Block& block) override;
    void all_discarded() override;

    struct Statistics {
        u64 blocks = 0;   // translated
        u64 refused = 0;  // left to the interpreter
        u64 links = 0;    // direct jumps made
        u64 recycled = 0; // how often the memory was full
    };
    [[nodiscard]] const Statistics& statistics() const { return statistics_; }

  private:
    void make_stubs();
    void link(const Block& to);

    Cpu& cpu_;
    CodeMemory code_;
    std::vector<ArithmeticFlags> flag_table_ = saved_flags::make_table();
    size_t used_ = 0;
    size_t stubs_end_ = 0;
    size_t enter_ = 0, call_ = 0, border_ = 0, leave_ = 0, take_[4] = {}; // offsets of the stubs
    HostUnitsImage image_;
    // How the last run left, written by the stub: the jump that may be linked to the next block, and its own block.
    struct Return {
        const void* site = nullptr;
        const Block* block = nullptr;
    };
    Return return_;
    u32 left_for_ = 0;           // EIP when it left by that jump
    std::vector<Block*> blocks_; // translated
    Statistics statistics_;
};

} // namespace truering
