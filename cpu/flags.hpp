// EFLAGS, and the arithmetic flags in the form that makes instructions cheap.
//
// Most instructions write flags that nobody reads. So an instruction leaves behind two words from which any flag can be
// had, and each body computes only what costs it one or two host instructions:
//
//   result   the result, sign-extended to 32 bits. ZF: it is 0. SF: its sign. PF: the parity of its low byte.
//   carries  the carry out of every bit of the addition, moved so that the operand's top bit is bit 31.
//            CF: bit 31. OF: bit 31 differs from bit 30. AF: bit 3 (never moved).
//
// Combinations that no result has (ZF with SF, as POPF may load them) are corrections in otherwise unused bits of
// `carries`: bit 0 inverts SF, bits 15:8 are xored into the byte whose parity is PF.
#pragma once

#include "base/bits.hpp"
#include "decoder/row.hpp"

namespace truering {

// EFLAGS bits other than the arithmetic ones (SDM vol. 1, figure 3-8).
enum Eflags : u32 {
    EFLAGS_fixed = 1u << 1,
    EFLAGS_TF = 1u << 8,
    EFLAGS_IF = 1u << 9,
    EFLAGS_DF = 1u << 10,
    EFLAGS_IOPL = 3u << 12,
    EFLAGS_NT = 1u << 14,
    EFLAGS_RF = 1u << 16,
    EFLAGS_VM = 1u << 17,
    EFLAGS_AC = 1u << 18,
    EFLAGS_VIF = 1u << 19,
    EFLAGS_VIP = 1u << 20,
    EFLAGS_ID = 1u << 21,
    EFLAGS_all = 0x003F7FD7,
};

template <class T> inline constexpr unsigned bit_count = sizeof(T) * 8;

template <class T> constexpr u32 sign_extended(T value) {
    if constexpr (sizeof(T) == 1)
        return sign_extend_8(value);
    else if constexpr (sizeof(T) == 2)
        return sign_extend_16(value);
    else
        return value;
}

class ArithmeticFlags {
  public:
    [[nodiscard]] bool CF() const { return (carries_ >> 31) != 0; }
    [[nodiscard]] bool OF() const { return ((carries_ ^ (carries_ << 1)) >> 31) != 0; }
    [[nodiscard]] bool AF() const { return (carries_ & 8) != 0; }
    [[nodiscard]] bool ZF() const { return result_ == 0; }
    [[nodiscard]] bool SF() const { return ((result_ >> 31) ^ (carries_ & 1)) != 0; }
    [[nodiscard]] bool PF() const { return even_parity(result_ ^ (carries_ >> 8)); }

    // As in EFLAGS, other bits 0.
    [[nodiscard]] u32 value() const {
        return (CF() ? u32{flag_CF} : 0u) | (PF() ? u32{flag_PF} : 0u) | (AF() ? u32{flag_AF} : 0u) |
               (ZF() ? u32{flag_ZF} : 0u) | (SF() ? u32{flag_SF} : 0u) | (OF() ? u32{flag_OF} : 0u);
    }

    void set_value(u32 eflags) {
        const bool cf = (eflags & flag_CF) != 0, of = (eflags & flag_OF) != 0;
        result_ = (eflags & flag_ZF) != 0 ? 0u : 1u; // the byte 0 has even parity, the byte 1 odd
        const bool natural_pf = result_ == 0;
        const bool pf = (eflags & flag_PF) != 0;
        carries_ = carry_bits(cf, of, (eflags & flag_AF) != 0) | ((eflags & flag_SF) != 0 ? 1u : 0u) |
                   (pf != natural_pf ? 0x100u : 0u);
    }

    // After a + b (+ carry): the carry-out vector is (a & b) | ((a | b) & ~result).
    template <class T> void set_add(T a, T b, T result) {
        set_carries<T>((u32{a} & b) | ((u32{a} | b) & ~u32{result}), result);
    }
    // After a - b (- borrow): the borrow-out vector is (~a & b) | ((~a | b) & result).
    template <class T> void set_sub(T a, T b, T result) {
        set_carries<T>((~u32{a} & b) | ((~u32{a} | b) & result), result);
    }
    // CF, OF and AF cleared, the others by the result.
    template <class T> void set_logic(T result) {
        result_ = sign_extended(result);
        carries_ = 0;
    }
    // The others by the result.
    template <class T> void set_result(T result, bool cf, bool of, bool af) {
        result_ = sign_extended(result);
        carries_ = carry_bits(cf, of, af);
    }

    // One or two flags changed, the others kept.
    void set_CF(bool cf) { set_CF_OF(cf, OF()); }
    void set_CF_OF(bool cf, bool of) { carries_ = (carries_ & 0x3FFF'FFFF) | carry_bits(cf, of, false); }
    void set_ZF(bool zf) { set_value((value() & ~u32{flag_ZF}) | (zf ? u32{flag_ZF} : 0u)); }

  private:
    static constexpr u32 carry_bits(bool cf, bool of, bool af) {
        return (cf ? 0x8000'0000u : 0u) | (cf != of ? 0x4000'0000u : 0u) | (af ? 8u : 0u);
    }

    template <class T> void set_carries(u32 vector, T result) {
        result_ = sign_extended(result);
        carries_ = ((vector << (32 - bit_count<T>)) & 0xC000'0000) | (vector & 8);
    }

    u32 result_ = 1;
    u32 carries_ = 0;
};

} // namespace truering
