// One block's translation in the making.
#pragma once

#include "cpu/interpreter/block_cache.hpp"
#include "decoder/isa.hpp"
#include "jit/x86_64/code_memory.hpp"
#include "jit/x86_64/unit_rows.hpp"

#include <memory>
#include <vector>
#include <xbyak/xbyak.h>

namespace truering {

// Where the stubs that all translations share are, as executable addresses.
struct SharedStubs {
    const void* call;    // RDI: an Operation, RCX: its single handler. Comes back if the outcome is Done
    const void* take[4]; // by units (host_units.hpp); CF=1: refused. Changes RAX, RCX, RDX
    const void* leave;   // RDI: an Operation that is done; the run loop goes on behind it
    const void* border;  // RDX: the jump that may be linked, RCX: its block; or 0
};

class Emitter : private Xbyak::CodeGenerator {
  public:
    static constexpr size_t out_bytes = 16; // of the way out, in front of the entry

    // `bytes` at `write`, executed at `execute`.
    Emitter(Block& block, u32 eip, u8* write, const void* execute, size_t bytes, const SharedStubs& stubs);

    // Throws Xbyak::Error if the memory does not suffice. Returns the number of bytes; the entry is at `entry_offset`.
    size_t emit(size_t& entry_offset);

  private:
    enum class Flags : u8 { Saved, Live }; // in ESI; in the host's EFLAGS
    enum class Access : u8 { Read, Write };

    // ---- emitter_plumbing.cpp
    void emit_entry();
    void emit_one(const Operation& op);
    void call_interpreter(const Operation& op);
    void border(u32 next_eip);
    void border_by_eip(); // EIP has been stored
    void save_flags();
    void make_live();
    void clobbers_flags() { save_flags(); }
    // ECX = the address of the memory operand.
    void address(const Instruction& insn);
    // RCX = host address of `size` bytes at linear ECX; the interpreter executes the instruction where that fails.
    void translate(const Operation& op, Access access, unsigned size);
    void finish_slow(Flags state); // behind the instruction: where its slow path comes back
    void emit_slow_paths();

    // ---- emitter_instructions.cpp, emitter_jumps.cpp: false if there is no emitter for this form
    bool emit_native(const Operation& op);
    bool emit_two_operands(const Operation& op);
    bool emit_one_operand(const Operation& op);
    bool emit_move(const Operation& op);
    bool emit_extension(const Operation& op);
    bool emit_shift(const Operation& op);
    bool emit_multiplication(const Operation& op);
    bool emit_stack(const Operation& op);
    bool emit_condition(const Operation& op);
    bool emit_jump(const Operation& op);
    bool emit_rest(const Operation& op);

    // ---- emitter_units.cpp: x87, MMX, SSE, SSE2
    bool emit_unit(const Operation& op);
    void ensure_units(const Operation& op, u8 units);
    void emit_unit_instruction(const Operation& op, const UnitRow& row);
    void emit_load_control(const Operation& op, const UnitRow& row);
    void note_record(const Operation& op, const UnitRow& row);
    void flush_record();
    void emit_taking();
    void retake(const Operation& op, u8 units);

    void alu(const Operation& op, const Xbyak::Operand& to, const Xbyak::Operand& from);
    void alu(const Operation& op, const Xbyak::Operand& to, u32 immediate);
    void jump_if(unsigned condition, const Xbyak::Label& to);
    void set_if(unsigned condition, const Xbyak::Reg8& to);
    void move_if(unsigned condition, const Xbyak::Reg32& to, const Xbyak::Operand& from);

    [[nodiscard]] static Xbyak::Reg32 reg(unsigned n) { return Xbyak::Reg32(static_cast<int>(8 + n)); }
    [[nodiscard]] static Xbyak::Reg64 wide(unsigned n) { return Xbyak::Reg64(static_cast<int>(8 + n)); }
    [[nodiscard]] static Xbyak::Reg8 byte_reg(unsigned n) { return Xbyak::Reg8(static_cast<int>(8 + n)); }
    [[nodiscard]] u32 eip_behind(const Operation& op) const { return eip_ + op.end; }
    [[nodiscard]] const Row& row(const Operation& op) const { return isa[op.insn.row]; }

    // What is recorded of x87 instructions and not yet stored: the last one, and the last with a memory operand.
    struct Record {
        const Operation* last = nullptr;
        const Operation* last_memory = nullptr;
    };
    struct SlowPath {
        const Operation* op;
        Xbyak::Label entry, back;
        Flags state_behind = Flags::Saved;
        u8 units_behind = 0;
        Record record{};
    };
    struct Taking {
        const Operation* op;
        u8 units;
        Record record;
        Xbyak::Label entry, back;
    };
    struct LinkSite {
        Xbyak::Label jump, out;
        u32 eip;
    };

    Block& block_;
    u32 eip_;
    const u8* execute_;
    SharedStubs stubs_;
    Flags flags_ = Flags::Saved;
    bool ended_ = false; // the last instruction has gone elsewhere
    u8 units_ = 0;       // that are resident for sure
    Record record_{};
    std::vector<std::unique_ptr<SlowPath>> slow_;
    std::vector<std::unique_ptr<Taking>> taking_;
    std::vector<std::unique_ptr<LinkSite>> sites_;
    size_t open_slow_ = 0; // slow paths up to here know where to come back
};

} // namespace truering
