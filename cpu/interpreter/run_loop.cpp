// The run loop: blocks one after another while nothing asks for attention; else one instruction, or one event, at a
// time.
#include "cpu/access.hpp"
#include "cpu/delivery.hpp"
#include "cpu/events.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/interpreter/block_runner.hpp"
#include "cpu/paging.hpp"
#include "cpu/v32/events.hpp"
#include "cpu/v32/exit.hpp"
#include "decoder/isa.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

namespace truering {

class RunLoop {
  public:
    explicit RunLoop(Cpu& cpu) : cpu_(cpu) {}

    RunResult run(u64 budget) {
        const u64 start = cpu_.retired_;
        cpu_.run_end_ = start + budget;
        StopReason reason = StopReason::Budget;
        while (cpu_.retired_ < cpu_.run_end_) {
            if (cpu_.stop_requested_.exchange(false, std::memory_order_relaxed)) {
                reason = StopReason::Request;
                break;
            }
            cpu_.pause_at_ = std::min(cpu_.run_end_, cpu_.retired_ + stop_check_interval);
            if (const auto stop = run_until_pause()) {
                reason = *stop;
                break;
            }
        }
        return {reason, cpu_.retired_ - start};
    }

  private:
    // How many instructions pass between two looks at request_stop().
    static constexpr u64 stop_check_interval = 50'000;

    std::optional<StopReason> run_until_pause() {
        while (cpu_.retired_ < cpu_.pause_at_) {
            if (cpu_.attention == 0) [[likely]] {
                run_blocks();
            } else if (const auto stop = run_attentively()) {
                return stop;
            }
        }
        return std::nullopt;
    }

    std::optional<StopReason> run_attentively() {
        if ((cpu_.attention & attention_shutdown) != 0) return StopReason::Shutdown;
        if (take_events(cpu_)) {
            ++cpu_.retired_; // an event costs time too: an endless series of them cannot stop the clock
            return std::nullopt;
        }
        if (cpu_.halted) return StopReason::Halted;
        run_one();
        return std::nullopt;
    }

    // ---- The fast path

    void run_blocks() {
        Block** guess = &entry_guess_;
        do {
            if (BlockRunner::Left left; cpu_.block_runner_ != nullptr && cpu_.block_runner_->run(left)) {
                if (finish(left) > Outcome::Jumped) return;
                entry_guess_ = nullptr; // which block comes next, the translations know better
                guess = &entry_guess_;
                continue;
            }
            Block* const block = next_block(guess);
            if (block == nullptr) return run_one();
            *guess = block;
            // Near the end of the run, where the block may be too long: one by one.
            if (block->count > cpu_.pause_at_ - cpu_.retired_) [[unlikely]]
                return run_one();
            if (cpu_.block_runner_ != nullptr && has_translation(*block)) continue;
            const Outcome outcome = execute(*block);
            if (outcome > Outcome::Jumped) return;
            guess = &block->successor[outcome == Outcome::Done ? 0 : 1];
        } while (cpu_.attention == 0 && cpu_.retired_ < cpu_.pause_at_);
    }

    // The block at CS:EIP, built if need be; `guess` holds the one to look at first. Null: no block can hold
    // the instruction: it crosses a page or the limit, lies in a device, or cannot be fetched.
    Block* next_block(Block**& guess) {
        const Segment& cs = cpu_.segment[seg_CS];
        const u32 linear = cs.base + cpu_.eip;
        if (!cpu_.fetch_view->has(linear, tlb_fetch) && !find_fetch_page(linear)) [[unlikely]]
            return nullptr;
        const u64 physical = cpu_.fetch_view->physical_page(linear) | page_offset(linear);
        const u64 key = BlockCache::key_of(physical, cpu_.code_size());
        Block* block = *guess;
        if (block == nullptr || block->key != key) {
            block = cpu_.blocks_->find(key);
            if (block == nullptr) [[unlikely]] {
                // Building may discard all blocks: the guess stands in one, and the entry's may be one.
                entry_guess_ = nullptr;
                guess = &entry_guess_;
                block = cpu_.blocks_->build(cpu_, physical, cpu_.code_size());
                if (block == nullptr) return nullptr;
            }
        }
        return u64{cpu_.eip} + block->bytes - 1 <= cs.limit ? block : nullptr;
    }

    [[gnu::noinline]] bool find_fetch_page(u32 linear) {
        u64 page = 0;
        if (cpu_.eip > cpu_.segment[seg_CS].limit) return false;
        return !failed(translate(cpu_, linear, AccessKind::Fetch, cpu_.cpl == 3, page));
    }

