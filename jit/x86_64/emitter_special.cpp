// Instructions with ways of their own.
#include "jit/x86_64/emitter.hpp"
#include "jit/x86_64/native_layout.hpp"

namespace truering {

using namespace Xbyak::util;

int Emitter::load_E(const Operation& op) {
    const Instruction& insn = op.insn;
    const Operand& e = row(op).operands[0];
    const unsigned size = operand_size(insn, e);
    if (!insn.memory) return size == 1 ? insn.rm : host::number_of(insn.rm);
    free_loaded();
    prove_operand(op, Access::Read, size);
    load(host::loaded, size);
    return host::loaded.getIdx();
}

void Emitter::emit_special(const Operation& op, Kind kind) {
    const Instruction& insn = op.insn;
    switch (kind) {
    case Kind::Nothing: return;
    case Kind::LEA:
        operand_offset(insn);
        if (insn.operand_32)
            mov(host::guest(insn.reg), r8d);
        else
            mov(host::guest_16(insn.reg), r8w);
        return;
    case Kind::XCHG: return emit_exchange(op);
    case Kind::MUL: return emit_multiplication(op);
    case Kind::DIV:
    case Kind::IDIV: return emit_division(op, kind);
    case Kind::CBW: return insn.operand_32 ? cwde() : cbw();
    case Kind::CWD: return insn.operand_32 ? cdq() : cwd();
    case Kind::BSWAP: return bswap(host::guest(insn.rm));
    case Kind::PUSH:
    case Kind::PUSH_imm:
    case Kind::PUSH_E: return emit_push(op, kind);
    case Kind::POP: return emit_pop(op);
    case Kind::LEAVE: return emit_leave(op);
    default: return emit_flag_instruction(kind);
    }
}

void Emitter::emit_exchange(const Operation& op) {
    const Instruction& insn = op.insn;
    const Operand& a = row(op).operands[0];
    const Operand& b = row(op).operands[1];
    const unsigned size = operand_size(insn, a);
    const Xbyak::Reg other = register_of(register_number(insn, b), size);
    if (!insn.memory) return xchg(register_of(register_number(insn, a), size), other);
    free_loaded();
    prove_operand(op, Access::Write, size);
    load(host::loaded, size);
    store(host::guest_64(insn.reg), size);
    if (size == 1) return mov(other, r10b);
    if (size == 2) return mov(other, r10w);
    mov(other, r10d);
}

void Emitter::emit_multiplication(const Operation& op) {
    const unsigned size = operand_size(op.insn, row(op).operands[0]);
    const int source = load_E(op);
    const Xbyak::Reg reg = size == 1   ? static_cast<Xbyak::Reg>(Xbyak::Reg8(source))
                           : size == 2 ? static_cast<Xbyak::Reg>(Xbyak::Reg16(source))
                                       : static_cast<Xbyak::Reg>(Xbyak::Reg32(source));
    if (row(op).mnemonic == "MUL")
        mul(reg);
    else
        imul(reg);
    flags_ = GuestFlags::dead();
    if (demanded_behind(op)) product_flags(register_of(reg_EAX, size));
}

// Only divisions that surely succeed; the interpreter has the others, and #DE. They leave the flags alone.
void Emitter::emit_division(const Operation& op, Kind kind) {
    const int source = load_E(op);
    clobber_host_flags();
    const Xbyak::Reg32 divisor(source);
    auto leave = std::make_shared<Xbyak::Label>();
    const Operation* const operation = &op;
    const Here before = here();
    if (kind == Kind::DIV) {
        cmp(edx, divisor);
        jae(*leave, T_NEAR);
        div(divisor);
    } else { // a dividend of 32 bits, by neither 0 nor -1
        mov(r8d, eax);
        sar(r8d, 31);
        cmp(r8d, edx);
        jne(*leave, T_NEAR);
        lea(r8d, ptr[Xbyak::Reg64(source) + 1]);
        cmp(r8d, 1);
        jbe(*leave, T_NEAR);
        idiv(divisor);
    }
    later([=, this] {
        return_to(before);
        L(*leave);
        leave_for_interpreter(*operation, before);
    });
}

// ---- The stack, which is flat and of 32 bits

void Emitter::emit_push(const Operation& op, Kind kind) {
    const Instruction& insn = op.insn;
    constexpr unsigned size = 4;
    const Xbyak::Reg32 esp_ = host::guest(reg_ESP);
    if (kind == Kind::PUSH_E) load_E(op);
    lea(r8d, ptr[host::guest_64(reg_ESP) - static_cast<int>(size)]);
    prove(op, seg_SS, Access::Write, size);
    if (kind == Kind::PUSH_imm)
        mov(dword[operand_address()], insn.immediate);
    else
        store(kind == Kind::PUSH_E && insn.memory ? host::loaded : host::guest_64(insn.rm), size);
    mov(esp_, r8d);
}

void Emitter::emit_pop(const Operation& op) {
    constexpr unsigned size = 4;
    mov(r8d, host::guest(reg_ESP));
    prove(op, seg_SS, Access::Read, size);
    lea(host::guest(reg_ESP), ptr[host::guest_64(reg_ESP) + static_cast<int>(size)]);
    load(host::guest_64(op.insn.rm), size);
}

void Emitter::emit_leave(const Operation& op) {
    constexpr unsigned size = 4;
    mov(r8d, host::guest(reg_EBP));
    prove(op, seg_SS, Access::Read, size);
    lea(host::guest(reg_ESP), ptr[host::guest_64(reg_EBP) + static_cast<int>(size)]);
    load(host::guest_64(reg_EBP), size);
}

// ---- Instructions on flags

void Emitter::emit_flag_instruction(Kind kind) {
    const Xbyak::Reg32 saved = host::flags.cvt32();
    if (kind == Kind::CLD || kind == Kind::STD) {
        clobber_host_flags();
        const Xbyak::Address rest = dword[host::cpu + NativeLayout::eflags_rest];
        return kind == Kind::CLD ? and_(rest, ~u32{EFLAGS_DF}) : or_(rest, u32{EFLAGS_DF});
    }
    save_flags();
    flags_.live = 0;
    constexpr u32 of_AH = flag_SF | flag_ZF | flag_AF | flag_PF | flag_CF;
    switch (kind) {
    case Kind::CLC: return and_(saved, ~u32{flag_CF});
    case Kind::STC: return or_(saved, u32{flag_CF});
    case Kind::CMC: return xor_(saved, u32{flag_CF});
    case Kind::LAHF:
        mov(r8d, saved);
        and_(r8d, of_AH);
        or_(r8d, u32{EFLAGS_fixed});
        shl(r8d, 8);
        and_(eax, 0xFFFF'00FF);
        return or_(eax, r8d);
    default: // SAHF
        mov(r8d, eax);
        shr(r8d, 8);
        and_(r8d, of_AH);
        and_(saved, u32{flag_OF});
        return or_(saved, r8d);
    }
}

} // namespace truering
