// SSE and SSE2. GCC makes the loops over vectors; the three in assembler are chains of one instruction after the other.
#include "tools/bench/guest/kernels.hpp"
#include "tools/bench/guest/mandelbrot.hpp"

#include <emmintrin.h>

namespace bench {
namespace {

constexpr int order = 16;

// c = a * b + c / 2, kept small by the small elements of a; columns side by side in vectors of `lanes`.
template <typename Number, typename Vector> uint32_t matrix(uint32_t turns) {
    constexpr int lanes = sizeof(Vector) / sizeof(Number), vectors = order / lanes;
    alignas(16) static Number a[order][order], b[order][order];
    alignas(16) static Vector c[order][vectors];
    for (int i = 0; i < order; ++i) {
        for (int j = 0; j < order; ++j) {
            a[i][j] = static_cast<Number>((i * 7 + j * 3) % 11) / 256;
            b[i][j] = static_cast<Number>((i * 5 + j) % 13) / 4;
            reinterpret_cast<Number*>(c[i])[j] = 0;
        }
    }
    while (turns--) {
        for (int i = 0; i < order; ++i) {
            for (int j = 0; j < vectors; ++j) {
                Vector sum = c[i][j] * static_cast<Number>(0.5);
                for (int k = 0; k < order; ++k) sum += reinterpret_cast<const Vector*>(b[k])[j] * a[i][k];
                c[i][j] = sum;
            }
        }
        b[turns & 15][3] += 1;
    }
    return static_cast<uint32_t>(static_cast<int32_t>(reinterpret_cast<Number*>(c[5])[7] * 4096));
}

} // namespace

uint32_t mandelbrot_sse2(uint32_t turns) { return mandelbrot<double>(turns); }
uint32_t matrix_sse(uint32_t turns) { return matrix<float, __m128>(turns); }
uint32_t matrix_sse2(uint32_t turns) { return matrix<double, __m128d>(turns); }

// One line of 1024 pixels faded into another, as a video mixer does; and the brighter of the two kept in places.
uint32_t simd_integer(uint32_t turns) {
    alignas(16) static uint8_t one[1024], other[1024];
    for (uint32_t i = 0; i < 1024; ++i)
        one[i] = static_cast<uint8_t>(i * 3), other[i] = static_cast<uint8_t>(i * 5 + 7);
    const __m128i zero = _mm_setzero_si128();
    __m128i sums = zero;
    while (turns--) {
        const __m128i weight = _mm_set1_epi16(static_cast<int16_t>(turns & 255));
        for (uint32_t i = 0; i < 1024; i += 16) {
            const __m128i p = _mm_load_si128(reinterpret_cast<const __m128i*>(one + i));
            const __m128i q = _mm_load_si128(reinterpret_cast<const __m128i*>(other + i));
            const __m128i low = _mm_sub_epi16(_mm_unpacklo_epi8(p, zero), _mm_unpacklo_epi8(q, zero));
            const __m128i high = _mm_sub_epi16(_mm_unpackhi_epi8(p, zero), _mm_unpackhi_epi8(q, zero));
            const __m128i part = _mm_packus_epi16(_mm_srli_epi16(_mm_mullo_epi16(low, weight), 8),
                                                  _mm_srli_epi16(_mm_mullo_epi16(high, weight), 8));
            const __m128i mixed = _mm_add_epi8(q, part);
            const __m128i chosen = _mm_cmpgt_epi8(mixed, p);
            sums = _mm_add_epi32(sums, _mm_sad_epu8(mixed, p));
            _mm_store_si128(reinterpret_cast<__m128i*>(other + i),
                            _mm_or_si128(_mm_and_si128(chosen, mixed), _mm_andnot_si128(chosen, _mm_max_epu8(q, p))));
        }
        one[turns & 1023] ^= other[turns * 7 & 1023];
    }
    return static_cast<uint32_t>(_mm_cvtsi128_si32(sums)) + other[77];
}

uint32_t sse_single(uint32_t turns) {
    alignas(16) static float values[8] = {1.1f, 0.9f, 1.01f, 0.99f, 0.5f, 0.25f, 0.125f, 1};
    uint32_t result;
    asm volatile("movaps (%2), %%xmm0\n\tmovaps 16(%2), %%xmm1\n\tmovaps %%xmm1, %%xmm2\n"
                 "1:\tmulps %%xmm0, %%xmm1\n\taddps %%xmm2, %%xmm1\n\tsqrtps %%xmm1, %%xmm1\n\t"
                 "minps %%xmm0, %%xmm1\n\tshufps $0x39, %%xmm1, %%xmm1\n\tsubps %%xmm2, %%xmm1\n\t"
                 "maxps %%xmm2, %%xmm1\n\tmulss %%xmm0, %%xmm1\n\tdec %1\n\tjnz 1b\n\tmovss %%xmm1, (%3)"
                 : "=m"(result), "+r"(turns)
                 : "r"(values), "r"(&result)
                 : "memory", "xmm0", "xmm1", "xmm2");
    return result;
}

uint32_t sse2_double(uint32_t turns) {
    alignas(16) static double values[4] = {1.1, 0.9, 0.5, 0.25};
    uint32_t result[2];
    asm volatile("movapd (%1), %%xmm0\n\tmovapd 16(%1), %%xmm1\n\tmovapd %%xmm1, %%xmm2\n"
                 "1:\tmulpd %%xmm0, %%xmm1\n\taddpd %%xmm2, %%xmm1\n\tsqrtpd %%xmm1, %%xmm1\n\t"
                 "minpd %%xmm0, %%xmm1\n\tmulsd %%xmm0, %%xmm1\n\tsubpd %%xmm2, %%xmm1\n\tmaxpd %%xmm2, %%xmm1\n\t"
                 "dec %0\n\tjnz 1b\n\tmovlpd %%xmm1, (%2)"
                 : "+r"(turns)
                 : "r"(values), "r"(result)
                 : "memory", "xmm0", "xmm1", "xmm2");
    return result[0] ^ result[1];
}

uint32_t sse2_integer(uint32_t turns) {
    alignas(16) static uint32_t values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint32_t result;
    asm volatile("movdqa (%1), %%xmm0\n\tmovdqa 16(%1), %%xmm1\n"
                 "1:\tpaddd %%xmm0, %%xmm1\n\tpxor %%xmm1, %%xmm0\n\tpslld $3, %%xmm0\n\tpaddw %%xmm1, %%xmm0\n\t"
                 "pshufd $0x93, %%xmm1, %%xmm1\n\tpmuludq %%xmm0, %%xmm1\n\tpunpckldq %%xmm0, %%xmm1\n\t"
                 "dec %0\n\tjnz 1b\n\tmovd %%xmm1, (%2)"
                 : "+r"(turns)
                 : "r"(values), "r"(&result)
                 : "memory", "xmm0", "xmm1");
    return result;
}

} // namespace bench
