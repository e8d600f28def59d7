// Where the guest's arithmetic flags are, at a point of the code that is being emitted.
//
// Idea: most flags are never read. What must hold is only that they can be had wherever somebody may look: an
// instruction that reads them, and every way out of translated code (a fault, the end of the run). So the flags that an
// instruction leaves in the host's EFLAGS are kept while nothing destroys them; then it is remembered how to make them
// again from values that are still there, a recipe: CMP of two registers is made again by comparing them. The recipe is
// cooked out of line, by a way out; the hot path has no instruction for it. Only where neither is possible the flags
// are saved, in host::flags.
//
// Invariant: where flags are demanded (region.hpp), at least one of `live` with all bits, `saved` and `recipe` is
// there.
#pragma once

#include "decoder/row.hpp"

namespace truering {

// A value from which flags are made again.
struct FlagSource {
    enum class Where : u8 { Nowhere, Register, Loaded, Kept, Constant };
    Where where = Where::Nowhere;
    u8 number = 0;    // of the guest's register
    u32 constant = 0; // extended as the instruction extends it

    [[nodiscard]] bool is_register(unsigned n) const { return where == Where::Register && number == n; }
};

struct FlagRecipe {
    enum class How : u8 {
        None,
        Add,   // a is the sum, b was added
        Sub,   // a is the difference, b was subtracted
        Cmp,   // a was compared with b
        Logic, // a is the result
        Test,  // a was tested with b
        Neg,   // a is the result
        Inc,   // a is the result; CF by another recipe
        Dec,
        Shl, // a was shifted by `count`
        Shr,
        Sar,
    };
    How how = How::None;
    u8 size = 4; // bytes
    u8 count = 0;
    FlagSource a, b;

    explicit operator bool() const { return how != How::None; }
    [[nodiscard]] bool keeps_carry() const { return how == How::Inc || how == How::Dec; }
    [[nodiscard]] bool uses(FlagSource::Where where) const { return a.where == where || b.where == where; }
};

struct GuestFlags {
    u16 live = 0;       // the flags that the host's EFLAGS hold
    bool saved = false; // host::flags holds all
    FlagRecipe recipe;
    FlagRecipe carry;         // where recipe.keeps_carry(): whence CF; none: from host::flags
    bool carry_saved = false; // then host::flags must not be given up

    [[nodiscard]] bool recoverable() const { return saved || recipe; }
    [[nodiscard]] bool uses(FlagSource::Where where) const { return recipe.uses(where) || carry.uses(where); }
    [[nodiscard]] bool uses_register(unsigned n) const {
        return recipe.a.is_register(n) || recipe.b.is_register(n) || carry.a.is_register(n) || carry.b.is_register(n);
    }

    static GuestFlags in_saved_form() {
        GuestFlags flags;
        flags.saved = true;
        return flags;
    }
    // Nobody looks at them any more.
    static GuestFlags dead() { return {}; }
};

} // namespace truering
