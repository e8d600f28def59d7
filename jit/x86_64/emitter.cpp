#include "jit/x86_64/emitter.hpp"

#include "jit/x86_64/native_layout.hpp"

namespace truering {

using namespace Xbyak::util;
using Layout = NativeLayout;

Emitter::Emitter(const RegionPlan& plan, const u8* page, u8* write, u32 execute, size_t bytes,
                 const StubAddresses& stubs)
    : CodeGenerator(bytes, write), plan_(plan), page_(page), execute_(execute), stubs_(stubs),
      labels_(plan.blocks.size()), flags_at_(plan.blocks.size()) {}

size_t Emitter::emit() {
    for (unsigned n = 0; n < plan_.blocks.size(); ++n) emit_block(n);
    for (size_t n = 0; n < out_of_line_.size(); ++n) {
        const OutOfLine code = std::move(out_of_line_[n]);
        code();
    }
    return getSize();
}

void Emitter::emit_block(unsigned index) {
    current_ = index;
    if (!planned().flags_demanded)
        flags_ = GuestFlags::dead();
    else if (planned().is_canonical())
        flags_ = GuestFlags::in_saved_form();
    else
        flags_ = flags_at_[index];
    units_ = 0;
    L(labels_[index]);
    begins_at_.push_back(static_cast<u32>(getSize()));
    const Block& block = *planned().block;
    lea(host::credit, ptr[host::credit - static_cast<int>(block.count)]);
    for (u32 n = 0; n < block.count; ++n) emit_operation(block.operations()[n]);
}

void Emitter::emit_operation(const Operation& op) {
    const Instruction& insn = op.insn;
    const bool is_last = op.index + 1u == planned().block->count;
    demanded_here_ = looks_at_flags(insn) || (demanded_behind(op) && !sets_all_flags(insn));
    const Kind kind = kind_of(insn);
    if (demanded_behind(op) && !sets_all_flags(insn)) keep_sources(insn);
    if (kind != Kind::Unit && (is_last || kind == Kind::Interpreted)) flush_record();
    switch (kind) {
    case Kind::Unit: emit_unit(op); break;
    case Kind::Interpreted: call_interpreter(op); break;
    case Kind::Plain: emit_plain(op); break;
    case Kind::SETcc: emit_set(op); break;
    case Kind::CMOVcc: emit_conditional_move(op); break;
    case Kind::Jcc:
    case Kind::JMP:
    case Kind::JMP_E:
    case Kind::CALL:
    case Kind::CALL_E:
    case Kind::RET:
    case Kind::LOOP:
    case Kind::JCXZ: return emit_end(op, kind);
    default: emit_special(op, kind); break;
    }
    if (!is_last) return;
    flush_record();
    take_edge(planned().edges[0]);
}

// ---- Ways out

void Emitter::jump_to_stub(u32 stub) { jmp(getCode() + (i64{stub} - i64{execute_}), T_NEAR); }
void Emitter::call_stub(u32 stub) { call(getCode() + (i64{stub} - i64{execute_})); }
void Emitter::store_eip(u32 eip) { mov(dword[host::cpu + Layout::eip], eip); }

void Emitter::give_back_block_credit() { add(host::credit, planned().block->count); }

Emitter::Here Emitter::here() const { return {current_, flags_, record_}; }

void Emitter::return_to(const Here& at) {
    current_ = at.block;
    flags_ = at.flags;
    record_ = at.record;
}

void Emitter::leave_for_interpreter(const Operation& op, const Here& at) {
    emit_saving(at.flags);
    record_ = at.record;
    flush_record();
    give_back_block_credit();
    mov(dword[host::cpu + Layout::block_eip], planned().eip);
    mov(r8, reinterpret_cast<u64>(&op));
    jump_to_stub(stubs_.to_interpreter);
}

void Emitter::call_interpreter(const Operation& op) {
    save_flags();
    mov(dword[host::cpu + Layout::block_eip], planned().eip);
    mov(r10d, planned().block->count);
    mov(r8, reinterpret_cast<u64>(&op));
    mov(r9, reinterpret_cast<u64>(single_handler(op.insn)));
    call_stub(stubs_.call);
    units_ = 0;
    flags_ = GuestFlags::in_saved_form();
}

std::span<const u8> Emitter::bytes_of(const Operation& op) const {
    const size_t at = page_offset(planned().block->physical) + op.end - op.insn.length;
    return {page_ + at, op.insn.length};
}

Xbyak::Reg Emitter::register_of(unsigned n, unsigned size) {
    if (size == 1) return Xbyak::Reg8(static_cast<int>(n)); // 4 to 7 without REX: AH to BH
    if (size == 2) return host::guest_16(n);
    return host::guest(n);
}

} // namespace truering
