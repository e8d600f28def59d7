#include "jit/x86_64/translator.hpp"

#include "decoder/isa.hpp"
#include "jit/x86_64/emitter.hpp"
#include "jit/x86_64/native_layout.hpp"
#include "jit/x86_64/unit_layout.hpp"

#include <cassert>
#include <cstring>

namespace truering {

using namespace Xbyak::util;
using Layout = NativeLayout;

namespace {

constexpr u32 at_border = 0xFF; // what the code returns beside outcomes
constexpr size_t room_for_block = 16384;

Xbyak::Reg32 guest_32(unsigned n) { return Xbyak::Reg32(static_cast<int>(8 + n)); }

// The code that all translations share.
class Stubs : public Xbyak::CodeGenerator {
  public:
    Stubs(u8* write, size_t bytes, const ArithmeticFlags* table, void** site, HostUnitsImage& image)
        : CodeGenerator(bytes, write) {
        make_units(image);
        make_enter();
        make_border(site, table);
        make_call(table);
        make_leave(table);
    }
    size_t enter = 0, border = 0, call = 0, leave_behind = 0, take[4] = {};

  private:
    void load_registers() {
        for (unsigned n = 0; n < 8; ++n) mov(guest_32(n), dword[rbx + Layout::gpr + 4 * n]);
        mov(rbp, ptr[rbx + Layout::tlb_view]);
        load_flags();
    }
    void store_registers(const ArithmeticFlags* table) {
        for (unsigned n = 0; n < 8; ++n) mov(dword[rbx + Layout::gpr + 4 * n], guest_32(n));
        mov(rax, reinterpret_cast<u64>(table));
        mov(rax, ptr[rax + rsi * 8]);
        mov(ptr[rbx + Layout::arithmetic], rax);
    }
    // ESI from the processor's own form (cpu/flags.hpp): result in EDI, carries in ECX.
    void load_flags() {
        mov(edi, dword[rbx + Layout::arithmetic]);
        mov(ecx, dword[rbx + Layout::arithmetic + 4]);
        mov(edx, ecx); // PF: the parity of the result's byte, corrected
        shr(edx, 8);
        xor_(edx, edi);
        test(dl, dl);
        setp(dl);
        movzx(edx, dl);
        shl(edx, 2);
        test(edi, edi); // ZF
        setz(al);
        movzx(eax, al);
        shl(eax, 6);
        or_(edx, eax);
        shr(edi, 31); // SF, corrected
        mov(eax, ecx);
        and_(eax, 1);
        xor_(edi, eax);
        shl(edi, 7);
        or_(edx, edi);
        mov(eax, ecx); // AF
        and_(eax, 8);
        shl(eax, 1);
        or_(edx, eax);
        mov(eax, ecx); // CF
        shr(eax, 31);
        lea(esi, ptr[rdx + rax + 2]);
        shl(esi, 8);
        lea(eax, ptr[rcx + rcx]); // OF
        xor_(eax, ecx);
        shr(eax, 31);
        or_(esi, eax);
    }
    void make_units(HostUnitsImage& image) {
        HostUnitRoutines routines(*this, image, {rbx, rax, rcx, rdx});
        for (unsigned units = 1; units < std::size(take); ++units) {
            align(16);
            take[units] = getSize();
            routines.emit_take(static_cast<u8>(units));
        }
        align(16);
        L(give_back_);
        routines.emit_give_back();
        align(16);
    }
    // RAX, RCX and RDX change.
    void give_units_back() {
        Xbyak::Label nothing;
        cmp(byte[rbx + UnitLayout::resident], 0);
        je(nothing);
        Xbyak::CodeGenerator::call(give_back_);
        L(nothing);
    }
    void leave() {
        add(rsp, 8);
        pop(r15);
        pop(r14);
        pop(r13);
        pop(r12);
        pop(rbp);
        pop(rbx);
        ret();
    }

    // u32 enter(Cpu*, const void* code)
    void make_enter() {
        enter = getSize();
        push(rbx);
        push(rbp);
        push(r12);
        push(r13);
        push(r14);
        push(r15);
        sub(rsp, 8);
        mov(rbx, rdi);
        mov(ptr[rsp], rsi);
        load_registers();
        jmp(ptr[rsp]);
    }

    void make_border(void** site, const ArithmeticFlags* table) {
        align(16);
        border = getSize();
        mov(rax, reinterpret_cast<u64>(site));
        mov(ptr[rax], rdx);
        mov(ptr[rax + 8], rcx);
        store_registers(table);
        give_units_back();
        mov(eax, at_border);
        leave();
    }

    // RDI: the operation in execution. R13 = its block, EAX = the block's EIP.
    void name_operation() {
        movzx(eax, word[rdi + offsetof(Operation, index)]); // the operations stand behind the block
        imul(eax, eax, sizeof(Operation));
        mov(r13, rdi);
        sub(r13, rax);
        sub(r13, sizeof(Block));
        mov(ptr[rbx + Layout::current_block], r13);
        mov(ptr[rbx + Layout::stopped_at], rdi);
        mov(eax, dword[r13 + offsetof(Block, native_eip)]);
        mov(dword[rbx + Layout::block_eip], eax);
    }

    // RDI: an operation that is done.
    void make_leave(const ArithmeticFlags* table) {
        align(16);
        leave_behind = getSize();
        store_registers(table);
        give_units_back();
        name_operation();
        mov(eax, static_cast<u32>(Outcome::Leave));
        leave();
    }

