// FSIN, FCOS, FSINCOS, FPTAN, FPATAN.
//
// Angles are reduced as Intel's processors do, modulo a pi of 66 bits (SDM volume 1, 8.3.8): the remainder is exact, so
// results for large angles are those of the processor, not of the true sine. Then Taylor series below pi/4.
#include "cpu/semantics/x87_soft_functions.hpp"
#include "cpu/semantics/x87_soft_wide.hpp"

namespace truering::x87::soft {

namespace {

constexpr int bias = static_cast<int>(float80_bias);

u16 denormal_status(const Number& a, const Number& b) { return a.denormal || b.denormal ? fpu_status::DE : u16{0}; }

Result with_status(Result result, u16 status) {
    result.status |= status;
    return result;
}

// ---- Sine and cosine

struct Reduced {
    Wide angle;           // at most pi/4
    unsigned quarter = 0; // turns of pi/2, modulo 4
};

// |x| < 2^63.
Reduced reduce(const Number& x) {
    const int power = x.exponent - bias;
    if (power < -1) return {wide_from(x), 0}; // below 1/2
    // In units of 2^-67, pi/2 is this integer.
    constexpr u128 half_pi = u128_from(0xC, 0x90FD'AA22'168C'234C);
    u128 rest = x.significand;
    unsigned quarter = 0;
    for (int step = 0; step < power + 4; ++step) {
        rest <<= 1;
        quarter <<= 1;
        if (rest >= half_pi) {
            rest -= half_pi;
            ++quarter;
        }
    }
    const bool beyond = rest * 2 > half_pi;
    if (beyond) {
        rest = half_pi - rest;
        ++quarter;
    }
    if (x.sign) quarter = 0u - quarter;
    return {wide_from(beyond != x.sign, rest, -67), quarter & 3};
}

// angle - angle^3/3! + ..., or 1 - angle^2/2! + ...
Wide taylor(Wide power, u64 first, const Wide& angle) {
    const Wide square = -(angle * angle);
    Wide sum = power;
    for (u64 n = first; n < 100; n += 2) {
        power = power * square / (n * (n + 1));
        if (!matters(power, sum)) break;
        sum = sum + power;
    }
    return sum;
}
Wide sine_series(const Wide& angle) { return taylor(angle, 2, angle); }
Wide cosine_series(const Wide& angle) { return taylor(wide_one, 1, angle); }

Wide sine_of(const Reduced& r) {
    const Wide value = (r.quarter & 1) != 0 ? cosine_series(r.angle) : sine_series(r.angle);
    return (r.quarter & 2) != 0 ? -value : value;
}
Wide cosine_of(const Reduced& r) { return sine_of({r.angle, (r.quarter + 1) & 3}); }

bool out_of_range(const Number& x) { return x.exponent - bias >= 63; }

// What the four functions have in common; `finish` computes with a reduced angle that is not 0.
template <class Zero, class Finish>
Evaluation trigonometric(const Operands& o, int depth, Zero of_zero, Finish finish) {
    if (needs_nan_response(o.x, o.x)) {
        return depth == 0 ? o.replaced(nan_response(o.environment, o.st0, o.x, o.x)) : o.nan(depth);
    }
    if (is_infinite(o.x)) return o.invalid_operation(depth);
    if (is_zero(o.x)) return of_zero();
    const u16 status = denormal_status(o.x, o.x);
    if (traps(status, o.environment)) return o.unchanged(status);
    if (out_of_range(o.x)) return o.unchanged(fpu_status::C2);
    return finish(reduce(o.x), status);
}

Result rounded(const Operands& o, const Wide& value) { return rounded_wide(o.environment, value, Exactness::Inexact); }

} // namespace

Evaluation sine(const Operands& o) {
    return trigonometric(
        o, 0, [&] { return o.unchanged(0); },
        [&](const Reduced& r, u16 status) { return o.replaced(with_status(rounded(o, sine_of(r)), status)); });
}

Evaluation cosine(const Operands& o) {
    return trigonometric(
        o, 0,
        [&] {
            return o.replaced({float80_from(i64{1}), 0});
        },
        [&](const Reduced& r, u16 status) { return o.replaced(with_status(rounded(o, cosine_of(r)), status)); });
}

Evaluation tangent(const Operands& o) {
    const Float80 one = float80_from(i64{1});
    return trigonometric(
        o, 1,
        [&] {
            return Evaluation{one, o.st0, 0, 1};
        },
        [&](const Reduced& r, u16 status) {
            const Result result = with_status(rounded(o, sine_of(r) / cosine_of(r)), status);
            return Evaluation{one, result.value, result.status, 1};
        });
}

Evaluation sine_and_cosine(const Operands& o) {
    return trigonometric(
        o, 1,
        [&] {
            return Evaluation{float80_from(i64{1}), o.st0, 0, 1};
        },
        [&](const Reduced& r, u16 status) {
            const Result s = rounded(o, sine_of(r));
            const Result c = rounded(o, cosine_of(r));
            const unsigned flags = (s.status | c.status) & fpu_status::exceptions;
            const unsigned direction = c.status & fpu_status::C1;
            return Evaluation{c.value, s.value, static_cast<u16>(flags | direction | status), 1};
        });
}

namespace {

// Of a ratio at most 1.
Wide arctangent_of(const Wide& t) {
    constexpr Wide tan_pi_8{false, -2, u128_from(0xD413'CCCF'E779'9211, 0)};
    if (smaller(t, tan_pi_8)) return odd_series(Series::Atan, t);
    return scaled(wide_pi, -2) + odd_series(Series::Atan, (t - wide_one) / (t + wide_one));
}

// The angle of the point (|x|, |y|) in the first quadrant, then moved to the quadrant of x; both finite, not 0.
Wide angle_of(Wide x, Wide y, bool x_negative) {
    x.sign = y.sign = false;
    const bool steep = smaller(x, y);
    const Wide ratio = arctangent_of(steep ? x / y : y / x);
    const Wide first = steep ? scaled(wide_pi, -1) - ratio : ratio;
    return x_negative ? wide_pi - first : first;
}

// pi times quarters / 4.
Wide quarters_of_pi(i64 quarters) { return scaled(wide_pi, -2) * wide_from(quarters); }

} // namespace

// SDM volume 2, FPATAN, table 3-30: the angle of the point (ST(0), ST(1)).
Evaluation arctangent(const Operands& o) {
    if (needs_nan_response(o.x, o.y)) return o.nan(-1);
    const u16 status = denormal_status(o.x, o.y);
    if (traps(status, o.environment)) return o.unchanged(status);
    const auto finish = [&](Wide angle, Exactness exactness) {
        angle.sign = o.y.sign;
        return o.popped(with_status(rounded_wide(o.environment, angle, exactness), status));
    };
    if (is_infinite(o.y)) return finish(quarters_of_pi(!is_infinite(o.x) ? 2 : o.x.sign ? 3 : 1), Exactness::Inexact);
    if (is_zero(o.y) || is_infinite(o.x)) {
        if (o.x.sign) return finish(wide_pi, Exactness::Inexact);
        return finish(Wide{}, Exactness::Exact);
    }
    if (is_zero(o.x)) return finish(quarters_of_pi(2), Exactness::Inexact);
    return finish(angle_of(wide_from(o.x), wide_from(o.y), o.x.sign), Exactness::Inexact);
}

} // namespace truering::x87::soft
