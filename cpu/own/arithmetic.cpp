#include "cpu/own/arithmetic.hpp"

#include "cpu/semantics/bits_and_conditions.hpp"

#include <limits>
#include <type_traits>

namespace truering::op {

namespace {

// The double-width register pair: AX, DX:AX, EDX:EAX.
template <class T> u64 wide_accumulator(const Cpu& cpu) {
    if constexpr (sizeof(T) == 1) return cpu.reg<u16>(reg_EAX);
    return u64{cpu.reg<T>(reg_EDX)} << bit_count<T> | cpu.reg<T>(reg_EAX);
}

template <class T> void set_wide_accumulator(Cpu& cpu, T low, T high) {
    if constexpr (sizeof(T) == 1) {
        cpu.set_reg<u16>(reg_EAX, static_cast<u16>(low | high << 8));
    } else {
        cpu.set_reg<T>(reg_EAX, low);
        cpu.set_reg<T>(reg_EDX, high);
    }
}

} // namespace

template <class T> Outcome MUL::run(Cpu& cpu, const Instruction& insn) {
    T source;
    if (const Outcome o = read_e(cpu, insn, source); failed(o)) return o;
    const u64 product = u64{cpu.reg<T>(reg_EAX)} * source;
    const T low = static_cast<T>(product), high = static_cast<T>(product >> bit_count<T>);
    set_wide_accumulator(cpu, low, high);
    cpu.arithmetic.set_result<T>(low, high != 0, high != 0, false);
    return Outcome::Done;
}

template <class T> Outcome IMUL_one::run(Cpu& cpu, const Instruction& insn) {
    T source;
    if (const Outcome o = read_e(cpu, insn, source); failed(o)) return o;
    const i64 product =
        i64{static_cast<i32>(sign_extended(cpu.reg<T>(reg_EAX)))} * static_cast<i32>(sign_extended(source));
    const T low = static_cast<T>(product), high = static_cast<T>(static_cast<u64>(product) >> bit_count<T>);
    set_wide_accumulator(cpu, low, high);
    const bool lost = product != static_cast<i32>(sign_extended(low));
    cpu.arithmetic.set_result<T>(low, lost, lost, false);
    return Outcome::Done;
}

// DIV and IDIV leave the flags alone: the manual calls them undefined.
template <class T> Outcome DIV::run(Cpu& cpu, const Instruction& insn) {
    T divisor;
    if (const Outcome o = read_e(cpu, insn, divisor); failed(o)) return o;
    if (divisor == 0) return raise(cpu, Vector::DE);
    const u64 dividend = wide_accumulator<T>(cpu);
    const u64 quotient = dividend / divisor;
    if (quotient > std::numeric_limits<T>::max()) return raise(cpu, Vector::DE);
    set_wide_accumulator(cpu, static_cast<T>(quotient), static_cast<T>(dividend % divisor));
    return Outcome::Done;
}

template <class T> Outcome IDIV::run(Cpu& cpu, const Instruction& insn) {
    using Signed = std::make_signed_t<T>;
    T raw;
    if (const Outcome o = read_e(cpu, insn, raw); failed(o)) return o;
    if (raw == 0) return raise(cpu, Vector::DE);
    const i64 divisor = static_cast<Signed>(raw);
    i64 dividend = static_cast<i64>(wide_accumulator<T>(cpu));
    if constexpr (sizeof(T) == 1) dividend = static_cast<i16>(dividend);
    if constexpr (sizeof(T) == 2) dividend = static_cast<i32>(dividend);
    if (dividend == std::numeric_limits<i64>::min() && divisor == -1) return raise(cpu, Vector::DE);
    const i64 quotient = dividend / divisor;
    if (quotient != static_cast<Signed>(quotient)) return raise(cpu, Vector::DE);
    set_wide_accumulator(cpu, static_cast<T>(quotient), static_cast<T>(dividend % divisor));
    return Outcome::Done;
}

// ---- Decimal (SDM vol. 2A)

namespace {

Outcome decimal_adjust(Cpu& cpu, int sign) {
    ArithmeticFlags& flags = cpu.arithmetic;
    const u8 old_al = cpu.reg8(reg_EAX);
    const bool old_cf = flags.CF();
    int al = old_al;
    bool cf = false;
    const bool low = (old_al & 0xF) > 9 || flags.AF();
    if (low) {
        al += sign * 6;
        cf = old_cf || al > 0xFF || al < 0;
    }
    if (old_al > 0x99 || old_cf) {
        al += sign * 0x60;
        cf = true;
    }
    const u8 result = static_cast<u8>(al);
    cpu.set_reg8(reg_EAX, result);
    flags.set_result<u8>(result, cf, false, low);
    return Outcome::Done;
}

Outcome ascii_adjust(Cpu& cpu, int sign) {
    ArithmeticFlags& flags = cpu.arithmetic;
    const bool adjust = (cpu.reg8(reg_EAX) & 0xF) > 9 || flags.AF();
    // The adjustment is one of AX: 106H, so a carry out of AL reaches AH (SDM since the 386).
    if (adjust) cpu.set_reg16(reg_EAX, static_cast<u16>(static_cast<int>(cpu.gpr[reg_EAX] & 0xFFFF) + sign * 0x106));
    const u8 result = cpu.reg8(reg_EAX) & 0xF;
    cpu.set_reg8(reg_EAX, result);
    flags.set_result<u8>(result, adjust, false, adjust);
    return Outcome::Done;
}

} // namespace

template <class T> Outcome DAA::run(Cpu& cpu, const Instruction&) { return decimal_adjust(cpu, 1); }
template <class T> Outcome DAS::run(Cpu& cpu, const Instruction&) { return decimal_adjust(cpu, -1); }
template <class T> Outcome AAA::run(Cpu& cpu, const Instruction&) { return ascii_adjust(cpu, 1); }
template <class T> Outcome AAS::run(Cpu& cpu, const Instruction&) { return ascii_adjust(cpu, -1); }

template <class T> Outcome AAM::run(Cpu& cpu, const Instruction& insn) {
    const u8 divisor = static_cast<u8>(insn.immediate);
    if (divisor == 0) return raise(cpu, Vector::DE);
    const u8 al = cpu.reg8(reg_EAX);
    const u8 result = al % divisor;
    cpu.set_reg16(reg_EAX, static_cast<u16>((al / divisor) << 8 | result));
    cpu.arithmetic.set_logic<u8>(result);
    return Outcome::Done;
}

template <class T> Outcome AAD::run(Cpu& cpu, const Instruction& insn) {
    const u8 product = static_cast<u8>(cpu.reg8(4) * insn.immediate);
    const u8 result = ADD::apply<u8>(cpu.arithmetic, cpu.reg8(reg_EAX), product);
    cpu.set_reg16(reg_EAX, result);
    return Outcome::Done;
}

// ---- Exchange

template <class T> Outcome XADD::run(Cpu& cpu, const Instruction& insn) {
    const T source = cpu.reg<T>(insn.reg);
    T old{};
    const auto add = [&](T& destination) {
        old = destination;
        destination = ADD::apply<T>(cpu.arithmetic, destination, source);
    };
    if (insn.memory) {
        const Outcome o = update_memory<T>(cpu, operand_segment(insn), effective_address(cpu, insn), add);
        if (failed(o)) return o;
        cpu.set_reg<T>(insn.reg, old);
    } else { // the sum wins where both operands are one register
        T sum = cpu.reg<T>(insn.rm);
        add(sum);
        cpu.set_reg<T>(insn.reg, old);
        cpu.set_reg<T>(insn.rm, sum);
    }
    return Outcome::Done;
}

// The destination is written back even when the comparison fails.
template <class T> Outcome CMPXCHG::run(Cpu& cpu, const Instruction& insn) {
    const T source = cpu.reg<T>(insn.reg);
    const T accumulator = cpu.reg<T>(reg_EAX);
    T old{};
    const auto exchange = [&](T& destination) {
        old = destination;
        CMP::apply<T>(cpu.arithmetic, accumulator, destination);
        if (accumulator == old) destination = source;
    };
    if (insn.memory) {
        const Outcome o = update_memory<T>(cpu, operand_segment(insn), effective_address(cpu, insn), exchange);
        if (failed(o)) return o;
    } else {
        T destination = cpu.reg<T>(insn.rm);
        exchange(destination);
        if (accumulator == old) cpu.set_reg<T>(insn.rm, destination);
    }
    if (accumulator != old) cpu.set_reg<T>(reg_EAX, old);
    return Outcome::Done;
}

template <class T> Outcome CMPXCHG8B::run(Cpu& cpu, const Instruction& insn) {
    const u64 expected = u64{cpu.gpr[reg_EDX]} << 32 | cpu.gpr[reg_EAX];
    u64 old = 0;
    const Outcome o =
        update_memory<u64>(cpu, operand_segment(insn), effective_address(cpu, insn), [&](u64& destination) {
            old = destination;
            if (old == expected) destination = u64{cpu.gpr[reg_ECX]} << 32 | cpu.gpr[reg_EBX];
        });
    if (failed(o)) return o;
    cpu.arithmetic.set_ZF(old == expected);
    if (old != expected) {
        cpu.gpr[reg_EAX] = static_cast<u32>(old);
        cpu.gpr[reg_EDX] = static_cast<u32>(old >> 32);
    }
    return Outcome::Done;
}

// ---- Bit strings

namespace {

// The operand-sized word that holds the bit: a signed number of words from the address (SDM vol. 2A, BT).
template <class T> u32 bit_address(const Cpu& cpu, const Instruction& insn) {
    const i32 number = static_cast<i32>(sign_extended(cpu.reg<T>(insn.reg)));
    constexpr int shift = sizeof(T) == 2 ? 4 : 5;
    const u32 bytes = static_cast<u32>(number >> shift) * static_cast<u32>(sizeof(T));
    return (effective_address(cpu, insn) + bytes) & insn.address_mask;
}

template <class Body, class T> Outcome change_bit(Cpu& cpu, const Instruction& insn) {
    const T number = cpu.reg<T>(insn.reg);
    const auto change = [&](T& word) { word = Body::template apply<T>(cpu.arithmetic, word, number); };
    if (insn.memory) return update_memory<T>(cpu, operand_segment(insn), bit_address<T>(cpu, insn), change);
    T word = cpu.reg<T>(insn.rm);
    change(word);
    cpu.set_reg<T>(insn.rm, word);
    return Outcome::Done;
}

} // namespace

template <class T> Outcome BT::run(Cpu& cpu, const Instruction& insn) {
    T word = cpu.reg<T>(insn.rm);
    if (insn.memory) {
        const Outcome o = read_memory(cpu, operand_segment(insn), bit_address<T>(cpu, insn), word);
        if (failed(o)) return o;
    }
    BT_imm::apply<T>(cpu.arithmetic, word, cpu.reg<T>(insn.reg));
    return Outcome::Done;
}
template <class T> Outcome BTS::run(Cpu& cpu, const Instruction& insn) { return change_bit<BTS_imm, T>(cpu, insn); }
template <class T> Outcome BTR::run(Cpu& cpu, const Instruction& insn) { return change_bit<BTR_imm, T>(cpu, insn); }
template <class T> Outcome BTC::run(Cpu& cpu, const Instruction& insn) { return change_bit<BTC_imm, T>(cpu, insn); }

template <class T> Outcome BOUND::run(Cpu& cpu, const Instruction& insn) {
    using Signed = std::make_signed_t<T>;
    const u32 address = effective_address(cpu, insn);
    T lower, upper;
    if (const Outcome o = read_memory(cpu, operand_segment(insn), address, lower); failed(o)) return o;
    const u32 second = (address + static_cast<u32>(sizeof(T))) & insn.address_mask;
    if (const Outcome o = read_memory(cpu, operand_segment(insn), second, upper); failed(o)) return o;
    const Signed index = static_cast<Signed>(cpu.reg<T>(insn.reg));
    if (index < static_cast<Signed>(lower) || index > static_cast<Signed>(upper)) return raise(cpu, Vector::BR);
    return Outcome::Done;
}

// ---- The widths that the table asks for

template Outcome MUL::run<u8>(Cpu&, const Instruction&);
template Outcome MUL::run<u16>(Cpu&, const Instruction&);
template Outcome MUL::run<u32>(Cpu&, const Instruction&);
template Outcome IMUL_one::run<u8>(Cpu&, const Instruction&);
template Outcome IMUL_one::run<u16>(Cpu&, const Instruction&);
template Outcome IMUL_one::run<u32>(Cpu&, const Instruction&);
template Outcome DIV::run<u8>(Cpu&, const Instruction&);
template Outcome DIV::run<u16>(Cpu&, const Instruction&);
template Outcome DIV::run<u32>(Cpu&, const Instruction&);
template Outcome IDIV::run<u8>(Cpu&, const Instruction&);
template Outcome IDIV::run<u16>(Cpu&, const Instruction&);
template Outcome IDIV::run<u32>(Cpu&, const Instruction&);
template Outcome DAA::run<u16>(Cpu&, const Instruction&);
template Outcome DAA::run<u32>(Cpu&, const Instruction&);
template Outcome DAS::run<u16>(Cpu&, const Instruction&);
template Outcome DAS::run<u32>(Cpu&, const Instruction&);
template Outcome AAA::run<u16>(Cpu&, const Instruction&);
template Outcome AAA::run<u32>(Cpu&, const Instruction&);
template Outcome AAS::run<u16>(Cpu&, const Instruction&);
template Outcome AAS::run<u32>(Cpu&, const Instruction&);
template Outcome AAM::run<u16>(Cpu&, const Instruction&);
template Outcome AAM::run<u32>(Cpu&, const Instruction&);
template Outcome AAD::run<u16>(Cpu&, const Instruction&);
template Outcome AAD::run<u32>(Cpu&, const Instruction&);
template Outcome XADD::run<u8>(Cpu&, const Instruction&);
template Outcome XADD::run<u16>(Cpu&, const Instruction&);
template Outcome XADD::run<u32>(Cpu&, const Instruction&);
template Outcome CMPXCHG::run<u8>(Cpu&, const Instruction&);
template Outcome CMPXCHG::run<u16>(Cpu&, const Instruction&);
template Outcome CMPXCHG::run<u32>(Cpu&, const Instruction&);
template Outcome CMPXCHG8B::run<u16>(Cpu&, const Instruction&);
template Outcome CMPXCHG8B::run<u32>(Cpu&, const Instruction&);
template Outcome BT::run<u16>(Cpu&, const Instruction&);
template Outcome BT::run<u32>(Cpu&, const Instruction&);
template Outcome BTS::run<u16>(Cpu&, const Instruction&);
template Outcome BTS::run<u32>(Cpu&, const Instruction&);
template Outcome BTR::run<u16>(Cpu&, const Instruction&);
template Outcome BTR::run<u32>(Cpu&, const Instruction&);
template Outcome BTC::run<u16>(Cpu&, const Instruction&);
template Outcome BTC::run<u32>(Cpu&, const Instruction&);
template Outcome BOUND::run<u16>(Cpu&, const Instruction&);
template Outcome BOUND::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
