// One region's translation in the making.
//
// Parts: emitter.cpp the frame (blocks, ways out, what stands out of line), emitter_memory.cpp a memory operand,
// emitter_flags.cpp the guest's flags, emitter_plain.cpp instructions by the letters of their row, emitter_special.cpp
// those with ways of their own, emitter_jumps.cpp conditions and what ends a block.
//
// Three ways lead out of the middle of a block. Where an access needs more than the quick look, a stub tries to fill
// the TLB and the access goes on; where that is not enough (a device, a fault, a store to code) the code is left, and
// the interpreter executes this instruction and the rest of the block. An instruction without an emitter calls the
// interpreter's function, and goes on behind it unless something happened that ends the block's translation.
#pragma once

#include "jit/x86_64/guest_flags.hpp"
#include "jit/x86_64/guest_form.hpp"
#include "jit/x86_64/host_registers.hpp"
#include "jit/x86_64/instruction_facts.hpp"
#include "jit/x86_64/region.hpp"
#include "jit/x86_64/stubs.hpp"
#include "jit/x86_64/unit_rows.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace truering {

// A jump that leads out of the code and may be made to lead to another region (translator.hpp).
struct Link {
    u32 eip = 0;       // where it goes
    size_t site = 0;   // offsets in the code memory: of the JMP that goes there with dead flags
    size_t saved = 0;  // of the JMP behind the saving of the flags
    size_t saving = 0; // where the saving begins: where `site` leads unless the target needs no flags
    size_t out = 0;    // the way to the run loop, where `saved` leads when it is not linked
};

class Emitter : private Xbyak::CodeGenerator {
  public:
    // Code for `plan`, written to `write` and executed at the 32-bit address `execute`. `page` holds the guest's bytes.
    Emitter(const RegionPlan& plan, const u8* page, u8* write, u32 execute, size_t bytes, const StubAddresses& stubs);

    // Throws Xbyak::Error if the memory does not suffice. Returns the number of bytes.
    size_t emit();

    // Afterwards: the links, with offsets from the beginning of this code. The code names each by a number that the
    // translator gives: `first_link` plus its index.
    [[nodiscard]] const std::vector<Link>& links() const { return links_; }
    // Where block n begins.
    [[nodiscard]] u32 begins_at(size_t n) const { return begins_at_[n]; }
    // Where the 32-bit number of link n stands in the code.
    [[nodiscard]] size_t link_number_at(size_t n) const { return link_numbers_[n]; }

  private:
    enum class Access : u8 { Read, Write };
    using OutOfLine = std::function<void()>;

    // What is recorded of x87 instructions and not yet stored: the last one, and the last with a memory operand.
    struct Record {
        const Operation* last = nullptr;
        const Operation* last_memory = nullptr;
    };
    // A point of the code, for what is emitted of it out of line.
    struct Here {
        unsigned block;
        GuestFlags flags;
        Record record;
    };

    // ---- emitter.cpp
    [[nodiscard]] Here here() const;
    void return_to(const Here& at);
    void emit_block(unsigned index);
    void emit_operation(const Operation& op);
    void call_interpreter(const Operation& op);
    void jump_to_stub(u32 stub);
    void call_stub(u32 stub);
    void store_eip(u32 eip);
    void give_back_block_credit();
    // Leaves at the present instruction, for the interpreter to execute it and the rest of the block.
    void leave_for_interpreter(const Operation& op, const Here& at);
    void later(OutOfLine code) { out_of_line_.push_back(std::move(code)); }

    // ---- emitter_memory.cpp
    // R8D = the offset that the instruction's memory operand is at.
    void operand_offset(const Instruction& insn);
    // R8D is an offset in `segment`: R8D = the linear address, R9 such that [R9+R8] is host memory of `size` bytes.
    void prove(const Operation& op, unsigned segment, Access access, unsigned size);
    void prove_operand(const Operation& op, Access access, unsigned size);
    void add_segment_base(const Operation& op, unsigned segment, Access access, unsigned size);
    [[nodiscard]] Xbyak::RegExp operand_address() const { return host::delta + host::address; }
    void load(const Xbyak::Reg64& to, unsigned size);
    void store(const Xbyak::Reg64& from, unsigned size);

