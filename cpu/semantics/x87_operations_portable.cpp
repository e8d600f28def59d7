// The x87 operations on hosts without an x87 unit: integer arithmetic (x87_soft.hpp).
#include "cpu/semantics/x87_soft.hpp"

#if !defined(__x86_64__)

namespace truering::x87 {

Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, const Float80& source) {
    return soft::arithmetic(operation, environment, destination, source);
}
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, Float32 source) {
    return soft::arithmetic(operation, environment, destination, source);
}
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, Float64 source) {
    return soft::arithmetic(operation, environment, destination, source);
}
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, i16 source) {
    return soft::arithmetic(operation, environment, destination, source);
}
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, i32 source) {
    return soft::arithmetic(operation, environment, destination, source);
}
u16 compare(Comparison kind, Environment environment, const Float80& st0, const Float80& source) {
    return soft::compare(kind, environment, st0, source);
}
u16 compare(Environment environment, const Float80& st0, Float32 source) {
    return soft::compare(environment, st0, source);
}
u16 compare(Environment environment, const Float80& st0, Float64 source) {
    return soft::compare(environment, st0, source);
}
u16 compare(Environment environment, const Float80& st0, i16 source) { return soft::compare(environment, st0, source); }
u16 compare(Environment environment, const Float80& st0, i32 source) { return soft::compare(environment, st0, source); }
Evaluation evaluate(Function function, Environment environment, const Float80& st0, const Float80& st1) {
    return soft::evaluate(function, environment, st0, st1);
}
Result load(Environment environment, Float32 source) { return soft::load(environment, source); }
Result load(Environment environment, Float64 source) { return soft::load(environment, source); }
Stored<Float32> store_float32(Environment environment, const Float80& source) {
    return soft::store_float32(environment, source);
}
Stored<Float64> store_float64(Environment environment, const Float80& source) {
    return soft::store_float64(environment, source);
}
Stored<i16> store_i16(Environment environment, const Float80& source) { return soft::store_i16(environment, source); }
Stored<i32> store_i32(Environment environment, const Float80& source) { return soft::store_i32(environment, source); }
Stored<i64> store_i64(Environment environment, const Float80& source) { return soft::store_i64(environment, source); }
Stored<PackedBcd> store_bcd(Environment environment, const Float80& source) {
    return soft::store_bcd(environment, source);
}

} // namespace truering::x87

#endif
