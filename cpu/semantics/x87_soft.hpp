// The x87 operations in integer arithmetic: for hosts without an x87 unit, and as a second opinion in tests.
//
// The same functions as x87_operations.hpp, with the same answers but for two freedoms: the functions that the SDM
// calls accurate to within one ulp (F2XM1, FYL2X, FYL2XP1, FPATAN, FSIN, FCOS, FSINCOS, FPTAN) may differ in the last
// bit, and their C1 with it.
//
// x87_soft_number.hpp   values taken apart, rounding, NaNs
// x87_soft_arithmetic   + - * / sqrt, comparison, remainder, scaling
// x87_soft_convert      loads and stores
// x87_soft_functions    the transcendental functions
#pragma once

#include "cpu/semantics/x87_operations.hpp"

namespace truering::x87::soft {

Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, const Float80& source);
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, Float32 source);
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, Float64 source);
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, i16 source);
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, i32 source);

u16 compare(Comparison kind, Environment environment, const Float80& st0, const Float80& source);
u16 compare(Environment environment, const Float80& st0, Float32 source);
u16 compare(Environment environment, const Float80& st0, Float64 source);
u16 compare(Environment environment, const Float80& st0, i16 source);
u16 compare(Environment environment, const Float80& st0, i32 source);

Evaluation evaluate(Function function, Environment environment, const Float80& st0, const Float80& st1);

Result load(Environment environment, Float32 source);
Result load(Environment environment, Float64 source);

Stored<Float32> store_float32(Environment environment, const Float80& source);
Stored<Float64> store_float64(Environment environment, const Float80& source);
Stored<i16> store_i16(Environment environment, const Float80& source);
Stored<i32> store_i32(Environment environment, const Float80& source);
Stored<i64> store_i64(Environment environment, const Float80& source);
Stored<PackedBcd> store_bcd(Environment environment, const Float80& source);

} // namespace truering::x87::soft
