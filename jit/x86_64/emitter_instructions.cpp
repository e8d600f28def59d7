// The instructions that have an emitter, by mnemonic: operands of 8 and 32 bits, in flat segments.
#include "jit/x86_64/emitter.hpp"
#include "jit/x86_64/instruction_kinds.hpp"

namespace truering {

using namespace Xbyak::util;

namespace {

bool is_byte(const Operand& operand) { return operand.width == Width::b && !operand.sign_extended; }

// Memory operands that translated code reaches: 32-bit addresses in segments that are flat when it runs.
bool reachable(const Instruction& insn) { return insn.address_32 && insn.segment < seg_FS; }

} // namespace

bool Emitter::emit_native(const Operation& op) {
    const Instruction& insn = op.insn;
    if (insn.row >= row_count || insn.lock || insn.repeat != Repeat::None) return false;
    if (insn.memory && !reachable(insn)) return false;
    switch (known_rows()[insn.row].kind) {
    case Kind::ADD:
    case Kind::OR:
    case Kind::ADC:
    case Kind::SBB:
    case Kind::AND:
    case Kind::SUB:
    case Kind::XOR:
    case Kind::CMP:
    case Kind::TEST: return emit_two_operands(op);
    case Kind::MOV: return emit_move(op);
    case Kind::MOVZX:
    case Kind::MOVSX: return emit_extension(op);
    case Kind::INC:
    case Kind::DEC:
    case Kind::NEG:
    case Kind::NOT: return emit_one_operand(op);
    case Kind::SHL:
    case Kind::SHR:
    case Kind::SAR: return emit_shift(op);
    case Kind::IMUL: return emit_multiplication(op);
    case Kind::PUSH:
    case Kind::PUSH_imm:
    case Kind::POP:
    case Kind::LEAVE: return emit_stack(op);
    case Kind::SETcc:
    case Kind::CMOVcc: return emit_condition(op);
    case Kind::Jcc:
    case Kind::JMP:
    case Kind::CALL:
    case Kind::RET:
    case Kind::LOOP:
    case Kind::JCXZ: return emit_jump(op);
    case Kind::LEA:
    case Kind::XCHG:
    case Kind::NOP:
    case Kind::CDQ:
    case Kind::BSWAP: return emit_rest(op);
    default: return false;
    }
}

// ---- ADD to TEST

void Emitter::alu(const Operation& op, const Xbyak::Operand& to, const Xbyak::Operand& from) {
    switch (known_rows()[op.insn.row].kind) {
    case Kind::ADD: return add(to, from);
    case Kind::OR: return or_(to, from);
    case Kind::ADC: return adc(to, from);
    case Kind::SBB: return sbb(to, from);
    case Kind::AND: return and_(to, from);
    case Kind::SUB: return sub(to, from);
    case Kind::XOR: return xor_(to, from);
    case Kind::CMP: return cmp(to, from);
    default: return test(to, static_cast<const Xbyak::Reg&>(from));
    }
}

void Emitter::alu(const Operation& op, const Xbyak::Operand& to, u32 immediate) {
    switch (known_rows()[op.insn.row].kind) {
    case Kind::ADD: return add(to, immediate);
    case Kind::OR: return or_(to, immediate);
    case Kind::ADC: return adc(to, immediate);
    case Kind::SBB: return sbb(to, immediate);
    case Kind::AND: return and_(to, immediate);
    case Kind::SUB: return sub(to, immediate);
    case Kind::XOR: return xor_(to, immediate);
    case Kind::CMP: return cmp(to, immediate);
    default: return test(to, immediate);
    }
}

bool Emitter::emit_two_operands(const Operation& op) {
    const Instruction& insn = op.insn;
    const Operand& a = row(op).operands[0];
    const Operand& b = row(op).operands[1];
    const bool is_8 = is_byte(a);
    if (!is_8 && !insn.operand_32) return false;
    const Kind kind = known_rows()[insn.row].kind;
    const bool needs_CF = kind == Kind::ADC || kind == Kind::SBB;
    if (needs_CF && insn.memory) return false;
    const auto number = [&](const Operand& o) -> unsigned {
        return o.place == Place::ModRmG ? insn.reg : o.place == Place::Fixed ? o.fixed : insn.rm;
    };
    const bool a_in_memory = insn.memory && a.place == Place::ModRmE;
    const bool b_in_memory = insn.memory && b.place == Place::ModRmE;
    const bool immediate = b.place == Place::Immediate;
    if (is_8 && ((!a_in_memory && number(a) > 3) || (!b_in_memory && !immediate && number(b) > 3))) return false;

    const unsigned size = is_8 ? 1 : 4;
    const auto register_of = [&](const Operand& o) -> Xbyak::Reg {
        return is_8 ? static_cast<Xbyak::Reg>(byte_reg(number(o))) : static_cast<Xbyak::Reg>(reg(number(o)));
    };
    if (insn.memory) {
        const bool writes = a_in_memory && kind != Kind::CMP && kind != Kind::TEST;
        save_flags();
        address(insn);
        translate(op, writes ? Access::Write : Access::Read, size);
    } else if (needs_CF) {
        make_live();
    }
    const Xbyak::Address memory = is_8 ? Xbyak::util::byte[rcx] : dword[rcx];
    if (immediate) {
        const u32 value = is_8 ? insn.immediate & 0xFF : insn.immediate;
        if (a_in_memory)
            alu(op, memory, value);
        else
            alu(op, register_of(a), value);
    } else if (a_in_memory) {
        alu(op, memory, register_of(b));
    } else if (b_in_memory) {
        alu(op, register_of(a), memory);
    } else {
        alu(op, register_of(a), register_of(b));
    }
    finish_slow(Flags::Live);
    return true;
}

// ---- INC, DEC, NEG, NOT

bool Emitter::emit_one_operand(const Operation& op) {
    const Instruction& insn = op.insn;
    const bool is_8 = is_byte(row(op).operands[0]);
    if ((!is_8 && !insn.operand_32) || (is_8 && !insn.memory && insn.rm > 3)) return false;
    const Kind kind = known_rows()[insn.row].kind;
    const bool keeps_CF = kind == Kind::INC || kind == Kind::DEC;
    if (insn.memory) {
        save_flags();
        address(insn);
        translate(op, Access::Write, is_8 ? 1 : 4);
    }
    if (keeps_CF) make_live();
    const auto apply = [&](const Xbyak::Operand& to) {
        switch (kind) {
        case Kind::INC: return inc(to);
        case Kind::DEC: return dec(to);
        case Kind::NEG: return neg(to);
        default: return not_(to);
        }
    };
    const Flags before = flags_;
    if (insn.memory)
        apply(is_8 ? Xbyak::util::byte[rcx] : dword[rcx]);
    else if (is_8)
        apply(byte_reg(insn.rm));
    else
        apply(reg(insn.rm));
    finish_slow(kind == Kind::NOT ? before : Flags::Live);
    return true;
}

// ---- Moves

bool Emitter::emit_move(const Operation& op) {
    const Instruction& insn = op.insn;
    const Operand& a = row(op).operands[0];
    const Operand& b = row(op).operands[1];
    if (a.file != RegisterFile::General || b.file != RegisterFile::General) return false;
    const bool is_8 = is_byte(a);
    if (!is_8 && !insn.operand_32) return false;
    const bool by_offset = a.place == Place::Offset || b.place == Place::Offset;
    if (by_offset && !reachable(insn)) return false;
    const auto number = [&](const Operand& o) -> unsigned {
        return o.place == Place::ModRmG ? insn.reg : o.place == Place::Fixed ? o.fixed : insn.rm;
    };
    const auto in_memory = [&](const Operand& o) {
        return o.place == Place::Offset || (insn.memory && o.place == Place::ModRmE);
    };
    const bool immediate = b.place == Place::Immediate;
    if (is_8 && ((!in_memory(a) && number(a) > 3) || (!in_memory(b) && !immediate && number(b) > 3))) return false;
    if (!in_memory(a) && !in_memory(b)) {
        if (is_8 && immediate)
            mov(byte_reg(number(a)), insn.immediate & 0xFF);
        else if (is_8)
            mov(byte_reg(number(a)), byte_reg(number(b)));
        else if (immediate)
            mov(reg(number(a)), insn.immediate);
        else
            mov(reg(number(a)), reg(number(b)));
        return true;
    }
    save_flags();
    if (by_offset)
        mov(ecx, insn.displacement);
    else
        address(insn);
    translate(op, in_memory(a) ? Access::Write : Access::Read, is_8 ? 1 : 4);
    if (in_memory(b)) {
        if (is_8)
            mov(byte_reg(number(a)), Xbyak::util::byte[rcx]);
        else
            mov(reg(number(a)), dword[rcx]);
    } else if (immediate) {
        if (is_8)
            mov(Xbyak::util::byte[rcx], insn.immediate & 0xFF);
        else
            mov(dword[rcx], insn.immediate);
    } else if (is_8) {
        mov(Xbyak::util::byte[rcx], byte_reg(number(b)));
    } else {
        mov(dword[rcx], reg(number(b)));
    }
    finish_slow(Flags::Saved);
    return true;
}

bool Emitter::emit_extension(const Operation& op) {
    const Instruction& insn = op.insn;
    const bool is_8 = row(op).operands[1].width == Width::b;
    if (!insn.operand_32 || (is_8 && !insn.memory && insn.rm > 3)) return false;
    const bool is_signed = known_rows()[insn.row].kind == Kind::MOVSX;
    const Xbyak::Reg32 to = reg(insn.reg);
    const auto extend = [&](const Xbyak::Operand& from) {
        if (is_signed)
            movsx(to, from);
        else
            movzx(to, from);
    };
    if (!insn.memory) {
        if (is_8)
            extend(byte_reg(insn.rm));
        else
            extend(Xbyak::Reg16(static_cast<int>(8 + insn.rm)));
        return true;
    }
    save_flags();
    address(insn);
    translate(op, Access::Read, is_8 ? 1 : 2);
    extend(is_8 ? Xbyak::util::byte[rcx] : word[rcx]);
    finish_slow(Flags::Saved);
    return true;
}

// ---- Shifts of registers by constants. The last step by one gives OF by the formula for one, as the processor's
// bodies do for every count; AF, which the host leaves undefined, is 0.

bool Emitter::emit_shift(const Operation& op) {
    const Instruction& insn = op.insn;
    const Operand& b = row(op).operands[1];
    if (insn.memory || !insn.operand_32 || is_byte(row(op).operands[0])) return false;
    const bool by_one = b.place == Place::Fixed && b.file == RegisterFile::Control;
    if (!by_one && b.place != Place::Immediate) return false;
    const unsigned count = by_one ? 1 : insn.immediate & 31;
    if (count == 0) return true;
    const Xbyak::Reg32 to = reg(insn.rm);
    const auto step = [&](unsigned n) {
        switch (known_rows()[insn.row].kind) {
        case Kind::SHL: return shl(to, static_cast<int>(n));
        case Kind::SHR: return shr(to, static_cast<int>(n));
        default: return sar(to, static_cast<int>(n));
        }
    };
    if (count > 1) step(count - 1);
    step(1);
    flags_ = Flags::Live;
    save_flags();
    and_(esi, 0xEFFF);
    return true;
}

// CF and OF say that the product does not fit; the others are the result's, AF 0.
bool Emitter::emit_multiplication(const Operation& op) {
    const Instruction& insn = op.insn;
    if (!insn.operand_32) return false;
    const bool three = row(op).operands[2].place == Place::Immediate;
    const Xbyak::Reg32 to = reg(insn.reg);
    if (insn.memory) {
        save_flags();
        address(insn);
        translate(op, Access::Read, 4);
    }
    const auto multiply = [&](const Xbyak::Operand& from) {
        if (three)
            imul(to, from, static_cast<int>(insn.immediate));
        else
            imul(to, from);
    };
    if (insn.memory)
        multiply(dword[rcx]);
    else
        multiply(reg(insn.rm));
    setc(dl);
    test(to, to);
    lahf();
    movzx(edx, dl);
    and_(eax, 0xEE00);
    mov(esi, edx);
    shl(esi, 8);
    or_(esi, edx);
    or_(esi, eax);
    finish_slow(Flags::Saved);
    return true;
}

// ---- The stack

bool Emitter::emit_stack(const Operation& op) {
    const Instruction& insn = op.insn;
    if (!insn.operand_32) return false;
    const Xbyak::Reg32 esp_ = reg(reg_ESP);
    save_flags();
    switch (known_rows()[insn.row].kind) {
    case Kind::PUSH:
    case Kind::PUSH_imm:
        lea(ecx, ptr[wide(reg_ESP) - 4]);
        mov(edi, ecx);
        translate(op, Access::Write, 4);
        if (known_rows()[insn.row].kind == Kind::PUSH)
            mov(dword[rcx], reg(insn.rm));
        else
            mov(dword[rcx], insn.immediate);
        mov(esp_, edi);
        break;
    case Kind::POP:
        mov(ecx, esp_);
        translate(op, Access::Read, 4);
        lea(esp_, ptr[wide(reg_ESP) + 4]);
        mov(reg(insn.rm), dword[rcx]);
        break;
    default: // LEAVE
        mov(ecx, reg(reg_EBP));
        translate(op, Access::Read, 4);
        lea(esp_, ptr[wide(reg_EBP) + 4]);
        mov(reg(reg_EBP), dword[rcx]);
        break;
    }
    finish_slow(Flags::Saved);
    return true;
}

// ---- What is left

bool Emitter::emit_rest(const Operation& op) {
    const Instruction& insn = op.insn;
    switch (known_rows()[insn.row].kind) {
    case Kind::NOP: return true;
    case Kind::LEA:
        if (!insn.operand_32 || !insn.address_32) return false;
        address(insn);
        mov(reg(insn.reg), ecx);
        return true;
    case Kind::XCHG:
        if (insn.memory || !insn.operand_32 || is_byte(row(op).operands[0])) return false;
        xchg(reg(insn.reg), reg(insn.rm));
        return true;
    case Kind::CDQ:
        if (!insn.operand_32) return false;
        save_flags();
        mov(reg(reg_EDX), reg(reg_EAX));
        sar(reg(reg_EDX), 31);
        return true;
    default: // BSWAP
        if (!insn.operand_32) return false;
        bswap(reg(insn.rm));
        return true;
    }
}

} // namespace truering
