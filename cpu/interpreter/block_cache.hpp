// Decoded instructions, kept: the interpreter decodes a stretch of code once and runs it from here ever after.
//
// A block is a straight run of instructions within one physical page, up to the first that may not fall through. It is
// found by the physical address of its first byte and the code segment's size, so it serves every linear address and
// privilege level that reaches those bytes.
//
// Life cycle: built when first executed; invalidated when one of its bytes is written (PhysicalMemory tells); its
// storage is reclaimed only when the arena is full, and then all blocks go at once, between two blocks of the run loop.
// A block may be invalidated while it runs, by one of its own instructions: its remaining instructions are overwritten
// with one that leaves the block at once and executes nothing. So self-modifying code is exact at no cost to the loop.
//
// Data beside code costs little: each page has a map of the bytes that blocks hold, and a store that hits none of them
// looks no further. Code that is patched again and again must not be translated again and again: where a translation
// has been killed, the next block waits before its heat counts, twice as long each time.
#pragma once

#include "cpu/cpu.hpp"
#include "cpu/interpreter/dispatch.hpp"
#include "cpu/interpreter/single_cache.hpp"
#include "decoder/decoder.hpp"

#include <memory>
#include <unordered_map>
#include <vector>

namespace truering {

class BlockRunner;

// A block's operations stand right behind it in memory, and behind the last one the operation that ends the chain.
struct Block {
    static constexpr u64 invalid_key = ~u64{0};
    static constexpr unsigned max_operations = 32;

    u64 key = invalid_key;
    u64 physical = 0;
    u32 bytes = 0;
    u32 count = 0;
    // The blocks that came next when the last operation fell through, and when it jumped: guesses, to be proven by key.
    Block* successor[2] = {};
    u32 heat = 0;            // executions since anybody thought of translating it
    bool translated = false; // it is part of a translation (jit/)
    u32 cold = 0;            // executions before heat counts
    Block* next_in_page = nullptr;

    [[nodiscard]] Operation* operations() { return reinterpret_cast<Operation*>(this + 1); }
    [[nodiscard]] const Operation* operations() const { return reinterpret_cast<const Operation*>(this + 1); }
};
static_assert(sizeof(Block) % alignof(Operation) == 0);

[[nodiscard]] inline const Block& block_of(const Operation& operation) {
    return reinterpret_cast<const Block*>(&operation - operation.index)[-1];
}

class BlockCache {
  public:
    explicit BlockCache(PhysicalMemory& memory);

    [[nodiscard]] static u64 key_of(u64 physical, CodeSize size) {
        return physical << 1 | (size == CodeSize::Bits32 ? 1u : 0u);
    }

    // The block that begins at a physical address, or null.
    [[nodiscard]] Block* find(u64 key) {
        Block* const block = table_[slot_of(key)];
        return block != nullptr && block->key == key ? block : nullptr;
    }

    // Decodes a block from `physical` on; null when its first instruction does not lie in the page whole.
    // May discard all other blocks, so none may be in execution.
    Block* build(Cpu& cpu, u64 physical, CodeSize size);

    // Drops the blocks that hold any of these bytes. They cross no page.
    void invalidate(u64 physical, u32 size);
    // Does any block hold any of these bytes? They cross no page.
    [[nodiscard]] bool holds(u64 physical, u32 size);

    void discard_all();

    void set_runner(BlockRunner* runner) { runner_ = runner; }

    SingleCache singles;

  private:
    static constexpr unsigned table_bits = 16;
    static constexpr size_t arena_bytes = size_t{48} << 20;
    static constexpr size_t largest_block = sizeof(Block) + (Block::max_operations + 1) * sizeof(Operation);

    [[nodiscard]] static size_t slot_of(u64 key) {
        return static_cast<size_t>((key ^ key >> table_bits) & ((u64{1} << table_bits) - 1));
    }

    // A page that held code since the last discard.
    struct Page {
        Block* first = nullptr;        // of the list of its blocks
        u64 held[page_size / 64] = {}; // a bit for each byte: blocks hold it

        [[nodiscard]] bool holds(u32 offset, u32 size) const;
        void hold(u32 offset, u32 size);
    };
    [[nodiscard]] Page* page_of(u64 physical);
    [[nodiscard]] Page& make_page(u64 physical);
    void kill(Block& block);

    // How often the translation of a block was killed, by the block's key; blocks may share a count.
    static constexpr unsigned lost_bits = 12;
    [[nodiscard]] u8& lost(u64 key) { return lost_[(key ^ key >> lost_bits) & ((u64{1} << lost_bits) - 1)]; }
    [[nodiscard]] static u32 wait_after(u8 lost);

    PhysicalMemory& memory_;
    BlockRunner* runner_ = nullptr;
    std::vector<Block*> table_;
    std::unique_ptr<u64[]> arena_;        // as 8-byte words, for alignment
    size_t used_ = 0;                     // bytes
    std::unordered_map<u64, Page> pages_; // by number
    u64 last_number_ = ~u64{0};           // the page that was asked for last
    Page* last_page_ = nullptr;
    std::vector<u8> lost_ = std::vector<u8>(size_t{1} << lost_bits);
};

} // namespace truering
