#include "cpu/interpreter/block_cache.hpp"

#include "cpu/interpreter/block_runner.hpp"
#include "cpu/interpreter/chain.hpp"
#include "decoder/isa.hpp"

#include <algorithm>
#include <new>
#include <utility>

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

// The bytes `first` to `last` of a page, as far as they lie in a word of its map.
constexpr u64 bits_in_word(u32 word, u32 first, u32 last) {
    const u32 begin = word * 64;
    const u64 from = first <= begin ? ~u64{0} : ~u64{0} << (first - begin);
    const u64 to = last >= begin + 63 ? ~u64{0} : ~u64{0} >> (begin + 63 - last);
    return from & to;
}

// The wait grows from 2^4 executions to 2^16.
constexpr u8 losses_forgiven = 4, most_lost = 16;

} // namespace

BlockCache::BlockCache(PhysicalMemory& memory)
    : memory_(memory), table_(size_t{1} << table_bits), arena_(new u64[arena_bytes / sizeof(u64)]) {}

Block* BlockCache::build(Cpu& cpu, u64 physical, CodeSize size) {
    if (used_ + largest_block > arena_bytes) discard_all();
    const PageMapping& page = memory_.page({physical});
    if (page.read == nullptr) return nullptr;
    const u32 start = page_offset(physical);
    if (singles.goes_beyond(physical, {page.read + start, page_size - start}, size)) return nullptr;
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
    block.cold = wait_after(lost(block.key));
    table_[slot_of(block.key)] = &block;
    Page& code = make_page(physical);
    code.hold(start, block.bytes);
    block.next_in_page = std::exchange(code.first, &block);
    cpu.mark_code(physical, block.bytes);
    return &block;
}

void BlockCache::kill(Block& block) {
    Block*& slot = table_[slot_of(block.key)];
    if (slot == &block) slot = nullptr;
    u8& losses = lost(block.key);
    block.key = Block::invalid_key;
    if (block.translated) {
        losses = std::min(static_cast<u8>(losses + 1), most_lost);
        runner_->killed(block);
    }
    for (u32 n = 0; n < block.count; ++n) block.operations()[n].handler = chain::leave_dead_block;
}

u32 BlockCache::wait_after(u8 lost) { return lost < losses_forgiven ? 0 : u32{1} << lost; }

// ---- The code of a page

bool BlockCache::Page::holds(u32 offset, u32 size) const {
    const u32 last = offset + size - 1;
    u64 bits = 0;
    for (u32 word = offset / 64; word <= last / 64; ++word) bits |= held[word] & bits_in_word(word, offset, last);
    return bits != 0;
}

void BlockCache::Page::hold(u32 offset, u32 size) {
    const u32 last = offset + size - 1;
    for (u32 word = offset / 64; word <= last / 64; ++word) held[word] |= bits_in_word(word, offset, last);
}

BlockCache::Page* BlockCache::page_of(u64 physical) {
    const u64 number = physical / page_size;
    if (number != last_number_) {
        const auto found = pages_.find(number);
        last_number_ = number;
        last_page_ = found == pages_.end() ? nullptr : &found->second;
    }
    return last_page_;
}

BlockCache::Page& BlockCache::make_page(u64 physical) {
    if (Page* const known = page_of(physical)) return *known;
    last_page_ = &pages_[physical / page_size];
    return *last_page_;
}

bool BlockCache::holds(u64 physical, u32 size) {
    const Page* const page = page_of(physical);
    return page != nullptr && page->holds(page_offset(physical), size);
}

void BlockCache::invalidate(u64 physical, u32 size) {
    if (!holds(physical, size)) return;
    Page& page = *page_of(physical);
    // Marks of bytes that hold no code any more would make every later store there ask again: all are made anew.
    memory_.clear_code({physical & ~u64{page_offset_mask}});
    std::fill(std::begin(page.held), std::end(page.held), 0);
    for (Block** link = &page.first; *link != nullptr;) {
        Block& block = **link;
        if (block.physical < physical + size && physical < block.physical + block.bytes) {
            *link = block.next_in_page;
            kill(block);
        } else {
            link = &block.next_in_page;
            page.hold(page_offset(block.physical), block.bytes);
            memory_.mark_code({block.physical}, block.bytes);
        }
    }
}

void BlockCache::discard_all() {
    if (runner_ != nullptr) runner_->all_discarded();
    for (const auto& [number, page] : pages_) memory_.clear_code({number * page_size});
    pages_.clear();
    last_number_ = ~u64{0};
    last_page_ = nullptr;
    std::fill(table_.begin(), table_.end(), nullptr);
    used_ = 0;
}

} // namespace truering
