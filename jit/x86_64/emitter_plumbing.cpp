#include "jit/x86_64/emitter.hpp"
#include "jit/x86_64/native_layout.hpp"

namespace truering {

using namespace Xbyak::util;
using Layout = NativeLayout;

Emitter::Emitter(Block& block, u32 eip, u8* write, const void* execute, size_t bytes, const SharedStubs& stubs)
    : CodeGenerator(bytes, write), block_(block), eip_(eip), execute_(static_cast<const u8*>(execute)), stubs_(stubs) {}

size_t Emitter::emit(size_t& entry_offset) {
    // In front of the entry, the way out for a block that may not begin: the killed, and the ones out of turn.
    Xbyak::Label out;
    L(out);
    mov(dword[rbx + Layout::eip], eip_);
    border_by_eip();
    align(16);
    entry_offset = getSize();
    cmp(dword[rbx + Layout::attention], 0);
    jne(out, T_NEAR);
    mov(rax, ptr[rbx + Layout::pause_at]);
    sub(rax, ptr[rbx + Layout::retired]);
    cmp(rax, block_.count);
    jb(out, T_NEAR);
    for (u32 n = 0; n < block_.count; ++n) emit_one(block_.operations()[n]);
    if (!ended_) border(eip_ + block_.bytes);
    emit_slow_paths();
    emit_taking();
    for (const auto& site : sites_) {
        L(site->out);
        mov(dword[rbx + Layout::eip], site->eip);
        mov(rdx, reinterpret_cast<u64>(execute_ + (site->jump.getAddress() - getCode())));
        mov(rcx, reinterpret_cast<u64>(&block_));
        jmp(getCode() + (static_cast<const u8*>(stubs_.border) - execute_), T_NEAR);
    }
    return getSize();
}

void Emitter::emit_one(const Operation& op) {
    if (emit_unit(op)) return;
    // What the last instruction records must be stored before it may leave the block.
    if (op.index + 1u == block_.count) flush_record();
    if (!emit_native(op)) call_interpreter(op);
}

void Emitter::call_interpreter(const Operation& op) {
    save_flags();
    flush_record();
    units_ = 0;
    mov(rdi, reinterpret_cast<u64>(&op));
    mov(rcx, reinterpret_cast<u64>(single_handler(op.insn)));
    call(getCode() + (static_cast<const u8*>(stubs_.call) - execute_));
    flags_ = Flags::Saved;
}

void Emitter::border_by_eip() {
    xor_(edx, edx);
    jmp(getCode() + (static_cast<const u8*>(stubs_.border) - execute_), T_NEAR);
}

void Emitter::border(u32 next_eip) {
    save_flags();
    flush_record();
    add(qword[rbx + Layout::retired], block_.count);
    ended_ = true;
    if ((next_eip ^ eip_) >> 12 != 0) {
        mov(dword[rbx + Layout::eip], next_eip);
        return border_by_eip();
    }
    sites_.push_back(std::make_unique<LinkSite>());
    LinkSite& site = *sites_.back();
    site.eip = next_eip;
    L(site.jump);
    jmp(site.out, T_NEAR);
}

// Neither LAHF nor SETO nor MOV changes a flag: they stay live.
void Emitter::save_flags() {
    if (flags_ == Flags::Saved) return;
    lahf();
    seto(al);
    movzx(esi, ax);
    flags_ = Flags::Saved;
}

// The sum overflows where bit 0 is set.
void Emitter::make_live() {
    if (flags_ == Flags::Live) return;
    mov(eax, esi);
    add(al, 127);
    sahf();
    flags_ = Flags::Live;
}

void Emitter::address(const Instruction& insn) {
    const bool has_base = insn.base != no_register, has_index = insn.index != no_register;
    const int displacement = static_cast<int>(insn.displacement);
    const int factor = 1 << insn.scale;
    if (has_base && has_index)
        lea(ecx, ptr[wide(insn.base) + wide(insn.index) * factor + displacement]);
    else if (has_base)
        lea(ecx, ptr[wide(insn.base) + displacement]);
    else if (has_index)
        lea(ecx, ptr[wide(insn.index) * factor + displacement]);
    else
        mov(ecx, insn.displacement);
}

void Emitter::translate(const Operation& op, Access access, unsigned size) {
    slow_.push_back(std::make_unique<SlowPath>());
    slow_.back()->op = &op;
    mov(edx, ecx);
    shr(edx, 12);
    const size_t deltas = access == Access::Read ? offsetof(TlbView, read) : offsetof(TlbView, write);
    mov(rdx, ptr[rbp + rdx * 8 + deltas]);
    test(rdx, rdx);
    jz(slow_.back()->entry, T_NEAR);
    if (size > 1) {
        mov(eax, ecx);
        and_(eax, page_offset_mask);
        cmp(eax, page_size - size);
        ja(slow_.back()->entry, T_NEAR);
    }
    add(rcx, rdx);
}

void Emitter::finish_slow(Flags state) {
    flags_ = state;
    for (; open_slow_ < slow_.size(); ++open_slow_) {
        slow_[open_slow_]->state_behind = state;
        slow_[open_slow_]->units_behind = units_;
        slow_[open_slow_]->record = record_;
        L(slow_[open_slow_]->back);
    }
}

void Emitter::emit_slow_paths() {
    for (const auto& slow : slow_) {
        L(slow->entry);
        flags_ = Flags::Saved;
        record_ = slow->record;
        call_interpreter(*slow->op);
        retake(*slow->op, slow->units_behind);
        if (slow->state_behind == Flags::Live) make_live();
        jmp(slow->back, T_NEAR);
    }
}

} // namespace truering
