// The x87 instructions on the FPU's state: operands found on the register stack, stack faults, results, flags, pops.
//
// Each function does one instruction's whole work inside the FPU, after the checks of CR0 and of pending exceptions and
// before or after the memory access, which the caller does. The masked and unmasked responses to every exception are
// here: an unmasked stack fault, invalid operand, denormal operand or division by zero leaves registers, tags and TOP
// as they were, but sets the flags and ES.
//
// A store to memory has two steps, so that a page fault finds nothing changed: prepare_store tells the value and
// whether it is to be written; complete_store, after the write, sets the flags and pops.
//
// Where the SDM calls condition bits undefined, they stay as they were, which is what Intel's processors do.
//
// Source: SDM volume 1, 8.1.3 to 8.5; volume 2, the instructions' pages.
#pragma once

#include "cpu/fpu_state.hpp"

namespace truering::x87 {

enum class Pops : u8 { None = 0, One = 1, Two = 2 };

// FADD to FDIVR between two stack registers, and with ST(0) and memory. Source: Float32, Float64, i16, i32.
void arithmetic(FpuState& fpu, Arithmetic operation, unsigned destination, unsigned source, Pops pops);
template <class Source> void arithmetic(FpuState& fpu, Arithmetic operation, Source source);

// FCOM, FUCOM and their popping forms; with memory; FTST; FXAM.
void compare(FpuState& fpu, Comparison kind, unsigned source, Pops pops);
template <class Source> void compare(FpuState& fpu, Source source, Pops pops);
void test(FpuState& fpu);
void examine(FpuState& fpu);

// FCOMI and FUCOMI. Returns ZF, PF and CF at their places in EFLAGS; OF, SF and AF are to be cleared.
u32 compare_flags(FpuState& fpu, Comparison kind, unsigned source, Pops pops);

// FSQRT to FSINCOS.
void function(FpuState& fpu, Function function);

void absolute(FpuState& fpu);
void change_sign(FpuState& fpu);

// FLD and FILD from memory. Source: Float32, Float64, Float80, i16, i32, i64, PackedBcd.
template <class Source> void load(FpuState& fpu, Source source);
void load_register(FpuState& fpu, unsigned source);
void load_constant(FpuState& fpu, FpuConstant constant);

// FST, FSTP, FIST, FISTP and FBSTP to memory. Destination: Float32, Float64, Float80, i16, i32, i64, PackedBcd.
template <class Destination> Stored<Destination> prepare_store(const FpuState& fpu);
// `status` and `stored` as prepare_store gave them.
void complete_store(FpuState& fpu, u16 status, bool stored, Pops pops);

void store_register(FpuState& fpu, unsigned destination, Pops pops);
// FSTP1, D9 D8+i: as FSTP ST(i), but an empty ST(0) is popped without a fault.
void store_register_unchecked(FpuState& fpu, unsigned destination);

// FCMOVcc. The stack is checked even if the condition is false.
enum class Condition : u8 { False, True };
void conditional_move(FpuState& fpu, Condition condition, unsigned source);

void exchange(FpuState& fpu, unsigned other);
void free_register(FpuState& fpu, unsigned i, Pops pops);
void decrement_top(FpuState& fpu);
void increment_top(FpuState& fpu);

void clear_exceptions(FpuState& fpu);

} // namespace truering::x87
