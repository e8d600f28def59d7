// The guest's arithmetic flags while code is emitted: guest_flags.hpp tells the idea.
#include "jit/x86_64/emitter.hpp"

#include <cassert>

namespace truering {

using namespace Xbyak::util;
using Where = FlagSource::Where;
using How = FlagRecipe::How;

namespace {

Xbyak::Reg sized(const Xbyak::Reg64& reg, unsigned size) {
    if (size == 1) return Xbyak::Reg8(reg.getIdx());
    if (size == 2) return Xbyak::Reg16(reg.getIdx());
    return Xbyak::Reg32(reg.getIdx());
}

Xbyak::Reg64 register_of_source(const FlagSource& source) {
    switch (source.where) {
    case Where::Loaded: return host::loaded;
    case Where::Kept: return host::flags;
    default: return host::guest_64(source.number);
    }
}

// The assembler wants a constant sign-extended.
u32 constant_of_size(u32 constant, unsigned size) {
    if (size == 1) return static_cast<u32>(static_cast<i8>(constant));
    return size == 2 ? static_cast<u32>(static_cast<i16>(constant)) : constant;
}

// The flags that a condition, by its number, looks at (SDM vol. 1, appendix B).
constexpr u16 condition_flags[8] = {flag_OF, flag_CF, flag_ZF,           flag_CF | flag_ZF,
                                    flag_SF, flag_PF, flag_SF | flag_OF, flag_SF | flag_OF | flag_ZF};
constexpr unsigned condition_Z = 4, condition_NZ = 5;

} // namespace

bool Emitter::demanded_behind(const Operation& op) const { return planned().demanded_behind[op.index] != 0; }

void Emitter::clobber_host_flags() {
    if (demanded_here_ && !flags_.recoverable()) save_flags();
    flags_.live = 0;
}

void Emitter::save_flags() {
    if (flags_.saved) return;
    if (flags_.live == arithmetic_flags) {
        pushfq();
        pop(host::flags);
        flags_ = GuestFlags::in_saved_form();
        flags_.live = arithmetic_flags;
        return;
    }
    emit_saving(flags_);
    flags_ = GuestFlags::in_saved_form();
}

void Emitter::emit_saving(const GuestFlags& flags) {
    if (flags.saved) return;
    if (!flags.recipe) return; // not demanded: whatever is there
    make_flags(flags);
    pushfq();
    pop(host::flags);
    const bool is_shift = flags.recipe.how >= How::Shl;
    if (is_shift) and_(host::flags.cvt32(), ~u32{flag_AF}); // undefined by the manual, 0 by the interpreter
}

void Emitter::make_flags(const GuestFlags& flags) {
    const FlagRecipe& recipe = flags.recipe;
    if (!recipe.keeps_carry()) return make_flags_of(recipe);
    if (flags.carry)
        make_flags_of(flags.carry);
    else
        bt(host::flags.cvt32(), 0);
    const bool up = recipe.how == How::Inc;
    const Xbyak::Reg64 result = register_of_source(recipe.a);
    lea(r8d, ptr[result + (up ? -1 : 1)]); // LEA leaves CF alone
    if (up)
        inc(sized(r8, recipe.size));
    else
        dec(sized(r8, recipe.size));
}

void Emitter::make_flags_of(const FlagRecipe& recipe) {
    const unsigned size = recipe.size;
    const Xbyak::Reg a = sized(register_of_source(recipe.a), size);
    const Xbyak::Reg t = sized(r8, size);
    const bool constant = recipe.b.where == Where::Constant;
    const u32 value = constant_of_size(recipe.b.constant, size);
    const Xbyak::Reg b = sized(register_of_source(recipe.b), size);
    const auto apply = [&](void (Xbyak::CodeGenerator::*by_register)(const Xbyak::Operand&, const Xbyak::Operand&),
                           void (Xbyak::CodeGenerator::*by_constant)(const Xbyak::Operand&, u32),
                           const Xbyak::Reg& to) {
        if (constant)
            (this->*by_constant)(to, value);
        else
            (this->*by_register)(to, b);
    };
    using G = Xbyak::CodeGenerator;
    switch (recipe.how) {
    case How::Add:
        mov(r8d, register_of_source(recipe.a).cvt32());
        apply(&G::sub, &G::sub, t);
        return apply(&G::add, &G::add, t);
    case How::Sub:
        mov(r8d, register_of_source(recipe.a).cvt32());
        apply(&G::add, &G::add, t);
        return apply(&G::sub, &G::sub, t);
    case How::Cmp: return apply(&G::cmp, &G::cmp, a);
    case How::Logic: return test(a, a);
    case How::Test:
        if (constant) return test(a, value);
        return test(a, b);
    case How::Neg:
        mov(r8d, register_of_source(recipe.a).cvt32());
        neg(t);
        return neg(t);
    default: break;
    }
    mov(r8d, register_of_source(recipe.a).cvt32());
    const auto shift = [&](int count) {
        if (recipe.how == How::Shl) return shl(t, count);
        if (recipe.how == How::Shr) return shr(t, count);
        return sar(t, count);
    };
    if (recipe.count > 1) shift(recipe.count - 1); // the last step gives OF by the formula for one
    shift(1);
}

// ---- Sources that are about to go

void Emitter::keep_source(const std::function<bool(const FlagSource&)>& is_lost) {
    FlagSource* const sources[] = {&flags_.recipe.a, &flags_.recipe.b, &flags_.carry.a, &flags_.carry.b};
    bool kept_in_use = flags_.carry_saved || flags_.uses(Where::Kept);
    const FlagSource* moved = nullptr;
    FlagSource original;
    for (FlagSource* const source : sources) {
        if (!is_lost(*source)) continue;
        if (moved != nullptr && source->where == original.where && source->number == original.number) {
            source->where = Where::Kept;
            continue;
        }
        if (kept_in_use) {
            save_flags();
            return;
        }
        original = *source;
        mov(host::flags.cvt32(), register_of_source(*source).cvt32());
        source->where = Where::Kept;
        moved = source;
        kept_in_use = true;
    }
}

void Emitter::keep_sources(const Instruction& insn) {
    if (flags_.saved || !flags_.recipe) return;
    const u8 written = written_registers(insn);
    keep_source([&](const FlagSource& s) { return s.where == Where::Register && (written >> s.number & 1) != 0; });
}

void Emitter::free_loaded() {
    if (flags_.saved || !flags_.uses(Where::Loaded)) return;
    if (demanded_here_)
        keep_source([](const FlagSource& s) { return s.where == Where::Loaded; });
    else
        flags_ = GuestFlags::dead();
}

// ---- Consumers

void Emitter::make_carry_live() {
    if ((flags_.live & flag_CF) != 0) return;
    if (flags_.saved)
        bt(host::flags.cvt32(), 0);
    else
        make_flags(flags_);
}

void Emitter::make_all_flags_live() {
    if (flags_.live == arithmetic_flags) return;
    if (flags_.saved) {
        push(host::flags);
        popfq();
    } else {
        make_flags(flags_);
    }
    flags_.live = arithmetic_flags;
}

unsigned Emitter::condition(unsigned guest_condition) {
    const u16 needed = condition_flags[guest_condition / 2];
    if ((needed & ~flags_.live) == 0) return guest_condition;
    if (!flags_.saved) {
        assert(flags_.recipe);
        make_flags(flags_);
        flags_.live = flags_.recipe.how >= How::Shl ? arithmetic_flags & ~flag_AF : arithmetic_flags;
        return guest_condition;
    }
    flags_.live = 0;
    const Xbyak::Reg32 saved = host::flags.cvt32();
    if (needed & flag_OF && needed != flag_OF) { // L and LE: SF differs from OF, or ZF
        constexpr int from_OF_to_SF = 4;
        mov(r8d, saved);
        shr(r8d, from_OF_to_SF);
        xor_(r8d, saved);
        if ((needed & flag_ZF) != 0) {
            and_(r8d, u32{flag_SF});
            mov(r9d, saved);
            and_(r9d, u32{flag_ZF});
            or_(r8d, r9d);
        } else {
            test(r8d, u32{flag_SF});
        }
    } else {
        test(saved, u32{needed});
    }
    return guest_condition & 1 ? condition_Z : condition_NZ;
}

} // namespace truering
