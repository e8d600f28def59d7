// Instructions whose operands are the letters of their row: the value of a memory operand is loaded into R10, the
// host's instruction of the same encoding works on registers, the result is stored.
#include "jit/x86_64/emitter.hpp"

namespace truering {

using namespace Xbyak::util;
using Where = FlagSource::Where;
using How = FlagRecipe::How;

namespace {

constexpr u8 prefix_operand_size = 0x66;

How how_of(Effect effect) {
    switch (effect) {
    case Effect::Add: return How::Add;
    case Effect::Sub: return How::Sub;
    case Effect::Cmp: return How::Cmp;
    case Effect::Logic: return How::Logic;
    case Effect::Test: return How::Test;
    case Effect::Neg: return How::Neg;
    case Effect::Inc: return How::Inc;
    case Effect::Dec: return How::Dec;
    case Effect::Shl: return How::Shl;
    case Effect::Shr: return How::Shr;
    case Effect::Sar: return How::Sar;
    default: return How::None;
    }
}

bool is_shift(Effect effect) { return effect == Effect::Shl || effect == Effect::Shr || effect == Effect::Sar; }
bool is_rotate(Effect effect) { return effect == Effect::Rotate || effect == Effect::RotateCarry; }
bool reads_carry(Effect effect) { return effect == Effect::WithCarry || effect == Effect::RotateCarry; }
// It leaves some flags as they were.
bool is_partial(Effect effect) { return effect == Effect::BitTest || effect == Effect::Scan || is_rotate(effect); }

FlagSource source_of(const Instruction& insn, const Operand& operand) {
    FlagSource source;
    if (operand.place == Place::Immediate) {
        source.where = Where::Constant;
        source.constant = insn.immediate;
    } else if (is_in_memory(insn, operand)) {
        source.where = Where::Loaded;
    } else {
        const unsigned n = register_number(insn, operand);
        if (operand_size(insn, operand) == 1 && n >= 4) return source; // AH to BH are not beside R8
        source.where = Where::Register;
        source.number = static_cast<u8>(n);
    }
    return source;
}

bool same(const FlagSource& a, const FlagSource& b) {
    return a.where == b.where && a.where != Where::Constant && a.number == b.number;
}

} // namespace

void Emitter::emit_plain(const Operation& op) {
    const Instruction& insn = op.insn;
    const Row& r = row(op);
    if (r.mnemonic.starts_with("MOV")) return emit_move(op);
    const Effect effect = known(insn).effect;
    const bool demanded = demanded_behind(op);
    const bool by_CL = (is_shift(effect) || is_rotate(effect)) && shift_count(insn) < 0;
    const bool is_high_byte = !insn.memory && operand_size(insn, r.operands[0]) == 1 && insn.rm >= 4;
    const bool steps = effect == Effect::Inc || effect == Effect::Dec;
    if (demanded && (is_partial(effect) || by_CL || (steps && is_high_byte))) save_flags();
    if (insn.memory && reads_carry(effect)) save_flags();
    if (steps) prepare_carry(demanded);

    int rm = host::number_of(insn.rm);
    unsigned size = operand_size(insn, r.operands[0]);
    bool stores = false;
    if (insn.memory) {
        const bool first = is_in_memory(insn, r.operands[0]);
        if (!first) size = operand_size(insn, r.operands[1]);
        stores = first && r.shape != Shape::R;
        free_loaded();
        prove_operand(op, stores ? Access::Write : Access::Read, size);
        load(host::loaded, size);
        rm = host::loaded.getIdx();
    } else if (size == 1) {
        rm = insn.rm;
    }
    if (by_CL && demanded) return emit_shift_by_CL(op, rm, stores);
    if (reads_carry(effect)) make_carry_live();
    prepare_shift(op, rm, size);
    emit_on_value(op, rm);
    if (stores) store(host::loaded, size);
    emit_effect(op, rm);
}

// ---- MOV, MOVZX, MOVSX

void Emitter::emit_move(const Operation& op) {
    const Instruction& insn = op.insn;
    const Operand& a = row(op).operands[0];
    const Operand& b = row(op).operands[1];
    const unsigned to_size = operand_size(insn, a);
    const bool extends = row(op).mnemonic.size() > 3;
    if (!is_in_memory(insn, a) && !is_in_memory(insn, b)) {
        if (b.place == Place::Immediate)
            mov(register_of(register_number(insn, a), to_size), insn.immediate & (to_size == 1   ? 0xFF
                                                                                  : to_size == 2 ? 0xFFFF
                                                                                                 : ~0u));
        else
            emit_form(op, operand_size(insn, row(op).operands[extends || a.place == Place::ModRmG ? 1 : 0]) == 1
                              ? insn.rm
                              : host::number_of(insn.rm));
        return;
    }
    const bool to_memory = is_in_memory(insn, a);
    const unsigned size = to_memory ? to_size : operand_size(insn, b);
    if (demanded_here_) free_loaded();
    if (a.place == Place::Offset || b.place == Place::Offset)
        mov(r8d, insn.displacement);
    else
        operand_offset(insn);
    prove(op, insn.segment, to_memory ? Access::Write : Access::Read, size);
    if (to_memory && b.place == Place::Immediate) {
        if (size == 1) mov(byte[operand_address()], insn.immediate & 0xFF);
        if (size == 2) mov(word[operand_address()], insn.immediate & 0xFFFF);
        if (size == 4) mov(dword[operand_address()], insn.immediate);
        return;
    }
    const unsigned n = register_number(insn, to_memory ? b : a);
    const Xbyak::Reg64 wide = host::guest_64(n);
    if (!extends && size == 1 && n >= 4) { // AH to BH cannot be named beside R8 and R9
        const Xbyak::Reg64 whole = host::guest_64(n - 4);
        if (to_memory) {
            mov(r10d, whole.cvt32());
            shr(r10d, 8);
            store(host::loaded, 1);
        } else {
            load(host::loaded, 1);
            shl(r10d, 8);
            and_(whole.cvt32(), 0xFFFF'00FF);
            or_(whole.cvt32(), r10d);
        }
        return;
    }
    if (to_memory) return store(wide, size);
    if (!extends) {
        if (size == 1) return mov(wide.cvt8(), byte[operand_address()]);
        if (size == 2) return mov(wide.cvt16(), word[operand_address()]);
        return mov(wide.cvt32(), dword[operand_address()]);
    }
    const bool is_signed = row(op).mnemonic == "MOVSX";
    const Xbyak::Reg to = register_of(n, to_size);
    const Xbyak::Address from = size == 1 ? byte[operand_address()] : word[operand_address()];
    if (size == to_size) return mov(to, from);
    if (is_signed)
        movsx(to, from);
    else
        movzx(to, from);
}

// ---- The host's instruction

void Emitter::emit_on_value(const Operation& op, int rm) {
    const Instruction& insn = op.insn;
    const auto& operands = row(op).operands;
    bool names_high = false;
    for (const Operand& o : operands)
        names_high |= o.place == Place::ModRmG && operand_size(insn, o) == 1 && insn.reg >= 4;
    if (rm < host::no_rex || !names_high) return emit_form(op, rm);
    // A register that can be named beside AH to BH stands in, EDX or EBX: CMPXCHG uses EAX.
    const int stand_in = (insn.reg & 3) == reg_EDX ? reg_EBX : reg_EDX;
    xchg(Xbyak::Reg64(stand_in), Xbyak::Reg64(rm));
    emit_form(op, stand_in);
    xchg(Xbyak::Reg64(stand_in), Xbyak::Reg64(rm));
}

void Emitter::emit_form(const Operation& op, int rm) {
    const Instruction& insn = op.insn;
    const Row& r = row(op);
    const GuestForm form(bytes_of(op), insn);
    if (r.operands[0].place == Place::Opcode) { // 40+r and 48+r are REX prefixes to the host
        const Xbyak::Reg reg = register_of(insn.rm, insn.operand_bytes());
        return known(insn).effect == Effect::Inc ? inc(reg) : dec(reg);
    }
    if (!insn.operand_32) db(prefix_operand_size);
    u8 field = form.modrm >> 3 & 7u;
    u8 rex = 0;
    for (const Operand& o : r.operands) {
        if (o.place != Place::ModRmG || operand_size(insn, o) == 1 || field != reg_ESP) continue;
        rex |= 0x44; // REX.R
        field = 7;
    }
    if (rm >= host::no_rex) rex |= 0x41; // REX.B
    if (known(insn).has_modrm && rex != 0) db(rex);
    for (unsigned n = 0; n < form.opcode_bytes; ++n) db(form.opcode[n]);
    if (known(insn).has_modrm) db(static_cast<u8>(0xC0 | field << 3 | (rm & 7)));
    for (const u8 value : form.immediate) db(value);
}

// ---- The flags behind it

// INC and DEC leave CF as it was: where it can be had from, from now on.
void Emitter::prepare_carry(bool demanded) {
    if (!demanded || flags_.saved) return;
    const bool from_recipe = flags_.recipe && flags_.recipe.how < How::Shl;
    if (!from_recipe) save_flags();
}

// A shift's result does not tell what was shifted.
void Emitter::prepare_shift(const Operation& op, int rm, unsigned size) {
    if (!is_shift(known(op.insn).effect) || !demanded_behind(op) || shift_count(op.insn) <= 0) return;
    if (size == 1 && rm >= 4 && rm < host::no_rex) return;
    mov(host::flags.cvt32(), Xbyak::Reg32(rm));
}

void Emitter::emit_effect(const Operation& op, int rm) {
    const Instruction& insn = op.insn;
    const Effect effect = known(insn).effect;
    const bool demanded = demanded_behind(op);
    const Operand& a = row(op).operands[0];
    const unsigned size = operand_size(insn, a);
    if (effect == Effect::None) return;
    if ((is_shift(effect) || is_rotate(effect)) && shift_count(insn) == 0) return;
    if (!demanded) {
        const bool shifts = is_shift(effect) || effect == Effect::DoubleShift || is_partial(effect);
        flags_ = GuestFlags::dead();
        if (!shifts && effect != Effect::Product) flags_.live = arithmetic_flags;
        return;
    }
    const GuestFlags before = flags_;
    switch (effect) {
    case Effect::BitTest: return partial_flags(flag_CF);
    case Effect::Scan: return partial_flags(flag_ZF);
    case Effect::Rotate:
    case Effect::RotateCarry: return rotate_flags(op, rm, size);
    case Effect::Product: return product_flags(register_of(insn.reg, size));
    default: break;
    }
    flags_ = GuestFlags::dead();
    flags_.live = arithmetic_flags;
    FlagRecipe& recipe = flags_.recipe;
    recipe.how = how_of(effect);
    recipe.size = static_cast<u8>(size);
    recipe.a = source_of(insn, a);
    recipe.b = source_of(insn, row(op).operands[1]);
    if (recipe.keeps_carry()) {
        recipe.b = {};
        if (before.saved || before.carry_saved)
            flags_.carry_saved = true;
        else
            flags_.carry = before.recipe.keeps_carry() ? before.carry : before.recipe;
        flags_.live = (before.live & flag_CF) != 0 ? arithmetic_flags : arithmetic_flags & ~flag_CF;
    } else if (is_shift(effect)) {
        recipe.count = static_cast<u8>(shift_count(insn));
        const bool named = recipe.a.where != Where::Nowhere;
        recipe.a = {named ? Where::Kept : Where::Nowhere, 0, 0};
        recipe.b = {};
        flags_.live = flag_CF | flag_PF | flag_ZF | flag_SF;
    } else if (recipe.how == How::Sub && same(recipe.a, recipe.b)) {
        recipe.how = How::Cmp;
    } else if (recipe.how == How::Logic || recipe.how == How::Neg) {
        recipe.b = {};
    }
    const bool doubled = recipe.how == How::Add && same(recipe.a, recipe.b);
    const bool binary =
        recipe.how == How::Add || recipe.how == How::Sub || recipe.how == How::Cmp || recipe.how == How::Test;
    if (doubled || recipe.a.where == Where::Nowhere || (binary && recipe.b.where == Where::Nowhere)) {
        flags_.recipe = {};
        flags_.carry = {};
        if (before.saved && flags_.live != arithmetic_flags) { // INC or DEC of AH to BH
            flags_ = before;
            partial_flags(arithmetic_flags & ~flag_CF);
        }
    }
}

// Of flags that are saved some are changed, as the host's EFLAGS have them. R8 is used.
void Emitter::partial_flags(u16 mask) {
    pushfq();
    pop(r8);
    and_(r8d, u32{mask});
    and_(host::flags.cvt32(), ~u32{mask});
    or_(host::flags.cvt32(), r8d);
    flags_ = GuestFlags::in_saved_form();
}

// CF and OF tell that the product does not fit; the others are the low half's, AF 0 (op::IMUL). R8 is used.
void Emitter::product_flags(const Xbyak::Reg& low) {
    setc(r8b);
    movzx(r8d, r8b);
    neg(r8d);
    and_(r8d, u32{flag_CF | flag_OF});
    test(low, low);
    pushfq();
    pop(host::flags);
    and_(host::flags.cvt32(), ~u32{flag_AF});
    or_(host::flags.cvt32(), r8d);
    flags_ = GuestFlags::in_saved_form();
}

// OF behind a shift or rotate by whatever count, by the formula for one, into the saved flags, whose CF is right
// already. R8 is used.
void Emitter::overflow_flag(const Operation& op, int rm, unsigned size) {
    const Xbyak::Reg32 result(rm);
    const std::string_view mnemonic = row(op).mnemonic;
    const int top = static_cast<int>(size * 8 - 1);
    constexpr int OF_bit = 11;
    mov(r8d, result);
    if (mnemonic == "SHR" || mnemonic == "ROR") { // the two topmost bits differ
        add(r8d, r8d);
        xor_(r8d, result);
        shr(r8d, top);
    } else { // SHL, ROL: the topmost bit differs from CF
        shr(r8d, top);
        xor_(r8d, host::flags.cvt32());
    }
    and_(r8d, 1);
    if (mnemonic == "SAR") xor_(r8d, r8d);
    shl(r8d, OF_bit);
    and_(host::flags.cvt32(), ~u32{flag_OF});
    or_(host::flags.cvt32(), r8d);
}

void Emitter::rotate_flags(const Operation& op, int rm, unsigned size) {
    const bool is_one = shift_count(op.insn) == 1;
    partial_flags(is_one ? flag_CF | flag_OF : flag_CF);
    if (!is_one) overflow_flag(op, rm, size);
}

// A count of 0 changes nothing, which only the run of the code shows: so the flags are saved on both ways.
void Emitter::emit_shift_by_CL(const Operation& op, int rm, bool stores) {
    Xbyak::Label nothing;
    const unsigned size = operand_size(op.insn, row(op).operands[0]);
    test(cl, 31);
    flags_.live = 0;
    jz(nothing, T_NEAR);
    emit_on_value(op, rm);
    if (stores) store(host::loaded, size);
    if (is_rotate(known(op.insn).effect)) {
        partial_flags(flag_CF);
    } else {
        pushfq();
        pop(host::flags);
        and_(host::flags.cvt32(), ~u32{flag_AF});
    }
    overflow_flag(op, rm, size);
    L(nothing);
    flags_ = GuestFlags::in_saved_form();
}

} // namespace truering