    // ---- emitter_flags.cpp
    // The host's EFLAGS are about to be changed by something that is not the guest's.
    void clobber_host_flags();
    void save_flags();                         // into host::flags
    void emit_saving(const GuestFlags& flags); // the same out of line, for a state of before
    void make_flags(const GuestFlags& flags);  // by the recipe, into the host's EFLAGS; R8 is used
    void make_flags_of(const FlagRecipe& recipe);
    void keep_sources(const Instruction& insn); // before the instruction: what it overwrites and a recipe needs
    void keep_source(const std::function<bool(const FlagSource&)>& is_lost);
    void free_loaded(); // R10 is about to be used
    void make_carry_live();
    void make_all_flags_live();
    [[nodiscard]] bool demanded_behind(const Operation& op) const;
    // A condition of the host that holds if the guest's does. R8 and R9 are used.
    unsigned condition(unsigned guest_condition);

    // ---- emitter_plain.cpp
    void emit_plain(const Operation& op);
    void emit_move(const Operation& op);
    void emit_on_value(const Operation& op, int rm); // the host's instruction, ModRM.rm being that register
    void emit_form(const Operation& op, int rm);
    void emit_shift_by_CL(const Operation& op, int rm, bool stores);
    void prepare_carry(bool demanded);
    void prepare_shift(const Operation& op, int rm, unsigned size);
    void emit_effect(const Operation& op, int rm);
    void partial_flags(u16 mask);
    void product_flags(const Xbyak::Reg& low);
    void overflow_flag(const Operation& op, int rm, unsigned size);
    void rotate_flags(const Operation& op, int rm, unsigned size);

    // ---- emitter_special.cpp
    void emit_special(const Operation& op, Kind kind);
    void emit_exchange(const Operation& op);
    void emit_multiplication(const Operation& op);
    void emit_division(const Operation& op, Kind kind);
    void emit_push(const Operation& op, Kind kind);
    void emit_pop(const Operation& op);
    void emit_leave(const Operation& op);
    void emit_flag_instruction(Kind kind);
    // The register or memory operand E as a host register: R10 if it is in memory.
    int load_E(const Operation& op);

    // ---- emitter_units.cpp: x87, MMX, SSE, SSE2
    void emit_unit(const Operation& op);
    void ensure_units(const Operation& op, u8 units);
    void emit_unit_instruction(const Operation& op, const UnitRow& row);
    void emit_load_control(const Operation& op, const UnitRow& row);
    void must_be_aligned(const Operation& op, unsigned bytes);
    void note_record(const Operation& op, const UnitRow& row);
    void flush_record();

    // ---- emitter_jumps.cpp
    void emit_set(const Operation& op);
    void emit_conditional_move(const Operation& op);
    void emit_end(const Operation& op, Kind kind); // of the block
    enum class Next : u8 { Behind, Elsewhere };    // is the next block's code what comes next?
    void branch(unsigned host_condition);          // to the taken edge, else to the other
    void take_edge(const Edge& edge, Next next = Next::Behind);
    void take_inside(const Edge& edge, Next next);
    void take_link(const Edge& edge);
    void take_far(const Edge& edge);
    void take_dynamic(); // R10D: EIP
    void check_credit(u32 eip);
    void push_return_address(const Operation& op);
    void jump_if(unsigned host_condition, const Xbyak::Label& to);
    [[nodiscard]] bool needs_saving(const Edge& edge) const;
    void pass_flags(const Edge& edge);

    // Where the host's register of an operand: bytes 4 to 7 are AH to BH.
    [[nodiscard]] static Xbyak::Reg register_of(unsigned n, unsigned size);
    [[nodiscard]] std::span<const u8> bytes_of(const Operation& op) const;
    [[nodiscard]] u32 eip_of(const Operation& op) const { return planned().eip + op.end - op.insn.length; }
    [[nodiscard]] u32 eip_behind(const Operation& op) const { return planned().eip + op.end; }
    [[nodiscard]] const Row& row(const Operation& op) const { return isa[op.insn.row]; }
    [[nodiscard]] const PlannedBlock& planned() const { return plan_.blocks[current_]; }

    const RegionPlan& plan_;
    const u8* page_;
    u32 execute_;
    StubAddresses stubs_;
    unsigned current_ = 0;      // the block
    GuestFlags flags_;          // here
    bool demanded_here_ = true; // the flags of before the instruction, by it or behind it
    u8 units_ = 0;              // that are resident for sure
    Record record_{};
    std::vector<Xbyak::Label> labels_;
    std::vector<GuestFlags> flags_at_; // by block: the state in which its predecessors enter it
    std::vector<u32> begins_at_;       // by block: offset of its code
    std::vector<OutOfLine> out_of_line_;
    std::vector<Link> links_;
    std::vector<size_t> link_numbers_;
};

} // namespace truering
