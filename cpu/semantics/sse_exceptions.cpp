// Rounding with unbounded exponent, for the PE flag beside an unmasked OE or UE.
//
// The x87 does this: precision control rounds the significand to 24 or 53 bits while the exponent keeps its 15 bits,
// which no sum, product, quotient or narrowing of floats or doubles leaves. Whether a rounding is inexact does not
// depend on its direction, so RC does not matter. FNSAVE and FRSTOR keep whatever the host's x87 held.
#include "cpu/semantics/sse_exceptions.hpp"

namespace truering::sse_detail {

namespace {

enum class Precision : u16 { to_float = 0x007F, to_double = 0x027F }; // FCW: all masked, PC as named

constexpr u16 fsw_PE = 1U << 5;

// Whether a op b is inexact. st(0) = a and st(1) = b when the operation comes.
bool inexact(op::WideOp operation, Precision precision, long double a, long double b) {
    std::array<u8, 108> saved;
    u16 fsw = 0;
    const u16 fcw = static_cast<u16>(precision);
    asm volatile("fnsave %0\n fldcw %1\n fldt %3\n fldt %2" : "=m"(saved) : "m"(fcw), "m"(a), "m"(b));
    switch (operation) {
    case op::WideOp::ADD: asm volatile("fadd %st(1), %st"); break;
    case op::WideOp::SUB: asm volatile("fsub %st(1), %st"); break;
    case op::WideOp::MUL: asm volatile("fmul %st(1), %st"); break;
    case op::WideOp::DIV: asm volatile("fdiv %st(1), %st"); break;
    case op::WideOp::CVT: asm volatile("fmul %st(1), %st"); break; // b is 1: the x87 rounds results, not loads
    }
    asm volatile("fnstsw %0\n frstor %1" : "=m"(fsw) : "m"(saved));
    return (fsw & fsw_PE) != 0;
}

} // namespace

bool inexact_unbounded(op::WideOp operation, float a, float b) { return inexact(operation, Precision::to_float, a, b); }
bool inexact_unbounded(op::WideOp operation, double a, double b) {
    return inexact(operation, Precision::to_double, a, b);
}
bool inexact_to_float(double a) { return inexact(op::WideOp::CVT, Precision::to_float, a, 1.0L); }

} // namespace truering::sse_detail
