// MMX bodies against the host's instructions, through the compiler's intrinsics, and hand-worked examples.
#if defined(__x86_64__)

#include "cpu/semantics/mmx_integer.hpp"
#include "cpu/semantics/mmx_shift.hpp"
#include "cpu/semantics/mmx_shuffle.hpp"
#include "tests/unit/cpu/sse_operands.hpp"

#include <emmintrin.h>
#include <gtest/gtest.h>

namespace truering::op {
namespace {

using truering::test::SseOperands;

constexpr int rounds = 3000;

__m64 host(const Packed64& x) { return std::bit_cast<__m64>(x); }
Packed64 guest(__m64 x) { return std::bit_cast<Packed64>(x); }
Packed64 quad(u64 value) { return Packed64::low(value); }

// The host's MMX registers lie over its x87: empty them before the test's framework computes anything.
template <class F> Packed64 on_host(F host_instruction, const Packed64& d, const Packed64& s) {
    const Packed64 r = guest(host_instruction(host(d), host(s)));
    _mm_empty();
    return r;
}

template <class Body, class F> void compare(const char* name, F host_instruction) {
    SseOperands operands(1);
    for (int n = 0; n < rounds; ++n) {
        const Packed64 d = operands.integers<Packed64>();
        const Packed64 s = operands.integers<Packed64>();
        ASSERT_EQ(Body::run(d, s), on_host(host_instruction, d, s)) << name;
    }
}

template <class Body, class F> void compare_shift(const char* name, F host_instruction) {
    SseOperands operands(2);
    for (int n = 0; n < rounds; ++n) {
        const Packed64 d = operands.integers<Packed64>();
        const u64 count = n < 300 ? static_cast<u64>(n) : operands.below(2) == 0 ? operands.below(66) : operands.next();
        ASSERT_EQ(Body::run(d, count), on_host(host_instruction, d, quad(count))) << name << ' ' << count;
    }
}

TEST(Mmx, TwoOperandsAsTheHost) {
    compare<PADDB>("PADDB", [](__m64 d, __m64 s) { return _mm_add_pi8(d, s); });
    compare<PADDW>("PADDW", [](__m64 d, __m64 s) { return _mm_add_pi16(d, s); });
    compare<PADDD>("PADDD", [](__m64 d, __m64 s) { return _mm_add_pi32(d, s); });
    compare<PADDQ>("PADDQ", [](__m64 d, __m64 s) { return _mm_add_si64(d, s); });
    compare<PSUBB>("PSUBB", [](__m64 d, __m64 s) { return _mm_sub_pi8(d, s); });
    compare<PSUBW>("PSUBW", [](__m64 d, __m64 s) { return _mm_sub_pi16(d, s); });
    compare<PSUBD>("PSUBD", [](__m64 d, __m64 s) { return _mm_sub_pi32(d, s); });
    compare<PSUBQ>("PSUBQ", [](__m64 d, __m64 s) { return _mm_sub_si64(d, s); });
    compare<PADDSB>("PADDSB", [](__m64 d, __m64 s) { return _mm_adds_pi8(d, s); });
    compare<PADDSW>("PADDSW", [](__m64 d, __m64 s) { return _mm_adds_pi16(d, s); });
    compare<PADDUSB>("PADDUSB", [](__m64 d, __m64 s) { return _mm_adds_pu8(d, s); });
    compare<PADDUSW>("PADDUSW", [](__m64 d, __m64 s) { return _mm_adds_pu16(d, s); });
    compare<PSUBSB>("PSUBSB", [](__m64 d, __m64 s) { return _mm_subs_pi8(d, s); });
    compare<PSUBSW>("PSUBSW", [](__m64 d, __m64 s) { return _mm_subs_pi16(d, s); });
    compare<PSUBUSB>("PSUBUSB", [](__m64 d, __m64 s) { return _mm_subs_pu8(d, s); });
    compare<PSUBUSW>("PSUBUSW", [](__m64 d, __m64 s) { return _mm_subs_pu16(d, s); });
    compare<PMULLW>("PMULLW", [](__m64 d, __m64 s) { return _mm_mullo_pi16(d, s); });
    compare<PMULHW>("PMULHW", [](__m64 d, __m64 s) { return _mm_mulhi_pi16(d, s); });
    compare<PMULHUW>("PMULHUW", [](__m64 d, __m64 s) { return _mm_mulhi_pu16(d, s); });
    compare<PMULUDQ>("PMULUDQ", [](__m64 d, __m64 s) { return _mm_mul_su32(d, s); });
    compare<PMADDWD>("PMADDWD", [](__m64 d, __m64 s) { return _mm_madd_pi16(d, s); });
    compare<PCMPEQB>("PCMPEQB", [](__m64 d, __m64 s) { return _mm_cmpeq_pi8(d, s); });
    compare<PCMPEQW>("PCMPEQW", [](__m64 d, __m64 s) { return _mm_cmpeq_pi16(d, s); });
    compare<PCMPEQD>("PCMPEQD", [](__m64 d, __m64 s) { return _mm_cmpeq_pi32(d, s); });
    compare<PCMPGTB>("PCMPGTB", [](__m64 d, __m64 s) { return _mm_cmpgt_pi8(d, s); });
    compare<PCMPGTW>("PCMPGTW", [](__m64 d, __m64 s) { return _mm_cmpgt_pi16(d, s); });
    compare<PCMPGTD>("PCMPGTD", [](__m64 d, __m64 s) { return _mm_cmpgt_pi32(d, s); });
    compare<PMINUB>("PMINUB", [](__m64 d, __m64 s) { return _mm_min_pu8(d, s); });
    compare<PMINSW>("PMINSW", [](__m64 d, __m64 s) { return _mm_min_pi16(d, s); });
    compare<PMAXUB>("PMAXUB", [](__m64 d, __m64 s) { return _mm_max_pu8(d, s); });
    compare<PMAXSW>("PMAXSW", [](__m64 d, __m64 s) { return _mm_max_pi16(d, s); });
    compare<PAVGB>("PAVGB", [](__m64 d, __m64 s) { return _mm_avg_pu8(d, s); });
    compare<PAVGW>("PAVGW", [](__m64 d, __m64 s) { return _mm_avg_pu16(d, s); });
    compare<PSADBW>("PSADBW", [](__m64 d, __m64 s) { return _mm_sad_pu8(d, s); });
    compare<PAND>("PAND", [](__m64 d, __m64 s) { return _mm_and_si64(d, s); });
    compare<PANDN>("PANDN", [](__m64 d, __m64 s) { return _mm_andnot_si64(d, s); });
    compare<POR>("POR", [](__m64 d, __m64 s) { return _mm_or_si64(d, s); });
    compare<PXOR>("PXOR", [](__m64 d, __m64 s) { return _mm_xor_si64(d, s); });
    compare<PACKSSWB>("PACKSSWB", [](__m64 d, __m64 s) { return _mm_packs_pi16(d, s); });
    compare<PACKSSDW>("PACKSSDW", [](__m64 d, __m64 s) { return _mm_packs_pi32(d, s); });
    compare<PACKUSWB>("PACKUSWB", [](__m64 d, __m64 s) { return _mm_packs_pu16(d, s); });
    compare<PUNPCKLBW>("PUNPCKLBW", [](__m64 d, __m64 s) { return _mm_unpacklo_pi8(d, s); });
    compare<PUNPCKLWD>("PUNPCKLWD", [](__m64 d, __m64 s) { return _mm_unpacklo_pi16(d, s); });
    compare<PUNPCKLDQ>("PUNPCKLDQ", [](__m64 d, __m64 s) { return _mm_unpacklo_pi32(d, s); });
    compare<PUNPCKHBW>("PUNPCKHBW", [](__m64 d, __m64 s) { return _mm_unpackhi_pi8(d, s); });
    compare<PUNPCKHWD>("PUNPCKHWD", [](__m64 d, __m64 s) { return _mm_unpackhi_pi16(d, s); });
    compare<PUNPCKHDQ>("PUNPCKHDQ", [](__m64 d, __m64 s) { return _mm_unpackhi_pi32(d, s); });
}

TEST(Mmx, ShiftsAsTheHost) {
    compare_shift<PSLLW>("PSLLW", [](__m64 d, __m64 s) { return _mm_sll_pi16(d, s); });
    compare_shift<PSLLD>("PSLLD", [](__m64 d, __m64 s) { return _mm_sll_pi32(d, s); });
    compare_shift<PSLLQ>("PSLLQ", [](__m64 d, __m64 s) { return _mm_sll_si64(d, s); });
    compare_shift<PSRLW>("PSRLW", [](__m64 d, __m64 s) { return _mm_srl_pi16(d, s); });
    compare_shift<PSRLD>("PSRLD", [](__m64 d, __m64 s) { return _mm_srl_pi32(d, s); });
    compare_shift<PSRLQ>("PSRLQ", [](__m64 d, __m64 s) { return _mm_srl_si64(d, s); });
    compare_shift<PSRAW>("PSRAW", [](__m64 d, __m64 s) { return _mm_sra_pi16(d, s); });
    compare_shift<PSRAD>("PSRAD", [](__m64 d, __m64 s) { return _mm_sra_pi32(d, s); });
}

TEST(Mmx, SignMaskAsTheHost) {
    SseOperands operands(3);
    for (int n = 0; n < rounds; ++n) {
        const Packed64 a = operands.integers<Packed64>();
        const u32 expected = static_cast<u32>(_mm_movemask_pi8(host(a)));
        _mm_empty();
        ASSERT_EQ(PMOVMSKB::run(a), expected);
    }
}

TEST(Mmx, MultiplyAddWrapsOnlyForFourTimesTheSmallest) {
    EXPECT_EQ(PMADDWD::run(quad(0x8000'8000'0001'0002), quad(0x8000'8000'0003'0004)), quad(0x8000'0000'0000'000B));
}

TEST(Mmx, SaturationAtBothEnds) {
    EXPECT_EQ(PADDSB::run(quad(0x7F80'7F80'0102'FF00), quad(0x01FF'7F80'0102'0100)), quad(0x7F80'7F80'0204'0000));
    EXPECT_EQ(PSUBUSW::run(quad(0x0001'FFFF'8000'0000), quad(0x0002'0001'8000'FFFF)), quad(0x0000'FFFE'0000'0000));
    EXPECT_EQ(PACKUSWB::run(quad(0x0100'00FF'8000'FFFF), quad(0x7FFF'0000'0080'0001)), quad(0xFF00'8001'FFFF'0000));
    EXPECT_EQ(PACKSSDW::run(quad(0x0000'8000'FFFF'7FFF), quad(0x0000'7FFF'FFFF'8000)), quad(0x7FFF'8000'7FFF'8000));
}

TEST(Mmx, ShuffleWordsInsertExtract) {
    const Packed64 a = quad(0x4444'3333'2222'1111);
    EXPECT_EQ(PSHUFW::run(a, 0b00'01'10'11), quad(0x1111'2222'3333'4444));
    EXPECT_EQ(PSHUFW::run(a, 0b10'10'00'11), quad(0x3333'3333'1111'4444));
    EXPECT_EQ(PINSRW::run(a, 0xAAAA'BBBB, 6), quad(0x4444'BBBB'2222'1111)) << "the lane is taken modulo 4";
    EXPECT_EQ(PEXTRW::run(quad(0xF000'0000'0000'0000), 3), 0xF000U) << "zero-extended";
}

} // namespace
} // namespace truering::op

#endif
