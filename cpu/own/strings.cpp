#include "cpu/own/strings.hpp"

#include "cpu/own/string_loop.hpp"
#include "cpu/semantics/alu.hpp"

namespace truering::op {

using namespace string_detail;

namespace {

constexpr auto always = [] { return true; };

// Copies element by element: source and destination may overlap, and then the copy must smear as the processor's does.
template <class T> void copy_forward(u8* to, const u8* from, u32 count) {
    const u32 bytes = count * static_cast<u32>(sizeof(T));
    if (to + bytes <= from || from + bytes <= to) {
        std::memcpy(to, from, bytes);
        return;
    }
    for (u32 n = 0; n < count; ++n) std::memmove(to + n * sizeof(T), from + n * sizeof(T), sizeof(T));
}

template <class T> void copy_backward(u8* to, const u8* from, u32 count) {
    for (u32 n = 0; n < count; ++n) {
        std::memmove(to, from, sizeof(T));
        to -= sizeof(T);
        from -= sizeof(T);
    }
}

constexpr u32 worth_a_bulk = 4;

template <class T> u64 move_bulk(Cpu& cpu, const Instruction& insn, u32 wanted) {
    const u32 from = masked(cpu, reg_ESI, insn), to = masked(cpu, reg_EDI, insn);
    u32 count = std::min({wanted, elements_before_wrap<T>(cpu, from, insn), elements_before_wrap<T>(cpu, to, insn)});
    const u8* const source = bulk_pointer<T>(cpu, operand_segment(insn), from, Direction::Read, count);
    if (source == nullptr) return 0;
    u8* const destination = bulk_pointer<T>(cpu, seg_ES, to, Direction::Write, count);
    if (destination == nullptr) return 0;
    if (cpu.flag(EFLAGS_DF))
        copy_backward<T>(destination, source, count);
    else
        copy_forward<T>(destination, source, count);
    return count;
}

template <class T> u64 store_bulk(Cpu& cpu, const Instruction& insn, u32 wanted) {
    const u32 to = masked(cpu, reg_EDI, insn);
    u32 count = std::min(wanted, elements_before_wrap<T>(cpu, to, insn));
    u8* destination = bulk_pointer<T>(cpu, seg_ES, to, Direction::Write, count);
    if (destination == nullptr) return 0;
    if (cpu.flag(EFLAGS_DF)) destination -= (count - 1) * sizeof(T);
    const T value = cpu.reg<T>(reg_EAX);
    if constexpr (sizeof(T) == 1) {
        std::memset(destination, value, count);
    } else {
        for (u32 n = 0; n < count; ++n) std::memcpy(destination + n * sizeof(T), &value, sizeof(T));
    }
    return count;
}

} // namespace

template <class T> Outcome MOVS::run(Cpu& cpu, const Instruction& insn) {
    const auto once = [&](u32 wanted, u64& done) {
        if (wanted >= worth_a_bulk) done = move_bulk<T>(cpu, insn, wanted);
        if (done == 0) {
            T value;
            Outcome o = read_memory(cpu, operand_segment(insn), masked(cpu, reg_ESI, insn), value);
            if (failed(o)) return o;
            o = write_memory(cpu, seg_ES, masked(cpu, reg_EDI, insn), value);
            if (failed(o)) return o;
            done = 1;
        }
        const u32 delta = step<T>(cpu) * static_cast<u32>(done);
        add_masked(cpu, reg_ESI, delta, insn);
        add_masked(cpu, reg_EDI, delta, insn);
        return Outcome::Done;
    };
    return repeat(cpu, insn, once, always);
}

template <class T> Outcome STOS::run(Cpu& cpu, const Instruction& insn) {
    const auto once = [&](u32 wanted, u64& done) {
        if (wanted >= worth_a_bulk) done = store_bulk<T>(cpu, insn, wanted);
        if (done == 0) {
            const Outcome o = write_memory(cpu, seg_ES, masked(cpu, reg_EDI, insn), cpu.reg<T>(reg_EAX));
            if (failed(o)) return o;
            done = 1;
        }
        add_masked(cpu, reg_EDI, step<T>(cpu) * static_cast<u32>(done), insn);
        return Outcome::Done;
    };
    return repeat(cpu, insn, once, always);
}

template <class T> Outcome LODS::run(Cpu& cpu, const Instruction& insn) {
    const auto once = [&](u32, u64& done) {
        T value;
        if (const Outcome o = read_memory(cpu, operand_segment(insn), masked(cpu, reg_ESI, insn), value); failed(o))
            return o;
        cpu.set_reg<T>(reg_EAX, value);
        add_masked(cpu, reg_ESI, step<T>(cpu), insn);
        done = 1;
        return Outcome::Done;
    };
    return repeat(cpu, insn, once, always);
}

namespace {

// REPE goes on while ZF is 1, REPNE while it is 0.
template <class Once> Outcome repeat_while(Cpu& cpu, const Instruction& insn, Once once) {
    return repeat(cpu, insn, once, [&] { return cpu.arithmetic.ZF() == (insn.repeat == Repeat::Repe); });
}

} // namespace

template <class T> Outcome CMPS::run(Cpu& cpu, const Instruction& insn) {
    return repeat_while(cpu, insn, [&](u32, u64& done) {
        T first, second;
        Outcome o = read_memory(cpu, operand_segment(insn), masked(cpu, reg_ESI, insn), first);
        if (failed(o)) return o;
        o = read_memory(cpu, seg_ES, masked(cpu, reg_EDI, insn), second);
        if (failed(o)) return o;
        CMP::apply<T>(cpu.arithmetic, first, second);
        add_masked(cpu, reg_ESI, step<T>(cpu), insn);
        add_masked(cpu, reg_EDI, step<T>(cpu), insn);
        done = 1;
        return Outcome::Done;
    });
}

template <class T> Outcome SCAS::run(Cpu& cpu, const Instruction& insn) {
    return repeat_while(cpu, insn, [&](u32, u64& done) {
        T value;
        if (const Outcome o = read_memory(cpu, seg_ES, masked(cpu, reg_EDI, insn), value); failed(o)) return o;
        CMP::apply<T>(cpu.arithmetic, cpu.reg<T>(reg_EAX), value);
        add_masked(cpu, reg_EDI, step<T>(cpu), insn);
        done = 1;
        return Outcome::Done;
    });
}

template Outcome MOVS::run<u8>(Cpu&, const Instruction&);
template Outcome MOVS::run<u16>(Cpu&, const Instruction&);
template Outcome MOVS::run<u32>(Cpu&, const Instruction&);
template Outcome STOS::run<u8>(Cpu&, const Instruction&);
template Outcome STOS::run<u16>(Cpu&, const Instruction&);
template Outcome STOS::run<u32>(Cpu&, const Instruction&);
template Outcome LODS::run<u8>(Cpu&, const Instruction&);
template Outcome LODS::run<u16>(Cpu&, const Instruction&);
template Outcome LODS::run<u32>(Cpu&, const Instruction&);
template Outcome CMPS::run<u8>(Cpu&, const Instruction&);
template Outcome CMPS::run<u16>(Cpu&, const Instruction&);
template Outcome CMPS::run<u32>(Cpu&, const Instruction&);
template Outcome SCAS::run<u8>(Cpu&, const Instruction&);
template Outcome SCAS::run<u16>(Cpu&, const Instruction&);
template Outcome SCAS::run<u32>(Cpu&, const Instruction&);

} // namespace truering::op
