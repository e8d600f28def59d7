// The registers of the x87 FPU, as plain data: copied by snapshots, task switches and V32 entries as they are.
//
// The eight data registers stand under their physical numbers; `top` is the physical number of ST(0) and kept apart
// from the status word, whose TOP field is composed when a program asks. Of the tag word only "empty" is state, a bit a
// register; the rest (zero, special) is computed from the contents, as the 486 and later do. MMX register i is the
// significand of physical register i.
//
// Invariants: control_word has bit 6 set and bits 7, 13, 14, 15 clear; status_word has TOP zero, ES and B both set when
// an exception flag is set that the control word does not mask, and both clear otherwise (summarize keeps that).
//
// Source: SDM volume 1, sections 8.1.2 to 8.1.10 and 9.2.2; volume 3A, table 10-1 (power-up).
#pragma once

#include "cpu/semantics/x87_operations.hpp"

#include <array>
#include <type_traits>

namespace truering {

enum class Tag : u8 { Valid = 0, Zero = 1, Special = 2, Empty = 3 };

struct FpuState {
    std::array<Float80, 8> physical{};
    u16 control_word = 0x0040;
    u8 top = 0;          // 0 to 7
    u8 empty = 0;        // bit i: physical register i is empty
    u16 status_word = 0; // without TOP; not beside the control word: reading both at once would stall on its last store
    u16 last_opcode = 0; // FOP: bits 10:8 are those of the escape byte, 7:0 the ModRM byte
    u32 fip = 0;         // last instruction that was not a control instruction
    u32 fdp = 0;         // its memory operand
    u16 fcs = 0;
    u16 fds = 0;

    // What FNINIT does; the data registers keep their bits. A new FpuState is as after power-up, INIT changes nothing.
    void fninit() {
        control_word = 0x037F;
        status_word = 0;
        top = 0;
        empty = 0xFF;
        last_opcode = 0;
        fip = fdp = 0;
        fcs = fds = 0;
    }

    [[nodiscard]] unsigned physical_index(unsigned i) const { return (top + i) & 7u; }
    [[nodiscard]] Float80& st(unsigned i) { return physical[physical_index(i)]; }
    [[nodiscard]] const Float80& st(unsigned i) const { return physical[physical_index(i)]; }
    [[nodiscard]] bool is_empty(unsigned i) const { return ((empty >> physical_index(i)) & 1) != 0; }
    void set_empty(unsigned i) { empty = static_cast<u8>(empty | 1u << physical_index(i)); }
    void set_st(unsigned i, const Float80& value) {
        st(i) = value;
        empty = static_cast<u8>(empty & ~(1u << physical_index(i)));
    }
    void push(const Float80& value) {
        top = static_cast<u8>((top - 1) & 7);
        set_st(0, value);
    }
    void pop() {
        set_empty(0);
        top = static_cast<u8>((top + 1) & 7);
    }

    [[nodiscard]] x87::Environment environment() const { return {control_word, status_word}; }

    [[nodiscard]] u16 full_status_word() const { return static_cast<u16>(status_word | top << 11); }
    void set_full_status_word(u16 word) {
        top = static_cast<u8>((word >> 11) & 7);
        status_word = static_cast<u16>(word & ~0x3800);
        summarize();
    }
    void set_control_word(u16 word) {
        control_word = static_cast<u16>((word & 0x1F3F) | 0x0040);
        summarize();
    }
    // ES and B after a change of flags or masks.
    void summarize() {
        constexpr unsigned summary = fpu_status::ES | fpu_status::B;
        const bool pending = x87::unmasked(status_word, control_word) != 0;
        status_word = static_cast<u16>((status_word & ~summary) | (pending ? summary : 0));
    }
    [[nodiscard]] bool exception_pending() const { return (status_word & fpu_status::ES) != 0; }

    [[nodiscard]] Tag tag(unsigned physical_register) const {
        if (((empty >> physical_register) & 1) != 0) return Tag::Empty;
        const FloatClass what = classify(physical[physical_register]);
        if (what == FloatClass::Normal) return Tag::Valid;
        return what == FloatClass::Zero ? Tag::Zero : Tag::Special;
    }
    // Two bits a physical register, register 0 lowest.
    [[nodiscard]] u16 tag_word() const {
        unsigned word = 0;
        for (unsigned i = 0; i < 8; ++i) word |= static_cast<unsigned>(tag(i)) << (2 * i);
        return static_cast<u16>(word);
    }
    // Of a loaded tag word only "empty" counts.
    void set_tag_word(u16 word) {
        const unsigned both = word & (word >> 1);
        unsigned bits = 0;
        for (unsigned i = 0; i < 8; ++i) bits |= ((both >> (2 * i)) & 1u) << i;
        empty = static_cast<u8>(bits);
    }
    // FXSAVE's tag byte: a set bit is a register that is not empty.
    [[nodiscard]] u8 abridged_tags() const { return static_cast<u8>(~empty); }
    void set_abridged_tags(u8 tags) { empty = static_cast<u8>(~tags); }

    // MMX: a write fills the sign and exponent with ones; every MMX instruction but EMMS calls enter_mmx.
    [[nodiscard]] u64 mm(unsigned i) const { return physical[i & 7u].significand; }
    void set_mm(unsigned i, u64 value) { physical[i & 7u] = {value, 0xFFFF}; }
    void enter_mmx() {
        top = 0;
        empty = 0;
    }
    void emms() { empty = 0xFF; } // TOP too becomes 0, as with every MMX instruction: call enter_mmx first
};
static_assert(std::is_trivially_copyable_v<FpuState>);

} // namespace truering