    // Runs a block. An outcome beyond Jumped: something happened that the caller must look at.
    Outcome execute(const Block& block) {
        cpu_.block_eip = cpu_.eip;
        return execute_from(block, block.operations()[0]);
    }

    Outcome execute_from(const Block& block, const Operation& first) {
        cpu_.current_block_ = &block;
        const Outcome outcome = first.handler(cpu_, first.insn);
        if (outcome == Outcome::Done) {
            leave_block(block, block.count);
            return outcome;
        }
        return stopped(block, outcome);
    }

    // The operation at which the block's chain ended has an outcome of its own.
    Outcome stopped(const Block& block, Outcome outcome) {
        const Operation& last = *cpu_.stopped_at;
        if (outcome == Outcome::Leave) cpu_.eip = cpu_.block_eip + last.end;
        leave_block(block, last.index + 1u);
        if (failed(outcome)) give_up(outcome, last.insn.length);
        return outcome;
    }

    // ---- Translated blocks

    bool has_translation(Block& block) {
        constexpr u32 hot = 32;
        if (block.translated && cpu_.block_runner_->find(block)) return true;
        if (block.cold != 0) {
            --block.cold;
            return false;
        }
        if (++block.heat < hot || !cpu_.coverage_.empty()) return false;
        block.heat = 0;
        return cpu_.block_runner_->translate(block);
    }

    // What translated code leaves to the interpreter.
    Outcome finish(const BlockRunner::Left& left) {
        if (left.at == nullptr) return Outcome::Jumped;
        const Block& block = block_of(*left.at);
        switch (left.how) {
        case BlockRunner::Left::How::Operation: return execute_from(block, *left.at);
        case BlockRunner::Left::How::Behind: return execute_from(block, left.at[1]);
        default: return stopped(block, left.outcome);
        }
    }

    void leave_block(const Block& block, u32 executed) {
        if (!cpu_.coverage_.empty()) [[unlikely]]
            cover(block, executed);
        count_executed(executed);
    }

    void count_executed(u64 executed) {
        cpu_.current_block_ = nullptr;
        cpu_.retired_ += executed + cpu_.extra_retired;
        cpu_.extra_retired = 0;
    }

    void cover(const Block& block, u32 executed) {
        for (u32 n = 0; n < executed; ++n) cover(block.operations()[n].insn);
    }
    void cover(const Instruction& insn) {
        if (insn.row < row_count) ++cpu_.coverage_[insn.row];
    }

    // The instruction was not executed: it raised an exception, or V32 mode is to be left.
    void give_up(Outcome outcome, u8 instruction_length) {
        cpu_.instruction_length = instruction_length;
        if (outcome == Outcome::Fault)
            deliver(cpu_, cpu_.fault);
        else
            v32::leave(cpu_);
    }

    // A fault before any instruction: it is counted, so that an endless series of faults cannot stop the clock.
    void fault_at_fetch() {
        ++cpu_.retired_;
        give_up(Outcome::Fault, 0);
    }

    // ---- One instruction, with everything that may come before and behind it

    void run_one() {
        const u32 linear = cpu_.segment[seg_CS].base + cpu_.eip;
        cpu_.event_delivered = false;
        cpu_.cast_shadow = 0;
        Instruction insn;
        if (hits_code_breakpoint(cpu_, linear)) return fault_at_fetch();
        if (!fetch_quickly(linear, insn) && failed(fetch(insn))) return fault_at_fetch();
        const bool traps = cpu_.flag(EFLAGS_TF);
        const bool resumed = cpu_.flag(EFLAGS_RF);
        const u8 shadow = cpu_.interruptibility & (blocked_by_STI | blocked_by_MOV_SS);
        if (resumed) cpu_.eflags_rest &= ~u32{EFLAGS_RF};
        if (!cpu_.coverage_.empty()) cover(insn);
        const u32 before = cpu_.eip;
        const bool root = !cpu_.in_v32();
        const Outcome outcome = single_handler(insn)(cpu_, insn);
        if (outcome == Outcome::Done || outcome == Outcome::Leave) cpu_.eip += insn.length;
        count_executed(1);
        if (failed(outcome)) {
            if (resumed && outcome == Outcome::Fault && cpu_.eip == before) cpu_.eflags_rest |= EFLAGS_RF;
            give_up(outcome, insn.length);
        } else if (root == !cpu_.in_v32()) { // else V32ENTER: all that follows here has become the VMM's past
            // A shadow lasts one instruction. Of one that follows another, STI's stays (IF was 0 in V32 mode's TRAP
            // policy); MOV SS behind MOV SS casts none (SDM vol. 3A, 6.8.3).
            cpu_.interruptibility = static_cast<u8>((cpu_.interruptibility & ~shadow) | cpu_.cast_shadow);
            // The instruction goes on: its breakpoint must not stop it again.
            if (outcome == Outcome::Again && resumed) cpu_.eflags_rest |= EFLAGS_RF;
            if (traps && !cpu_.event_delivered) cpu_.pending_debug |= DR6_BS;
            v32::note_completion(cpu_);
        }
        cpu_.update_attention();
    }

