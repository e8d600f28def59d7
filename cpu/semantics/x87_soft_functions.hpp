// The functions behind x87::soft::evaluate, on operands taken apart.
#pragma once

#include "cpu/semantics/x87_soft_number.hpp"

namespace truering::x87::soft {

// The operands as they stand on the stack, and taken apart.
struct Operands {
    Environment environment;
    Float80 st0, st1;
    Number x, y; // ST(0), ST(1)

    Operands(Environment e, const Float80& a, const Float80& b)
        : environment(e), st0(a), st1(b), x(take_apart(a)), y(take_apart(b)) {}

    // ---- Ways to end
    [[nodiscard]] Evaluation unchanged(u16 status) const { return {st0, st1, status, 0}; }
    // A result in the place of ST(0).
    [[nodiscard]] Evaluation replaced(const Result& result) const { return {result.value, st1, result.status, 0}; }
    // A result in the place of ST(1), ST(0) popped; if an unmasked exception prevents it, nothing happens.
    [[nodiscard]] Evaluation popped(const Result& result) const;
    // The invalid operation: `depth` is what the function does to the stack when it is masked.
    [[nodiscard]] Evaluation invalid_operation(int depth) const;
    // NaNs among one or both operands.
    [[nodiscard]] Evaluation nan(int depth) const;
};

Float80 signed_zero(bool sign);
Float80 signed_infinity(bool sign);

// x87_soft_exact.cpp
Evaluation square_root(const Operands& o);
Evaluation round_to_integer(const Operands& o);
Evaluation scale(const Operands& o);
Evaluation remainder(const Operands& o);         // FPREM
Evaluation nearest_remainder(const Operands& o); // FPREM1
Evaluation extract(const Operands& o);

// x87_soft_logarithms.cpp
Evaluation power_minus_1(const Operands& o);    // F2XM1
Evaluation logarithm(const Operands& o);        // FYL2X
Evaluation logarithm_plus_1(const Operands& o); // FYL2XP1

// x87_soft_angles.cpp
Evaluation arctangent(const Operands& o);
Evaluation sine(const Operands& o);
Evaluation cosine(const Operands& o);
Evaluation tangent(const Operands& o);
Evaluation sine_and_cosine(const Operands& o);

} // namespace truering::x87::soft
