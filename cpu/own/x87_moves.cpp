// x87 loads, stores and moves between stack registers.
#include "cpu/own/x87.hpp"
#include "cpu/own/x87_record.hpp"
#include "cpu/semantics/x87_unit.hpp"

#include <array>
#include <cstring>

namespace truering {

namespace {

using x87::Condition;
using x87::Pops;

// m80fp and m80bcd are ten bytes: eight and two, as Float80 and PackedBcd name them.
using TenBytes = std::array<u8, 10>;

template <class T> T wide_from(const TenBytes& bytes) {
    u64 low;
    u16 high;
    std::memcpy(&low, bytes.data(), 8);
    std::memcpy(&high, bytes.data() + 8, 2);
    return {low, high};
}

TenBytes bytes_of(u64 low, u16 high) {
    TenBytes bytes;
    std::memcpy(bytes.data(), &low, 8);
    std::memcpy(bytes.data() + 8, &high, 2);
    return bytes;
}

// The image of a value in memory.
template <class T> const T& image(const T& value) { return value; }
TenBytes image(const Float80& value) { return bytes_of(value.significand, value.sign_exponent); }
TenBytes image(const PackedBcd& value) { return bytes_of(value.digits, value.sign_digits); }

template <class Source> Outcome load(Cpu& cpu, const Instruction& insn) {
    return with_x87_operand<Source>(cpu, insn, [&](Source source) { x87::load(cpu.fpu, source); });
}

template <class Source> Outcome load_wide(Cpu& cpu, const Instruction& insn) {
    return with_x87_operand<TenBytes>(cpu, insn,
                                      [&](const TenBytes& bytes) { x87::load(cpu.fpu, wide_from<Source>(bytes)); });
}

template <class Destination> Outcome store(Cpu& cpu, const Instruction& insn, Pops pops) {
    const auto result = x87::prepare_store<Destination>(cpu.fpu);
    if (result.stored) {
        if (const Outcome o = write_operand(cpu, insn, image(result.value)); failed(o)) return o;
    }
    record_x87(cpu, insn);
    x87::complete_store(cpu.fpu, result.status, result.stored, pops);
    return Outcome::Done;
}

Outcome store_float(Cpu& cpu, const Instruction& insn, Pops pops) {
    if (insn.memory) {
        if (insn.opcode == 0xD9) return store<Float32>(cpu, insn, pops);
        if (insn.opcode == 0xDD) return store<Float64>(cpu, insn, pops);
        return store<Float80>(cpu, insn, pops);
    }
    record_x87(cpu, insn);
    x87::store_register(cpu.fpu, insn.rm, pops);
    return Outcome::Done;
}

// What the condition of an FCMOVcc says.
Condition condition(const Cpu& cpu, const Instruction& insn) {
    const ArithmeticFlags& flags = cpu.arithmetic;
    bool holds = false;
    switch (insn.reg & 3) {
    case 0: holds = flags.CF(); break;
    case 1: holds = flags.ZF(); break;
    case 2: holds = flags.CF() || flags.ZF(); break;
    case 3: holds = flags.PF(); break;
    }
    const bool wanted = insn.opcode == 0xDA;
    return holds == wanted ? Condition::True : Condition::False;
}

} // namespace

namespace op {

Outcome FLD::run(Cpu& cpu, const Instruction& insn) {
    if (insn.memory) {
        if (insn.opcode == 0xD9) return load<Float32>(cpu, insn);
        if (insn.opcode == 0xDD) return load<Float64>(cpu, insn);
        return load_wide<Float80>(cpu, insn);
    }
    record_x87(cpu, insn);
    x87::load_register(cpu.fpu, insn.rm);
    return Outcome::Done;
}

// DB /0 m32int, DF /0 m16int, DF /5 m64int.
Outcome FILD::run(Cpu& cpu, const Instruction& insn) {
    if (insn.opcode == 0xDB) return load<i32>(cpu, insn);
    return insn.reg == 0 ? load<i16>(cpu, insn) : load<i64>(cpu, insn);
}

Outcome FBLD::run(Cpu& cpu, const Instruction& insn) { return load_wide<PackedBcd>(cpu, insn); }

Outcome FST::run(Cpu& cpu, const Instruction& insn) { return store_float(cpu, insn, Pops::None); }
Outcome FSTP::run(Cpu& cpu, const Instruction& insn) { return store_float(cpu, insn, Pops::One); }

Outcome FSTP1::run(Cpu& cpu, const Instruction& insn) {
    record_x87(cpu, insn);
    x87::store_register_unchecked(cpu.fpu, insn.rm);
    return Outcome::Done;
}

Outcome FIST::run(Cpu& cpu, const Instruction& insn) {
    return insn.opcode == 0xDB ? store<i32>(cpu, insn, Pops::None) : store<i16>(cpu, insn, Pops::None);
}

// DB /3 m32int, DF /3 m16int, DF /7 m64int.
Outcome FISTP::run(Cpu& cpu, const Instruction& insn) {
    if (insn.opcode == 0xDB) return store<i32>(cpu, insn, Pops::One);
    return insn.reg == 3 ? store<i16>(cpu, insn, Pops::One) : store<i64>(cpu, insn, Pops::One);
}

Outcome FBSTP::run(Cpu& cpu, const Instruction& insn) { return store<PackedBcd>(cpu, insn, Pops::One); }

Outcome X87Constant::run(Cpu& cpu, const Instruction& insn) {
    record_x87(cpu, insn);
    x87::load_constant(cpu.fpu, static_cast<FpuConstant>(insn.rm));
    return Outcome::Done;
}

Outcome FXCH::run(Cpu& cpu, const Instruction& insn) {
    record_x87(cpu, insn);
    x87::exchange(cpu.fpu, insn.rm);
    return Outcome::Done;
}

Outcome FFREE::run(Cpu& cpu, const Instruction& insn) {
    record_x87(cpu, insn);
    x87::free_register(cpu.fpu, insn.rm, Pops::None);
    return Outcome::Done;
}

Outcome FFREEP::run(Cpu& cpu, const Instruction& insn) {
    record_x87(cpu, insn);
    x87::free_register(cpu.fpu, insn.rm, Pops::One);
    return Outcome::Done;
}

Outcome FNOP::run(Cpu& cpu, const Instruction& insn) {
    record_x87(cpu, insn);
    return Outcome::Done;
}

Outcome X87ConditionalMove::run(Cpu& cpu, const Instruction& insn) {
    record_x87(cpu, insn);
    x87::conditional_move(cpu.fpu, condition(cpu, insn), insn.rm);
    return Outcome::Done;
}

} // namespace op

} // namespace truering
