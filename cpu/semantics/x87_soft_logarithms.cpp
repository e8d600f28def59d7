// F2XM1, FYL2X, FYL2XP1.
//
//   2^x - 1      = t + t^2/2! + t^3/3! ... with t = x ln 2, |t| below 0.7
//   log2 (m 2^k) = k + 2 atanh((m - 1) / (m + 1)) / ln 2, m between sqrt(1/2) and sqrt 2
//   log2 (1 + x) = 2 atanh(x / (2 + x)) / ln 2, near 0 without loss
//
// Source: SDM volume 2, the tables of special operands in the three pages.
#include "cpu/semantics/x87_soft_functions.hpp"
#include "cpu/semantics/x87_soft_wide.hpp"

namespace truering::x87::soft {

namespace {

u16 denormal_status(const Number& a, const Number& b) { return a.denormal || b.denormal ? fpu_status::DE : u16{0}; }

Result with_status(Result result, u16 status) {
    result.status |= status;
    return result;
}

Wide exp_minus_1(const Wide& t) {
    Wide power = t;
    Wide sum = t;
    for (u64 n = 2; n < 100; ++n) {
        power = power * t / n;
        if (!matters(power, sum)) break;
        sum = sum + power;
    }
    return sum;
}

bool is_one(const Wide& w) { return w.power == 0 && w.significand == u128{1} << 127; }

// ln(numerator / denominator) for a ratio near 1, by their difference and sum.
Wide log2_of_ratio(const Wide& difference, const Wide& sum) {
    return scaled(odd_series(Series::Atanh, difference / sum), 1) * wide_log2_e;
}

// Of a positive number.
Wide log2_of(const Wide& x) {
    Wide m{false, 0, x.significand};
    i64 k = x.power;
    if (is_one(m)) return wide_from(k);
    constexpr u64 root_of_2 = 0xB504'F333'F9DE'6484;
    if (m.significand > u128{root_of_2} << 64) {
        m.power = -1;
        ++k;
    }
    return wide_from(k) + log2_of_ratio(m - wide_one, m + wide_one);
}

} // namespace

Evaluation power_minus_1(const Operands& o) {
    if (needs_nan_response(o.x, o.x)) return o.replaced(nan_response(o.environment, o.st0, o.x, o.x));
    if (is_zero(o.x)) return o.unchanged(0);
    if (is_infinite(o.x)) return o.x.sign ? o.replaced({negated(float80_from(i64{1})), 0}) : o.unchanged(0);
    const u16 status = denormal_status(o.x, o.x);
    if (traps(status, o.environment)) return o.unchanged(status);
    const Wide x = wide_from(o.x);
    if (smaller(wide_one, x)) return o.unchanged(status); // undefined
    if (is_one(x)) {
        const Wide exact = x.sign ? Wide{true, -1, wide_one.significand} : wide_one;
        return o.replaced(with_status(rounded_wide(o.environment, exact, Exactness::Exact), status));
    }
    return o.replaced(with_status(rounded_wide(o.environment, exp_minus_1(x * wide_ln2), Exactness::Inexact), status));
}

Evaluation logarithm(const Operands& o) {
    if (needs_nan_response(o.x, o.y)) return o.nan(-1);
    if (o.x.sign && !is_zero(o.x)) return o.invalid_operation(-1);
    if (is_zero(o.x)) {
        if (is_zero(o.y)) return o.invalid_operation(-1);
        const u16 status = is_infinite(o.y) ? u16{0} : fpu_status::ZE;
        if (traps(status, o.environment)) return o.unchanged(status);
        return o.popped({signed_infinity(!o.y.sign), status});
    }
    const bool is_unit = o.x.exponent == static_cast<int>(float80_bias) && o.x.significand << 1 == 0;
    if (is_infinite(o.x) ? is_zero(o.y) : is_unit && is_infinite(o.y)) return o.invalid_operation(-1);
    const u16 status = denormal_status(o.x, o.y);
    if (traps(status, o.environment)) return o.unchanged(status);
    const bool negative_log = !is_infinite(o.x) && o.x.exponent < static_cast<int>(float80_bias);
    const bool sign = o.y.sign != negative_log;
    if (is_infinite(o.x) || is_infinite(o.y)) return o.popped({signed_infinity(sign), status});
    if (is_zero(o.y) || is_unit) return o.popped({signed_zero(sign), status});
    const Wide product = wide_from(o.y) * log2_of(wide_from(o.x));
    // PE even after the exact logarithm of a power of two, as the processors do.
    return o.popped(with_status(rounded_wide(o.environment, product, Exactness::Inexact), status));
}

Evaluation logarithm_plus_1(const Operands& o) {
    if (needs_nan_response(o.x, o.y)) return o.nan(-1);
    if (is_zero(o.x) && is_infinite(o.y)) return o.invalid_operation(-1);
    if (is_infinite(o.x) && (o.x.sign || is_zero(o.y))) return o.invalid_operation(-1);
    const u16 status = denormal_status(o.x, o.y);
    if (traps(status, o.environment)) return o.unchanged(status);
    const bool sign = o.x.sign != o.y.sign;
    if (is_infinite(o.x) || is_infinite(o.y)) return o.popped({signed_infinity(sign), status});
    if (is_zero(o.x) || is_zero(o.y)) return o.popped({signed_zero(sign), status});
    const Wide x = wide_from(o.x);
    Wide log;
    if (x.power < -1) {
        log = log2_of_ratio(x, scaled(wide_one, 1) + x);
    } else {
        const Wide sum = wide_one + x;
        if (sum.sign || sum.significand == 0) return o.popped({o.st0, status}); // undefined
        log = log2_of(sum);
    }
    return o.popped(with_status(rounded_wide(o.environment, wide_from(o.y) * log, Exactness::Inexact), status));
}

} // namespace truering::x87::soft
