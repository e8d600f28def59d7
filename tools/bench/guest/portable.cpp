// The kernels that run in any 32-bit process.
#include "tools/bench/guest/kernels.hpp"

namespace bench {
namespace {

constexpr Kernel kernels[] = {
    {"alu", "integer", alu},
    {"flags", "integer", flags},
    {"bytes", "integer", bytes},
    {"sort", "integer", sort},
    {"crc32", "integer", crc32},
    {"sha256", "integer", sha256},
    {"calls", "jumps", calls},
    {"indirect-calls", "jumps", indirect_calls},
    {"indirect-jumps", "jumps", indirect_jumps},
    {"bytecode", "jumps", bytecode},
    {"copy", "memory", copy},
    {"copy-aliased", "memory", copy_aliased},
    {"copy-bytes", "memory", copy_bytes},
    {"rep-movs", "memory", rep_movs},
    {"rep-movs-bytes", "memory", rep_movs_bytes},
    {"rep-stos", "memory", rep_stos},
    {"repne-scas", "memory", repne_scas},
    {"repe-cmps", "memory", repe_cmps},
    {"chase-16k", "chase", chase_16k},
    {"chase-4m", "chase", chase_4m},
    {"chase-64m", "chase", chase_64m},
    {"mandelbrot-x87", "float", mandelbrot_x87},
    {"mandelbrot-sse2", "float", mandelbrot_sse2, needs_SSE2},
    {"matrix-sse", "float", matrix_sse, needs_SSE},
    {"matrix-sse2", "float", matrix_sse2, needs_SSE2},
    {"simd-integer", "float", simd_integer, needs_SSE2},
    {"transcendental", "float", x87_transcendental},
    {"patched-code", "code", patched_code},
    {"data-beside-code", "code", data_beside_code},
    {"code-once", "code", code_once},
    {"code-twice", "code", code_twice},
    {"multiply-divide", "more", multiply_divide},
    {"unaligned", "more", unaligned},
    {"x87-extended", "more", x87_extended},
    {"sse-single", "more", sse_single, needs_SSE},
    {"sse2-double", "more", sse2_double, needs_SSE2},
    {"sse2-integer", "more", sse2_integer, needs_SSE2},
};

} // namespace

KernelList portable_kernels() { return {kernels, sizeof kernels / sizeof *kernels}; }

} // namespace bench
