#include "cpu/semantics/x87_unit.hpp"

#include <type_traits>

namespace truering::x87 {

namespace {

constexpr u16 C0 = fpu_status::C0;
constexpr u16 C1 = fpu_status::C1;
constexpr u16 C2 = fpu_status::C2;
constexpr u16 C3 = fpu_status::C3;
constexpr u16 compare_conditions = C0 | C1 | C2 | C3;
constexpr u16 unordered = C0 | C2 | C3;

constexpr u16 stack_underflow = fpu_status::IE | fpu_status::SF; // C1 clear
constexpr u16 stack_overflow = fpu_status::IE | fpu_status::SF | fpu_status::C1;
constexpr u16 pre_computation = fpu_status::IE | fpu_status::DE | fpu_status::ZE; // unmasked: operands stay

// Sets flags, and those condition bits that the instruction defines.
void report(FpuState& fpu, u16 status, u16 defined) {
    constexpr u16 sticky = fpu_status::exceptions | fpu_status::SF;
    const unsigned kept = fpu.status_word & ~unsigned{defined};
    fpu.status_word = static_cast<u16>(kept | (status & (sticky | defined)));
    fpu.summarize();
}

bool prevented(const FpuState& fpu, u16 status) { return (unmasked(status, fpu.control_word) & pre_computation) != 0; }
bool invalid_masked(const FpuState& fpu) { return (fpu.control_word & fpu_status::IE) != 0; }

void pop(FpuState& fpu, Pops pops) {
    for (unsigned n = static_cast<unsigned>(pops); n != 0; --n) fpu.pop();
}

// The response to a register that is empty: an indefinite result if the exception is masked.
void underflow_into(FpuState& fpu, unsigned destination, Pops pops) {
    report(fpu, stack_underflow, C1);
    if (!invalid_masked(fpu)) return;
    fpu.set_st(destination, float80_indefinite);
    pop(fpu, pops);
}

// Pushes what a load has found.
void push_or_overflow(FpuState& fpu, const Float80& value, u16 status) {
    if (!fpu.is_empty(7)) {
        report(fpu, stack_overflow, C1);
        if (invalid_masked(fpu)) fpu.push(float80_indefinite);
        return;
    }
    report(fpu, status, C1);
    if ((unmasked(status, fpu.control_word) & fpu_status::IE) == 0) fpu.push(value);
}

void finish_compare(FpuState& fpu, u16 status, Pops pops) {
    report(fpu, status, compare_conditions);
    if (!prevented(fpu, status)) pop(fpu, pops);
}

constexpr u16 empty_compare = stack_underflow | unordered;

constexpr bool is_trigonometric(Function function) {
    return function == Function::FSIN || function == Function::FCOS || function == Function::FPTAN ||
           function == Function::FSINCOS;
}

constexpr bool is_remainder(Function function) { return function == Function::FPREM || function == Function::FPREM1; }

// The condition bits that a function defines. A remainder that ends in a NaN has no quotient: C0 and C3 stay.
enum class Quotient : u8 { None, Present };
u16 defined_conditions(Function function, Quotient quotient) {
    if (is_trigonometric(function)) return C1 | C2;
    if (!is_remainder(function)) return C1;
    return quotient == Quotient::Present ? compare_conditions : C1 | C2;
}

// Empty operands, or no room for the result. True if the function ends with that.
bool stack_fault(FpuState& fpu, Function function) {
    const bool underflow = fpu.is_empty(0) || (takes_two(function) && fpu.is_empty(1));
    const bool overflow = pushes(function) && !fpu.is_empty(7);
    if (!underflow && !overflow) return false;
    const u16 status = underflow ? stack_underflow : stack_overflow;
    report(fpu, status, defined_conditions(function, Quotient::None));
    if (!invalid_masked(fpu)) return true;
    if (pops(function)) fpu.pop();
    fpu.set_st(0, float80_indefinite);
    if (pushes(function)) fpu.push(float80_indefinite);
    return true;
}

} // namespace

void arithmetic(FpuState& fpu, Arithmetic operation, unsigned destination, unsigned source, Pops pops) {
    if (fpu.is_empty(destination) || fpu.is_empty(source)) return underflow_into(fpu, destination, pops);
    const Result result = arithmetic(operation, fpu.environment(), fpu.st(destination), fpu.st(source));
    report(fpu, result.status, C1);
    if (prevented(fpu, result.status)) return;
    fpu.st(destination) = result.value;
    pop(fpu, pops);
}

template <class Source> void arithmetic(FpuState& fpu, Arithmetic operation, Source source) {
    if (fpu.is_empty(0)) return underflow_into(fpu, 0, Pops::None);
    const Result result = arithmetic(operation, fpu.environment(), fpu.st(0), source);
    report(fpu, result.status, C1);
    if (!prevented(fpu, result.status)) fpu.st(0) = result.value;
}
template void arithmetic(FpuState&, Arithmetic, Float32);
template void arithmetic(FpuState&, Arithmetic, Float64);
template void arithmetic(FpuState&, Arithmetic, i16);
template void arithmetic(FpuState&, Arithmetic, i32);

void compare(FpuState& fpu, Comparison kind, unsigned source, Pops pops) {
    const bool fault = fpu.is_empty(0) || fpu.is_empty(source);
    const u16 status = fault ? empty_compare : compare(kind, fpu.environment(), fpu.st(0), fpu.st(source));
    finish_compare(fpu, status, pops);
}

template <class Source> void compare(FpuState& fpu, Source source, Pops pops) {
    const u16 status = fpu.is_empty(0) ? empty_compare : compare(fpu.environment(), fpu.st(0), source);
    finish_compare(fpu, status, pops);
}
template void compare(FpuState&, Float32, Pops);
template void compare(FpuState&, Float64, Pops);
template void compare(FpuState&, i16, Pops);
template void compare(FpuState&, i32, Pops);

void test(FpuState& fpu) {
    const u16 status =
        fpu.is_empty(0) ? empty_compare : compare(Comparison::Ordered, fpu.environment(), fpu.st(0), Float80{});
    finish_compare(fpu, status, Pops::None);
}

void examine(FpuState& fpu) {
    const FloatClass what = fpu.is_empty(0) ? FloatClass::Empty : classify(fpu.st(0));
    const unsigned number = static_cast<unsigned>(what);
    unsigned status = fpu.st(0).sign() ? C1 : 0;
    status |= (number & 1) != 0 ? C0 : 0;
    status |= (number & 2) != 0 ? C2 : 0;
    status |= (number & 4) != 0 ? C3 : 0;
    report(fpu, static_cast<u16>(status), compare_conditions);
}

u32 compare_flags(FpuState& fpu, Comparison kind, unsigned source, Pops pops) {
    const bool fault = fpu.is_empty(0) || fpu.is_empty(source);
    const u16 status = fault ? empty_compare : compare(kind, fpu.environment(), fpu.st(0), fpu.st(source));
    report(fpu, status, fault ? C1 : u16{0}); // C1 changes only when it tells of a stack fault
    if (!prevented(fpu, status)) pop(fpu, pops);
    constexpr u32 CF = 1 << 0;
    constexpr u32 PF = 1 << 2;
    constexpr u32 ZF = 1 << 6;
    return ((status & C0) != 0 ? CF : 0) | ((status & C2) != 0 ? PF : 0) | ((status & C3) != 0 ? ZF : 0);
}

void function(FpuState& fpu, Function function) {
    if (stack_fault(fpu, function)) return;
    const Evaluation result = evaluate(function, fpu.environment(), fpu.st(0), fpu.st(1));
    const bool stays = prevented(fpu, result.status);
    const Quotient quotient = stays || classify(result.st0) == FloatClass::NaN ? Quotient::None : Quotient::Present;
    report(fpu, result.status, defined_conditions(function, quotient));
    if (stays) return;
    if (result.depth < 0) fpu.pop();
    fpu.st(0) = result.st0;
    if (result.depth > 0) {
        fpu.st(0) = result.st1;
        fpu.push(result.st0);
    }
}

void absolute(FpuState& fpu) {
    if (fpu.is_empty(0)) return underflow_into(fpu, 0, Pops::None);
    report(fpu, 0, C1);
    fpu.st(0) = truering::absolute(fpu.st(0));
}

void change_sign(FpuState& fpu) {
    if (fpu.is_empty(0)) return underflow_into(fpu, 0, Pops::None);
    report(fpu, 0, C1);
    fpu.st(0) = negated(fpu.st(0));
}

template <class Source> void load(FpuState& fpu, Source source) {
    if constexpr (std::is_same_v<Source, Float32> || std::is_same_v<Source, Float64>) {
        const Result result = load(fpu.environment(), source);
        push_or_overflow(fpu, result.value, result.status);
    } else if constexpr (std::is_same_v<Source, Float80>) {
        push_or_overflow(fpu, source, 0);
    } else {
        push_or_overflow(fpu, float80_from(source), 0);
    }
}
template void load(FpuState&, Float32);
template void load(FpuState&, Float64);
template void load(FpuState&, Float80);
template void load(FpuState&, i16);
template void load(FpuState&, i32);
template void load(FpuState&, i64);
template void load(FpuState&, PackedBcd);

void load_register(FpuState& fpu, unsigned source) {
    if (fpu.is_empty(source)) {
        report(fpu, stack_underflow, C1);
        if (invalid_masked(fpu)) fpu.push(float80_indefinite);
        return;
    }
    const Float80 value = fpu.st(source);
    push_or_overflow(fpu, value, 0);
}

void load_constant(FpuState& fpu, FpuConstant constant) {
    push_or_overflow(fpu, float80_constant(constant, fpu.control_word), 0);
}

namespace {

// What a store of an empty register writes when the exception is masked.
template <class T> constexpr T indefinite{};
template <> constexpr Float32 indefinite<Float32>{0xFFC0'0000};
template <> constexpr Float64 indefinite<Float64>{0xFFF8'0000'0000'0000};
template <> constexpr Float80 indefinite<Float80> = float80_indefinite;
template <> constexpr i16 indefinite<i16> = INT16_MIN;
template <> constexpr i32 indefinite<i32> = INT32_MIN;
template <> constexpr i64 indefinite<i64> = INT64_MIN;
template <> constexpr PackedBcd indefinite<PackedBcd> = bcd_indefinite;

Stored<Float32> convert(Environment environment, const Float80& value, Float32) {
    return store_float32(environment, value);
}
Stored<Float64> convert(Environment environment, const Float80& value, Float64) {
    return store_float64(environment, value);
}
Stored<Float80> convert(Environment, const Float80& value, Float80) { return {value, 0, true}; }
Stored<i16> convert(Environment environment, const Float80& value, i16) { return store_i16(environment, value); }
Stored<i32> convert(Environment environment, const Float80& value, i32) { return store_i32(environment, value); }
Stored<i64> convert(Environment environment, const Float80& value, i64) { return store_i64(environment, value); }
Stored<PackedBcd> convert(Environment environment, const Float80& value, PackedBcd) {
    return store_bcd(environment, value);
}

} // namespace

template <class Destination> Stored<Destination> prepare_store(const FpuState& fpu) {
    if (fpu.is_empty(0)) return {indefinite<Destination>, stack_underflow, invalid_masked(fpu)};
    return convert(fpu.environment(), fpu.st(0), Destination{});
}
template Stored<Float32> prepare_store(const FpuState&);
template Stored<Float64> prepare_store(const FpuState&);
template Stored<Float80> prepare_store(const FpuState&);
template Stored<i16> prepare_store(const FpuState&);
template Stored<i32> prepare_store(const FpuState&);
template Stored<i64> prepare_store(const FpuState&);
template Stored<PackedBcd> prepare_store(const FpuState&);

void complete_store(FpuState& fpu, u16 status, bool stored, Pops pops) {
    report(fpu, status, C1);
    if (stored) pop(fpu, pops);
}

void store_register(FpuState& fpu, unsigned destination, Pops pops) {
    if (fpu.is_empty(0)) return underflow_into(fpu, destination, pops);
    report(fpu, 0, C1);
    const Float80 value = fpu.st(0);
    fpu.set_st(destination, value);
    pop(fpu, pops);
}

void store_register_unchecked(FpuState& fpu, unsigned destination) {
    report(fpu, 0, C1);
    if (!fpu.is_empty(0)) {
        const Float80 value = fpu.st(0);
        fpu.set_st(destination, value);
    }
    fpu.pop();
}

void conditional_move(FpuState& fpu, Condition condition, unsigned source) {
    if (fpu.is_empty(0) || fpu.is_empty(source)) return underflow_into(fpu, 0, Pops::None);
    if (condition == Condition::True) fpu.st(0) = Float80{fpu.st(source)};
}

void exchange(FpuState& fpu, unsigned other) {
    const bool fault = fpu.is_empty(0) || fpu.is_empty(other);
    report(fpu, fault ? stack_underflow : u16{0}, C1);
    if (fault && !invalid_masked(fpu)) return;
    const Float80 upper = fpu.is_empty(0) ? float80_indefinite : fpu.st(0);
    const Float80 lower = fpu.is_empty(other) ? float80_indefinite : fpu.st(other);
    fpu.set_st(0, lower);
    fpu.set_st(other, upper);
}

void free_register(FpuState& fpu, unsigned i, Pops pops) {
    report(fpu, 0, C1);
    fpu.set_empty(i);
    pop(fpu, pops);
}

void decrement_top(FpuState& fpu) {
    report(fpu, 0, C1);
    fpu.top = static_cast<u8>((fpu.top - 1) & 7);
}

void increment_top(FpuState& fpu) {
    report(fpu, 0, C1);
    fpu.top = static_cast<u8>((fpu.top + 1) & 7);
}

void clear_exceptions(FpuState& fpu) {
    constexpr unsigned cleared = fpu_status::exceptions | fpu_status::SF | fpu_status::ES | fpu_status::B;
    fpu.status_word = static_cast<u16>(fpu.status_word & ~cleared);
}

} // namespace truering::x87