    // RDI: the operation; RCX: its single handler.
    void make_call(const ArithmeticFlags* table) {
        Xbyak::Label out, died;
        align(16);
        call = getSize();
        sub(rsp, 8);
        store_registers(table);
        mov(r12, rcx);
        give_units_back();
        name_operation();
        movzx(edx, word[rdi + offsetof(Operation, end)]);
        add(eax, edx);
        movzx(edx, byte[rdi + offsetof(Operation, insn) + offsetof(Instruction, length)]);
        sub(eax, edx);
        mov(dword[rbx + Layout::eip], eax);
        lea(rsi, ptr[rdi + offsetof(Operation, insn)]);
        mov(rdi, rbx);
        Xbyak::CodeGenerator::call(r12);
        movzx(eax, al);
        test(eax, eax);
        jnz(out, T_NEAR);
        cmp(qword[r13 + offsetof(Block, key)], -1);
        je(died, T_NEAR);
        mov(qword[rbx + Layout::current_block], 0);
        load_registers();
        add(rsp, 8);
        ret();
        L(died);
        mov(eax, static_cast<u32>(Outcome::Leave));
        L(out);
        add(rsp, 16);
        leave();
    }

    Xbyak::Label give_back_;
};

bool is_flat(const Segment& s) {
    constexpr i64 all = 0xFFFF'FFFF;
    return s.base == 0 && s.sure_read_last == all && s.sure_write_last == all;
}

// Segment registers are looked at when a translation is entered, not within it.
bool loads_segment(const Row& row) {
    const Operand& a = row.operands[0];
    if (a.file == RegisterFile::Segment && row.mnemonic != "PUSH_seg") return true;
    return row.mnemonic.starts_with("L") && row.mnemonic.size() == 3 && row.mnemonic[2] == 'S';
}

} // namespace

Translator::Translator(Cpu& cpu, size_t code_bytes) : cpu_(cpu), code_(code_bytes) {
    make_stubs();
    cpu_.set_block_runner(this);
}

Translator::~Translator() { cpu_.set_block_runner(nullptr); }

void Translator::make_stubs() {
    constexpr size_t room = 4096;
    Stubs stubs(code_.writable(0), room, flag_table_.data(), reinterpret_cast<void**>(&return_), image_);
    enter_ = stubs.enter;
    border_ = stubs.border;
    call_ = stubs.call;
    leave_ = stubs.leave_behind;
    std::copy(std::begin(stubs.take), std::end(stubs.take), take_);
    used_ = stubs_end_ = room;
}

bool Translator::suits(const Block& block) const {
    if (block.native_eip != cpu_.eip) return false;
    const Segment& cs = cpu_.segment[seg_CS];
    if (cs.base != 0 || cs.limit != 0xFFFF'FFFF || !cpu_.segment[seg_SS].is_32bit()) return false;
    return is_flat(cpu_.segment[seg_SS]) && is_flat(cpu_.segment[seg_DS]) && is_flat(cpu_.segment[seg_ES]);
}

void Translator::translate(Block& block) {
    const bool code_32 = (block.key & 1) != 0;
    bool possible = code_32;
    for (u32 n = 0; possible && n < block.count; ++n) {
        const u16 number = block.operations()[n].insn.row;
        possible = number >= row_count || !loads_segment(isa[number]);
    }
    if (!possible) {
        ++statistics_.refused;
        return;
    }
    if (used_ + room_for_block > code_.size()) {
        for (Block* const translated : blocks_) translated->native = nullptr, translated->heat = 0;
        blocks_.clear();
        used_ = stubs_end_;
        return_ = {};
        ++statistics_.recycled;
    }
    const SharedStubs stubs{
        code_.executable(call_),
        {nullptr, code_.executable(take_[1]), code_.executable(take_[2]), code_.executable(take_[3])},
        code_.executable(leave_),
        code_.executable(border_)};
    block.native_eip = cpu_.eip;
    Emitter emitter(block, cpu_.eip, code_.writable(used_), code_.executable(used_), room_for_block, stubs);
    size_t entry = 0;
    const size_t bytes = emitter.emit(entry);
    assert(entry == Emitter::out_bytes);
    block.native = code_.executable(used_ + entry);
    blocks_.push_back(&block);
    used_ = (used_ + bytes + 15) & ~size_t{15};
    ++statistics_.blocks;
}

// The jump by which the last run left is made to lead to this block, if that is where it will always go: both are in
// one page, so whatever maps the one maps the other.
void Translator::link(const Block& to) {
    const Return from = return_;
    return_ = {};
    if (from.block->key == Block::invalid_key || left_for_ != to.native_eip) return;
    if (from.block->physical / page_size != to.physical / page_size) return;
    if ((from.block->native_eip ^ to.native_eip) >> 12 != 0) return;
    const size_t at = code_.offset_of(from.site), target = code_.offset_of(to.native);
    const i32 distance = static_cast<i32>(target) - static_cast<i32>(at + 5);
    std::memcpy(code_.writable(at + 1), &distance, sizeof distance);
    ++statistics_.links;
}

Outcome Translator::run(Block& block, Block*& stopped) {
    if (return_.site != nullptr) link(block);
    using Enter = u32 (*)(Cpu*, const void*);
    const u32 result = reinterpret_cast<Enter>(code_.executable(enter_))(&cpu_, block.native);
    if (result == at_border) {
        left_for_ = cpu_.eip;
        return Outcome::Jumped;
    }
    return_ = {};
    stopped = const_cast<Block*>(Layout::block_in_execution(cpu_));
    return static_cast<Outcome>(result);
}

void Translator::killed(Block& block) {
    const size_t entry = code_.offset_of(block.native);
    const i32 distance = -static_cast<i32>(Emitter::out_bytes) - 5;
    *code_.writable(entry) = 0xE9; // JMP rel32
    std::memcpy(code_.writable(entry + 1), &distance, sizeof distance);
}

void Translator::all_discarded() {
    blocks_.clear();
    used_ = stubs_end_;
    return_ = {};
}

} // namespace truering