    // What is in no block is decoded once, too, as long as its bytes stay the same: above all an instruction of a loop
    // that crosses a page. Only where the bytes that it may have lie in RAM, in pages that may be fetched for sure.
    bool fetch_quickly(u32 linear, Instruction& insn) {
        constexpr u32 most = max_instruction_length;
        const u32 last = linear + (most - 1);
        if (cpu_.eip > 0u - most || cpu_.eip + (most - 1) > cpu_.segment[seg_CS].limit) return false;
        SingleCache::Bytes bytes;
        const u32 first_part = std::min(most, page_size - page_offset(linear));
        if (!copy_code(linear, {bytes.data(), first_part})) return false;
        if (first_part < most && !copy_code(last & ~page_offset_mask, {bytes.data() + first_part, most - first_part}))
            return false;
        const Instruction* const known =
            cpu_.blocks().singles.decode(linear, bytes, cpu_.code_size(), cpu_.model.features);
        if (known != nullptr) insn = *known;
        return known != nullptr;
    }

    // Bytes of one page.
    bool copy_code(u32 linear, std::span<u8> to) {
        if (!cpu_.fetch_view->has(linear, tlb_fetch)) return false;
        const PageMapping& page = cpu_.memory.page({cpu_.fetch_view->physical_page(linear)});
        if (page.read == nullptr) return false;
        std::memcpy(to.data(), page.read + page_offset(linear), to.size());
        return true;
    }

    // Fetches and decodes at CS:EIP byte by byte as far as needed: across a page, near the limit, from a device.
    Outcome fetch(Instruction& insn) {
        u8 bytes[max_instruction_length];
        const Segment& cs = cpu_.segment[seg_CS];
        u64 page = 0;
        for (unsigned n = 0; n < max_instruction_length; ++n) {
            const u32 offset = cpu_.eip + n;
            const u32 linear = cs.base + offset;
            if (offset > cs.limit) return raise(cpu_, Vector::GP, 0);
            if (n == 0 || page_offset(linear) == 0)
                if (const Outcome o = translate(cpu_, linear, AccessKind::Fetch, cpu_.cpl == 3, page); failed(o))
                    return o;
            bytes[n] = static_cast<u8>(cpu_.memory.read({page | page_offset(linear)}, 1));
            const Decoded decoded = decode({bytes, n + 1}, cpu_.code_size(), cpu_.model.features);
            if (decoded.status == DecodeStatus::Truncated) continue;
            insn = decoded.instruction;
            return Outcome::Done;
        }
        return raise(cpu_, Vector::GP, 0);
    }

    Cpu& cpu_;
    Block* entry_guess_ = nullptr; // the guess where no block went before: the last one entered so
};

RunResult Cpu::run(u64 budget) {
    const HostMxcsrReturn give_back(host_mxcsr, sse);
    return RunLoop(*this).run(budget);
}

u64 Cpu::retired() const {
    if (current_block_ == nullptr) return retired_ + extra_retired;
    // How far EIP has come in the block tells how many of its instructions are done.
    const u32 at = eip - block_eip;
    const Operation* const operations = current_block_->operations();
    u64 done = 0;
    while (done < current_block_->count && operations[done].end <= at) ++done;
    return retired_ + extra_retired + done;
}

// RF alone asks for one instruction at a time, but a REP that goes on after an interruption is one instruction: what it
// says has been heeded when the instruction began.
u64 Cpu::iterations_allowed() const {
    const bool shadow = (interruptibility & (blocked_by_STI | blocked_by_MOV_SS)) != 0;
    const bool steps = shadow || flag(EFLAGS_TF) || (dr7 & DR7_enables) != 0 || (in_v32() && v32.has(v32::STEP_EXIT));
    if ((attention & attention_v32) != 0 || steps) return 1;
    u64 now = retired_ + extra_retired;
    if (current_block_ != nullptr) now += current_block_->count - 1; // REP ends a block
    return run_end_ > now ? run_end_ - now : 1;
}

} // namespace truering
