#include "cpu/interpreter/block_cache.hpp"

#include "cpu/interpreter/block_runner.hpp"
#include "cpu/interpreter/chain.hpp"
#include "decoder/isa.hpp"

#include <algorithm>
#include <new>

namespace truering {

namespace {

// F2 and F3 repeat string instructions; elsewhere (SSE's scalar forms) they are part of the opcode, or nothing.
bool repeats(const Instruction& insn) {
    if (insn.repeat == Repeat::None) return false;
    const auto is_string = [](const Operand& o) { return o.place == Place::StringX || o.place == Place::StringY; };
    return std::any_of(std::begin(isa[insn.row].operands), std::end(isa[insn.row].operands), is_string);
}

bool ends_block(const Instruction& insn) {
    return insn.row >= row_count || isa[insn.row].attributes.ends_block || repeats(insn);
}

void append(Block& block, Handler handler, const Instruction& insn, u32 end) {
    const u32 index = block.count++;
    new (block.operations() + index) Operation{handler, insn, static_cast<u16>(end), static_cast<u16>(index)};
}

} // namespace

BlockCache::BlockCache(PhysicalMemory& memory)
    : memory_(memory), table_(size_t{1} << table_bits), arena_(new u64[arena_bytes / sizeof(u64)]) {}

Block* BlockCache::build(Cpu& cpu, u64 physical, CodeSize size) {
    if (used_ + largest_block > arena_bytes) discard_all();
    const PageMapping& page = memory_.page({physical});
    if (page.read == nullptr) return nullptr;
    const u32 start = page_offset(physical);
    u32 at = start;
    Block& block = *new (&arena_[used_ / sizeof(u64)]) Block;
    while (block.count < Block::max_operations && at < page_size) {
        const Decoded decoded = decode({page.read + at, page_size - at}, size, cpu.model.features);
        if (decoded.status == DecodeStatus::Truncated) break; // goes on in the next page: not ours
        at += decoded.instruction.length;
        append(block, chained_handler(decoded.instruction), decoded.instruction, at - start);
        if (ends_block(decoded.instruction)) break;
    }
    if (block.count == 0) return nullptr;
    append(block, chain::end_of_block, Instruction{}, at - start);
    used_ += sizeof(Block) + block.count-- * sizeof(Operation);
    block.key = key_of(physical, size);
    block.physical = physical;
    block.bytes = at - start;
    table_[slot_of(block.key)] = &block;
    by_page_[physical / page_size].push_back(&block);
    cpu.mark_code(physical, block.bytes);
    return &block;
}

void BlockCache::kill(Block& block) {
    Block*& slot = table_[slot_of(block.key)];
    if (slot == &block) slot = nullptr;
    block.key = Block::invalid_key;
    if (block.native != nullptr) runner_->killed(block);
    for (u32 n = 0; n < block.count; ++n) block.operations()[n].handler = chain::leave_dead_block;
}

void BlockCache::invalidate(u64 physical, u32 size) {
    const auto found = by_page_.find(physical / page_size);
    if (found == by_page_.end()) return;
    std::vector<Block*>& list = found->second;
    const auto holds = [&](const Block* b) {
        return b->physical < physical + size && physical < b->physical + b->bytes;
    };
    const size_t before = list.size();
    for (Block* const block : list)
        if (holds(block)) kill(*block);
    std::erase_if(list, [](const Block* b) { return b->key == Block::invalid_key; });
    if (list.size() == before) return;
    // Marks of granules that hold no code any more would make every later store there ask again.
    const Physical page{physical & ~u64{page_offset_mask}};
    memory_.clear_code(page);
    for (const Block* const block : list) memory_.mark_code({block->physical}, block->bytes);
    if (list.empty()) by_page_.erase(found);
}

void BlockCache::discard_all() {
    if (runner_ != nullptr) runner_->all_discarded();
    for (const auto& [page, list] : by_page_) memory_.clear_code({page * page_size});
    by_page_.clear();
    std::fill(table_.begin(), table_.end(), nullptr);
    used_ = 0;
}

} // namespace truering
