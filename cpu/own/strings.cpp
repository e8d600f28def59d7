#include "cpu/own/strings.hpp"

#include "cpu/own/string_bulk.hpp"
#include "cpu/own/string_loop.hpp"
#include "cpu/semantics/alu.hpp"

namespace truering::op {

using namespace string_detail;
using string_bulk::Course, string_bulk::element, string_bulk::Until;

namespace {

constexpr auto always = [] { return true; };

constexpr u32 worth_a_bulk = 4;

Course course_of(const Cpu& cpu) { return cpu.flag(EFLAGS_DF) ? Course::Down : Course::Up; }

// The two rows of elements of MOVS and CMPS, as many as lie within a page each; 0: none can be had.
struct Rows {
    u8* at_ESI = nullptr;
    u8* at_EDI = nullptr;
    u32 count = 0;
};

template <class T> Rows rows_of(Cpu& cpu, const Instruction& insn, u32 wanted, Direction destination) {
    const u32 from = masked(cpu, reg_ESI, insn), to = masked(cpu, reg_EDI, insn);
    u32 count = std::min({wanted, elements_before_wrap<T>(cpu, from, insn), elements_before_wrap<T>(cpu, to, insn)});
    Rows rows;
    rows.at_ESI = bulk_pointer<T>(cpu, operand_segment(insn), from, Direction::Read, count);
    if (rows.at_ESI == nullptr) return {};
    rows.at_EDI = bulk_pointer<T>(cpu, seg_ES, to, destination, count);
    if (rows.at_EDI != nullptr) rows.count = count;
    return rows;
}

// One row: where it lies, and how long it is.
template <class T>
u8* row_of(Cpu& cpu, const Instruction& insn, SegmentIndex segment, unsigned reg, Direction direction, u32& count) {
    const u32 offset = masked(cpu, reg, insn);
    count = std::min(count, elements_before_wrap<T>(cpu, offset, insn));
    return bulk_pointer<T>(cpu, segment, offset, direction, count);
}

template <class T> u64 move_bulk(Cpu& cpu, const Instruction& insn, u32 wanted) {
    const Rows rows = rows_of<T>(cpu, insn, wanted, Direction::Write);
    if (rows.count != 0) string_bulk::copy<T>(rows.at_EDI, rows.at_ESI, rows.count, course_of(cpu));
    return rows.count;
}

template <class T> u64 store_bulk(Cpu& cpu, const Instruction& insn, u32 count) {
    u8* const to = row_of<T>(cpu, insn, seg_ES, reg_EDI, Direction::Write, count);
    if (to == nullptr) return 0;
    string_bulk::fill<T>(to, cpu.reg<T>(reg_EAX), count, course_of(cpu));
    return count;
}

// Of all that is loaded the last stays.
template <class T> u64 load_bulk(Cpu& cpu, const Instruction& insn, u32 count) {
    const u8* const from = row_of<T>(cpu, insn, operand_segment(insn), reg_ESI, Direction::Read, count);
    if (from == nullptr) return 0;
    cpu.set_reg<T>(reg_EAX, element<T>(from, count - 1, course_of(cpu)));
    return count;
}

// REPE ends at the first that differs, REPNE at the first that does not. The flags are those of the last comparison.
Until until_of(const Instruction& insn) { return insn.repeat == Repeat::Repe ? Until::Different : Until::Equal; }

template <class T> u64 compare_bulk(Cpu& cpu, const Instruction& insn, u32 wanted) {
    const Rows rows = rows_of<T>(cpu, insn, wanted, Direction::Read);
    if (rows.count == 0) return 0;
    const Course course = course_of(cpu);
    const u32 done = string_bulk::compare<T>(rows.at_ESI, rows.at_EDI, rows.count, until_of(insn), course);
    CMP::apply<T>(cpu.arithmetic, element<T>(rows.at_ESI, done - 1, course), element<T>(rows.at_EDI, done - 1, course));
    return done;
}

template <class T> u64 scan_bulk(Cpu& cpu, const Instruction& insn, u32 count) {
    const u8* const from = row_of<T>(cpu, insn, seg_ES, reg_EDI, Direction::Read, count);
    if (from == nullptr) return 0;
    const T value = cpu.reg<T>(reg_EAX);
    const u32 done = string_bulk::search<T>(from, value, count, until_of(insn), course_of(cpu));
    CMP::apply<T>(cpu.arithmetic, value, element<T>(from, done - 1, course_of(cpu)));
    return done;
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
    const auto once = [&](u32 wanted, u64& done) {
        if (wanted >= worth_a_bulk) done = load_bulk<T>(cpu, insn, wanted);
        if (done == 0) {
            T value;
            if (const Outcome o = read_memory(cpu, operand_segment(insn), masked(cpu, reg_ESI, insn), value); failed(o))
                return o;
            cpu.set_reg<T>(reg_EAX, value);
            done = 1;
        }
        add_masked(cpu, reg_ESI, step<T>(cpu) * static_cast<u32>(done), insn);
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
    return repeat_while(cpu, insn, [&](u32 wanted, u64& done) {
        if (wanted >= worth_a_bulk) done = compare_bulk<T>(cpu, insn, wanted);
        if (done == 0) {
            T first, second;
            Outcome o = read_memory(cpu, operand_segment(insn), masked(cpu, reg_ESI, insn), first);
            if (failed(o)) return o;
            o = read_memory(cpu, seg_ES, masked(cpu, reg_EDI, insn), second);
            if (failed(o)) return o;
            CMP::apply<T>(cpu.arithmetic, first, second);
            done = 1;
        }
        const u32 delta = step<T>(cpu) * static_cast<u32>(done);
        add_masked(cpu, reg_ESI, delta, insn);
        add_masked(cpu, reg_EDI, delta, insn);
        return Outcome::Done;
    });
}

template <class T> Outcome SCAS::run(Cpu& cpu, const Instruction& insn) {
    return repeat_while(cpu, insn, [&](u32 wanted, u64& done) {
        if (wanted >= worth_a_bulk) done = scan_bulk<T>(cpu, insn, wanted);
        if (done == 0) {
            T value;
            if (const Outcome o = read_memory(cpu, seg_ES, masked(cpu, reg_EDI, insn), value); failed(o)) return o;
            CMP::apply<T>(cpu.arithmetic, cpu.reg<T>(reg_EAX), value);
            done = 1;
        }
        add_masked(cpu, reg_EDI, step<T>(cpu) * static_cast<u32>(done), insn);
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
