// What the x87 instructions compute: 80-bit values in, 80-bit values and status bits out.
//
// Every function takes the guest's control word, with its masks, and answers as a 387 or later would with that word:
//  - the status holds the exceptions raised by this operation (IE DE ZE OE UE PE) and those of C0 to C3 that it
//  defines;
//    SF, ES, B and TOP are never set: they belong to the stack, which x87_unit.hpp keeps;
//  - a masked exception that the guest's status word holds already may show in the status although this operation did
//    not raise it: the sticky flag hides the difference, and not having to clear it saves most of an operation's time;
//  - C1 tells the direction of rounding of an inexact result;
//  - an exception that is raised but not masked gives the unmasked response: after IE, DE or ZE the operands come back
//    unchanged, after OE or UE the result is scaled by 2^-24576 or 2^24576; a store says that nothing was stored.
//
// Nothing here faults or touches the processor's state, and the host's floating-point control is left as found. On
// x86-64 the host's own x87 unit computes (x87_operations_x86_64.cpp).
//
// Values travel by reference so that an 80-bit load of the host meets the 80-bit store that made them.
//
// Source: SDM volume 1, chapter 8, volume 2 the instructions' pages.
#pragma once

#include "cpu/semantics/float80.hpp"

namespace truering {

// Bits of the status word; the low six are also the masks of the control word.
namespace fpu_status {
inline constexpr u16 IE = 1 << 0;
inline constexpr u16 DE = 1 << 1;
inline constexpr u16 ZE = 1 << 2;
inline constexpr u16 OE = 1 << 3;
inline constexpr u16 UE = 1 << 4;
inline constexpr u16 PE = 1 << 5;
inline constexpr u16 SF = 1 << 6;
inline constexpr u16 ES = 1 << 7;
inline constexpr u16 C0 = 1 << 8;
inline constexpr u16 C1 = 1 << 9;
inline constexpr u16 C2 = 1 << 10;
inline constexpr u16 C3 = 1 << 14;
inline constexpr u16 B = 1 << 15;
inline constexpr u16 exceptions = 0x3F;
inline constexpr u16 conditions = C0 | C1 | C2 | C3;
} // namespace fpu_status

namespace x87 {

// The exceptions of a status that a control word does not mask.
constexpr u16 unmasked(u16 status, u16 control_word) {
    return static_cast<u16>(status & ~control_word & fpu_status::exceptions);
}

// The guest's control word, and the exceptions that its status word holds already.
struct Environment {
    u16 control_word = 0x037F;
    u16 sticky = 0;
};

struct Result {
    Float80 value;
    u16 status = 0;
};

// The numbers are the reg field of the opcodes D8 to DE. FSUB is destination - source, FSUBR source - destination.
enum class Arithmetic : u8 { FADD = 0, FMUL = 1, FSUB = 4, FSUBR = 5, FDIV = 6, FDIVR = 7 };

Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, const Float80& source);
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, Float32 source);
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, Float64 source);
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, i16 source);
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, i32 source);

// Ordered is FCOM, FCOMI, FICOM and FTST: every NaN is invalid. Unordered is FUCOM and FUCOMI: only a signalling one
// is.
enum class Comparison : u8 { Ordered, Unordered };

// The status: C3 equal, C0 below, C3 C2 C0 unordered; C1 clear.
u16 compare(Comparison kind, Environment environment, const Float80& st0, const Float80& source);
u16 compare(Environment environment, const Float80& st0, Float32 source);
u16 compare(Environment environment, const Float80& st0, Float64 source);
u16 compare(Environment environment, const Float80& st0, i16 source);
u16 compare(Environment environment, const Float80& st0, i32 source);

// Functions of ST(0), or of ST(0) and ST(1).
enum class Function : u8 {
    FSQRT,
    FRNDINT,
    F2XM1,
    FSIN,
    FCOS,
    FSCALE,
    FPREM,
    FPREM1,
    FYL2X,   // pops
    FYL2XP1, // pops
    FPATAN,  // pops
    FXTRACT, // pushes
    FPTAN,   // pushes
    FSINCOS, // pushes
};

constexpr bool takes_two(Function function) { return function >= Function::FSCALE && function <= Function::FPATAN; }
constexpr bool pops(Function function) { return function >= Function::FYL2X && function <= Function::FPATAN; }
constexpr bool pushes(Function function) { return function >= Function::FXTRACT; }

// The top of the stack afterwards. `depth` is by how much the stack has grown: -1 after a pop, 1 after a push, and 0
// where an unmasked exception or an operand out of range (C2) kept the instruction from either.
struct Evaluation {
    Float80 st0;
    Float80 st1;
    u16 status = 0;
    int depth = 0;
};

// st1 is ignored by functions that take one operand, and comes back as it went in unless the stack has moved.
Evaluation evaluate(Function function, Environment environment, const Float80& st0, const Float80& st1);

// FLD m32fp and m64fp: exact, but IE and DE are possible. Unmasked IE: nothing to be pushed.
Result load(Environment environment, Float32 source);
Result load(Environment environment, Float64 source);

// FST and FIST. `stored` is false when an unmasked exception leaves the destination, and the stack, as they were.
template <class T> struct Stored {
    T value{};
    u16 status = 0;
    bool stored = false;
};

Stored<Float32> store_float32(Environment environment, const Float80& source);
Stored<Float64> store_float64(Environment environment, const Float80& source);
Stored<i16> store_i16(Environment environment, const Float80& source);
Stored<i32> store_i32(Environment environment, const Float80& source);
Stored<i64> store_i64(Environment environment, const Float80& source);
Stored<PackedBcd> store_bcd(Environment environment, const Float80& source);

} // namespace x87
} // namespace truering
