// XMM integer bodies against the host's instructions, through the compiler's intrinsics: the bodies are lane loops, so
// agreement says that both the formula and the lane order are right.
#if defined(__x86_64__)

#include "cpu/semantics/mmx_integer.hpp"
#include "cpu/semantics/mmx_shift.hpp"
#include "cpu/semantics/mmx_shuffle.hpp"
#include "cpu/semantics/sse_move.hpp"
#include "tests/unit/cpu/sse_operands.hpp"

#include <emmintrin.h>
#include <gtest/gtest.h>

namespace truering::op {
namespace {

using truering::test::SseOperands;

constexpr int rounds = 3000;

__m128i host(const Packed128& x) { return std::bit_cast<__m128i>(x); }
Packed128 guest(__m128i x) { return std::bit_cast<Packed128>(x); }

template <class Body, class F> void compare(const char* name, F host_instruction) {
    SseOperands operands(1);
    for (int n = 0; n < rounds; ++n) {
        const Packed128 d = operands.integers<Packed128>();
        const Packed128 s = operands.integers<Packed128>();
        ASSERT_EQ(Body::run(d, s), guest(host_instruction(host(d), host(s)))) << name;
    }
}

template <class Body, class F> void compare_shift(const char* name, F host_instruction) {
    SseOperands operands(2);
    for (int n = 0; n < rounds; ++n) {
        const Packed128 d = operands.integers<Packed128>();
        const u64 count = n < 300 ? static_cast<u64>(n) : operands.below(2) == 0 ? operands.below(66) : operands.next();
        // The high quadword of the count's register does not count.
        const Packed128 s = Packed128::of<u64>({count, operands.next()});
        ASSERT_EQ(Body::run(d, count), guest(host_instruction(host(d), host(s)))) << name << ' ' << count;
    }
}

// An immediate must be a constant for the host: all 256 of them, by recursion over an index sequence.
template <class F, std::size_t... imm> void for_each_immediate(F f, std::index_sequence<imm...>) {
    (f.template operator()<static_cast<u8>(imm)>(), ...);
}
template <class F> void for_each_immediate(F f) { for_each_immediate(f, std::make_index_sequence<256>()); }

TEST(SseInteger, TwoOperandsAsTheHost) {
    compare<PADDB>("PADDB", [](__m128i d, __m128i s) { return _mm_add_epi8(d, s); });
    compare<PADDW>("PADDW", [](__m128i d, __m128i s) { return _mm_add_epi16(d, s); });
    compare<PADDD>("PADDD", [](__m128i d, __m128i s) { return _mm_add_epi32(d, s); });
    compare<PADDQ>("PADDQ", [](__m128i d, __m128i s) { return _mm_add_epi64(d, s); });
    compare<PSUBB>("PSUBB", [](__m128i d, __m128i s) { return _mm_sub_epi8(d, s); });
    compare<PSUBW>("PSUBW", [](__m128i d, __m128i s) { return _mm_sub_epi16(d, s); });
    compare<PSUBD>("PSUBD", [](__m128i d, __m128i s) { return _mm_sub_epi32(d, s); });
    compare<PSUBQ>("PSUBQ", [](__m128i d, __m128i s) { return _mm_sub_epi64(d, s); });
    compare<PADDSB>("PADDSB", [](__m128i d, __m128i s) { return _mm_adds_epi8(d, s); });
    compare<PADDSW>("PADDSW", [](__m128i d, __m128i s) { return _mm_adds_epi16(d, s); });
    compare<PADDUSB>("PADDUSB", [](__m128i d, __m128i s) { return _mm_adds_epu8(d, s); });
    compare<PADDUSW>("PADDUSW", [](__m128i d, __m128i s) { return _mm_adds_epu16(d, s); });
    compare<PSUBSB>("PSUBSB", [](__m128i d, __m128i s) { return _mm_subs_epi8(d, s); });
    compare<PSUBSW>("PSUBSW", [](__m128i d, __m128i s) { return _mm_subs_epi16(d, s); });
    compare<PSUBUSB>("PSUBUSB", [](__m128i d, __m128i s) { return _mm_subs_epu8(d, s); });
    compare<PSUBUSW>("PSUBUSW", [](__m128i d, __m128i s) { return _mm_subs_epu16(d, s); });
    compare<PMULLW>("PMULLW", [](__m128i d, __m128i s) { return _mm_mullo_epi16(d, s); });
    compare<PMULHW>("PMULHW", [](__m128i d, __m128i s) { return _mm_mulhi_epi16(d, s); });
    compare<PMULHUW>("PMULHUW", [](__m128i d, __m128i s) { return _mm_mulhi_epu16(d, s); });
    compare<PMULUDQ>("PMULUDQ", [](__m128i d, __m128i s) { return _mm_mul_epu32(d, s); });
    compare<PMADDWD>("PMADDWD", [](__m128i d, __m128i s) { return _mm_madd_epi16(d, s); });
    compare<PCMPEQB>("PCMPEQB", [](__m128i d, __m128i s) { return _mm_cmpeq_epi8(d, s); });
    compare<PCMPEQW>("PCMPEQW", [](__m128i d, __m128i s) { return _mm_cmpeq_epi16(d, s); });
    compare<PCMPEQD>("PCMPEQD", [](__m128i d, __m128i s) { return _mm_cmpeq_epi32(d, s); });
    compare<PCMPGTB>("PCMPGTB", [](__m128i d, __m128i s) { return _mm_cmpgt_epi8(d, s); });
    compare<PCMPGTW>("PCMPGTW", [](__m128i d, __m128i s) { return _mm_cmpgt_epi16(d, s); });
    compare<PCMPGTD>("PCMPGTD", [](__m128i d, __m128i s) { return _mm_cmpgt_epi32(d, s); });
    compare<PMINUB>("PMINUB", [](__m128i d, __m128i s) { return _mm_min_epu8(d, s); });
    compare<PMINSW>("PMINSW", [](__m128i d, __m128i s) { return _mm_min_epi16(d, s); });
    compare<PMAXUB>("PMAXUB", [](__m128i d, __m128i s) { return _mm_max_epu8(d, s); });
    compare<PMAXSW>("PMAXSW", [](__m128i d, __m128i s) { return _mm_max_epi16(d, s); });
    compare<PAVGB>("PAVGB", [](__m128i d, __m128i s) { return _mm_avg_epu8(d, s); });
    compare<PAVGW>("PAVGW", [](__m128i d, __m128i s) { return _mm_avg_epu16(d, s); });
    compare<PSADBW>("PSADBW", [](__m128i d, __m128i s) { return _mm_sad_epu8(d, s); });
    compare<PAND>("PAND", [](__m128i d, __m128i s) { return _mm_and_si128(d, s); });
    compare<PANDN>("PANDN", [](__m128i d, __m128i s) { return _mm_andnot_si128(d, s); });
    compare<POR>("POR", [](__m128i d, __m128i s) { return _mm_or_si128(d, s); });
    compare<PXOR>("PXOR", [](__m128i d, __m128i s) { return _mm_xor_si128(d, s); });
    compare<PACKSSWB>("PACKSSWB", [](__m128i d, __m128i s) { return _mm_packs_epi16(d, s); });
    compare<PACKSSDW>("PACKSSDW", [](__m128i d, __m128i s) { return _mm_packs_epi32(d, s); });
    compare<PACKUSWB>("PACKUSWB", [](__m128i d, __m128i s) { return _mm_packus_epi16(d, s); });
    compare<PUNPCKLBW>("PUNPCKLBW", [](__m128i d, __m128i s) { return _mm_unpacklo_epi8(d, s); });
    compare<PUNPCKLWD>("PUNPCKLWD", [](__m128i d, __m128i s) { return _mm_unpacklo_epi16(d, s); });
    compare<PUNPCKLDQ>("PUNPCKLDQ", [](__m128i d, __m128i s) { return _mm_unpacklo_epi32(d, s); });
    compare<PUNPCKLQDQ>("PUNPCKLQDQ", [](__m128i d, __m128i s) { return _mm_unpacklo_epi64(d, s); });
    compare<PUNPCKHBW>("PUNPCKHBW", [](__m128i d, __m128i s) { return _mm_unpackhi_epi8(d, s); });
    compare<PUNPCKHWD>("PUNPCKHWD", [](__m128i d, __m128i s) { return _mm_unpackhi_epi16(d, s); });
    compare<PUNPCKHDQ>("PUNPCKHDQ", [](__m128i d, __m128i s) { return _mm_unpackhi_epi32(d, s); });
    compare<PUNPCKHQDQ>("PUNPCKHQDQ", [](__m128i d, __m128i s) { return _mm_unpackhi_epi64(d, s); });
}

TEST(SseInteger, ShiftsAsTheHost) {
    compare_shift<PSLLW>("PSLLW", [](__m128i d, __m128i s) { return _mm_sll_epi16(d, s); });
    compare_shift<PSLLD>("PSLLD", [](__m128i d, __m128i s) { return _mm_sll_epi32(d, s); });
    compare_shift<PSLLQ>("PSLLQ", [](__m128i d, __m128i s) { return _mm_sll_epi64(d, s); });
    compare_shift<PSRLW>("PSRLW", [](__m128i d, __m128i s) { return _mm_srl_epi16(d, s); });
    compare_shift<PSRLD>("PSRLD", [](__m128i d, __m128i s) { return _mm_srl_epi32(d, s); });
    compare_shift<PSRLQ>("PSRLQ", [](__m128i d, __m128i s) { return _mm_srl_epi64(d, s); });
    compare_shift<PSRAW>("PSRAW", [](__m128i d, __m128i s) { return _mm_sra_epi16(d, s); });
    compare_shift<PSRAD>("PSRAD", [](__m128i d, __m128i s) { return _mm_sra_epi32(d, s); });
}

TEST(SseInteger, ImmediateFormsAsTheHost) {
    SseOperands operands(3);
    for_each_immediate([&]<u8 imm>() {
        const Packed128 a = operands.integers<Packed128>();
        const Packed128 b = operands.integers<Packed128>();
        const __m128i d = host(a);
        const auto single = [](const Packed128& x) { return std::bit_cast<__m128>(x); };
        const auto wide = [](const Packed128& x) { return std::bit_cast<__m128d>(x); };
        EXPECT_EQ(PSLLDQ::run(a, imm), guest(_mm_slli_si128(d, imm))) << +imm;
        EXPECT_EQ(PSRLDQ::run(a, imm), guest(_mm_srli_si128(d, imm))) << +imm;
        EXPECT_EQ(PSHUFD::run(a, imm), guest(_mm_shuffle_epi32(d, imm))) << +imm;
        EXPECT_EQ(PSHUFLW::run(a, imm), guest(_mm_shufflelo_epi16(d, imm))) << +imm;
        EXPECT_EQ(PSHUFHW::run(a, imm), guest(_mm_shufflehi_epi16(d, imm))) << +imm;
        EXPECT_EQ(SHUFPS::run(a, b, imm), std::bit_cast<Packed128>(_mm_shuffle_ps(single(a), single(b), imm))) << +imm;
        EXPECT_EQ(SHUFPD::run(a, b, imm), std::bit_cast<Packed128>(_mm_shuffle_pd(wide(a), wide(b), imm & 3))) << +imm;
        EXPECT_EQ(PINSRW::run(a, 0xABCD1234, imm), guest(_mm_insert_epi16(d, 0x1234, imm & 7))) << +imm;
        EXPECT_EQ(PEXTRW::run(a, imm), static_cast<u32>(_mm_extract_epi16(d, imm & 7))) << +imm;
    });
}

TEST(SseInteger, MasksAndMergesAsTheHost) {
    SseOperands operands(4);
    for (int n = 0; n < rounds; ++n) {
        const Packed128 a = operands.integers<Packed128>();
        const Packed128 b = operands.integers<Packed128>();
        const auto single = [](const Packed128& x) { return std::bit_cast<__m128>(x); };
        const auto wide = [](const Packed128& x) { return std::bit_cast<__m128d>(x); };
        ASSERT_EQ(PMOVMSKB::run(a), static_cast<u32>(_mm_movemask_epi8(host(a))));
        ASSERT_EQ(MOVMSKPS::run(a), static_cast<u32>(_mm_movemask_ps(single(a))));
        ASSERT_EQ(MOVMSKPD::run(a), static_cast<u32>(_mm_movemask_pd(wide(a))));
        ASSERT_EQ(MOVSS::run(a, b), std::bit_cast<Packed128>(_mm_move_ss(single(a), single(b))));
        ASSERT_EQ(MOVSD::run(a, b), std::bit_cast<Packed128>(_mm_move_sd(wide(a), wide(b))));
        ASSERT_EQ(MOVHLPS::run(a, b), std::bit_cast<Packed128>(_mm_movehl_ps(single(a), single(b))));
        ASSERT_EQ(MOVLHPS::run(a, b), std::bit_cast<Packed128>(_mm_movelh_ps(single(a), single(b))));
        ASSERT_EQ(UNPCKLPS::run(a, b), std::bit_cast<Packed128>(_mm_unpacklo_ps(single(a), single(b))));
        ASSERT_EQ(UNPCKHPS::run(a, b), std::bit_cast<Packed128>(_mm_unpackhi_ps(single(a), single(b))));
        ASSERT_EQ(UNPCKLPD::run(a, b), std::bit_cast<Packed128>(_mm_unpacklo_pd(wide(a), wide(b))));
        ASSERT_EQ(UNPCKHPD::run(a, b), std::bit_cast<Packed128>(_mm_unpackhi_pd(wide(a), wide(b))));
        ASSERT_EQ(MOVLPS::run(a, b.get<u64>(0)),
                  std::bit_cast<Packed128>(_mm_loadl_pi(single(a), reinterpret_cast<const __m64*>(&b))));
        ASSERT_EQ(MOVHPS::run(a, b.get<u64>(0)),
                  std::bit_cast<Packed128>(_mm_loadh_pi(single(a), reinterpret_cast<const __m64*>(&b))));
    }
}

} // namespace
} // namespace truering::op

#endif
