// What depends on a condition, and what ends a block.
#include "jit/x86_64/emitter.hpp"
#include "jit/x86_64/instruction_kinds.hpp"
#include "jit/x86_64/native_layout.hpp"

namespace truering {

using namespace Xbyak::util;
using Layout = NativeLayout;

// ---- Conditions

void Emitter::jump_if(unsigned condition, const Xbyak::Label& to) {
    switch (condition) {
    case 0: return jo(to, T_NEAR);
    case 1: return jno(to, T_NEAR);
    case 2: return jb(to, T_NEAR);
    case 3: return jae(to, T_NEAR);
    case 4: return je(to, T_NEAR);
    case 5: return jne(to, T_NEAR);
    case 6: return jbe(to, T_NEAR);
    case 7: return ja(to, T_NEAR);
    case 8: return js(to, T_NEAR);
    case 9: return jns(to, T_NEAR);
    case 10: return jp(to, T_NEAR);
    case 11: return jnp(to, T_NEAR);
    case 12: return jl(to, T_NEAR);
    case 13: return jge(to, T_NEAR);
    case 14: return jle(to, T_NEAR);
    default: return jg(to, T_NEAR);
    }
}

void Emitter::set_if(unsigned condition, const Xbyak::Reg8& to) {
    switch (condition) {
    case 0: return seto(to);
    case 1: return setno(to);
    case 2: return setb(to);
    case 3: return setae(to);
    case 4: return sete(to);
    case 5: return setne(to);
    case 6: return setbe(to);
    case 7: return seta(to);
    case 8: return sets(to);
    case 9: return setns(to);
    case 10: return setp(to);
    case 11: return setnp(to);
    case 12: return setl(to);
    case 13: return setge(to);
    case 14: return setle(to);
    default: return setg(to);
    }
}

void Emitter::move_if(unsigned condition, const Xbyak::Reg32& to, const Xbyak::Operand& from) {
    switch (condition) {
    case 0: return cmovo(to, from);
    case 1: return cmovno(to, from);
    case 2: return cmovb(to, from);
    case 3: return cmovae(to, from);
    case 4: return cmove(to, from);
    case 5: return cmovne(to, from);
    case 6: return cmovbe(to, from);
    case 7: return cmova(to, from);
    case 8: return cmovs(to, from);
    case 9: return cmovns(to, from);
    case 10: return cmovp(to, from);
    case 11: return cmovnp(to, from);
    case 12: return cmovl(to, from);
    case 13: return cmovge(to, from);
    case 14: return cmovle(to, from);
    default: return cmovg(to, from);
    }
}

bool Emitter::emit_condition(const Operation& op) {
    const Instruction& insn = op.insn;
    const Known& known = known_rows()[insn.row];
    if (known.kind == Kind::SETcc) {
        if (insn.memory || insn.rm > 3) return false;
        make_live();
        set_if(known.condition, byte_reg(insn.rm));
        return true;
    }
    if (insn.memory || !insn.operand_32) return false;
    make_live();
    move_if(known.condition, reg(insn.reg), reg(insn.rm));
    return true;
}

// ---- Jumps

bool Emitter::emit_jump(const Operation& op) {
    const Instruction& insn = op.insn;
    if (!insn.operand_32 || !insn.address_32) return false;
    const Known& known = known_rows()[insn.row];
    const u32 behind = eip_behind(op), target = behind + insn.immediate;
    Xbyak::Label taken;
    switch (known.kind) {
    case Kind::JMP: border(target); return true;
    case Kind::Jcc: {
        if (flags_ == Flags::Live)
            save_flags(); // they stay live
        else
            make_live();
        jump_if(known.condition, taken);
        flags_ = Flags::Saved;
        border(behind);
        L(taken);
        border(target);
        return true;
    }
    case Kind::LOOP:
    case Kind::JCXZ:
        save_flags();
        if (known.kind == Kind::LOOP) dec(reg(reg_ECX));
        test(reg(reg_ECX), reg(reg_ECX));
        if (known.kind == Kind::LOOP)
            jnz(taken, T_NEAR);
        else
            jz(taken, T_NEAR);
        border(behind);
        L(taken);
        border(target);
        return true;
    case Kind::CALL:
        save_flags();
        lea(ecx, ptr[wide(reg_ESP) - 4]);
        mov(edi, ecx);
        translate(op, Access::Write, 4);
        mov(dword[rcx], behind);
        mov(reg(reg_ESP), edi);
        finish_slow(Flags::Saved); // its slow path jumps, and never comes back
        border(target);
        return true;
    default: // RET
        save_flags();
        mov(ecx, reg(reg_ESP));
        translate(op, Access::Read, 4);
        mov(eax, dword[rcx]);
        lea(reg(reg_ESP), ptr[wide(reg_ESP) + static_cast<int>(4 + (insn.immediate & 0xFFFF))]);
        mov(dword[rbx + Layout::eip], eax);
        finish_slow(Flags::Saved);
        add(qword[rbx + Layout::retired], block_.count);
        ended_ = true;
        border_by_eip();
        return true;
    }
}

} // namespace truering
