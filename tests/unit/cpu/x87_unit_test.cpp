// The register stack: faults, responses, condition bits, tags, and the words that a program sees.
#include "cpu/semantics/x87_unit.hpp"

#include <gtest/gtest.h>

namespace truering::x87 {
namespace {

using namespace fpu_status;

constexpr u64 J = 0x8000'0000'0000'0000;
const Float80 one = float80_from(i64{1});
const Float80 two = float80_from(i64{2});
const Float80 three = float80_from(i64{3});

// After FNINIT, with 1, 2, 3... pushed so that the last is ST(0).
FpuState with_values(i64 count, u16 control_word = 0x037F) {
    FpuState fpu;
    fpu.fninit();
    fpu.set_control_word(control_word);
    for (i64 n = 1; n <= count; ++n) load(fpu, n);
    return fpu;
}

constexpr u16 all_unmasked = 0x0340;

TEST(X87Unit, PowerUpAndFninit) {
    FpuState fpu;
    EXPECT_EQ(fpu.control_word, 0x0040);
    EXPECT_EQ(fpu.full_status_word(), 0);
    EXPECT_EQ(fpu.tag_word(), 0x5555); // all +0.0
    fpu.fninit();
    EXPECT_EQ(fpu.control_word, 0x037F);
    EXPECT_EQ(fpu.tag_word(), 0xFFFF);
    EXPECT_EQ(fpu.abridged_tags(), 0);
}

TEST(X87Unit, PushesGoDownAndTagsFollowTheContents) {
    FpuState fpu = with_values(1);
    EXPECT_EQ(fpu.top, 7);
    EXPECT_EQ(fpu.full_status_word(), 0x3800);
    EXPECT_EQ(fpu.tag_word(), 0x3FFF);
    load_constant(fpu, FpuConstant::FLDZ);
    EXPECT_EQ(fpu.tag_word(), 0x1FFF);
    load(fpu, Float80{J, 0x7FFF});
    EXPECT_EQ(fpu.tag_word(), 0x1BFF);
    EXPECT_EQ(fpu.abridged_tags(), 0xE0);
    FpuState copy;
    copy.set_tag_word(fpu.tag_word());
    EXPECT_EQ(copy.empty, fpu.empty);
}

TEST(X87Unit, ArithmeticDirectionsAndPops) {
    FpuState fpu = with_values(3); // ST0=3 ST1=2 ST2=1
    arithmetic(fpu, Arithmetic::FSUB, 2, 0, Pops::None);
    EXPECT_EQ(fpu.st(2), negated(two));
    arithmetic(fpu, Arithmetic::FSUBR, 1, 0, Pops::One); // ST1 = 3 - 2, then popped
    EXPECT_EQ(fpu.st(0), one);
    EXPECT_EQ(fpu.top, 6);
    EXPECT_TRUE(fpu.is_empty(7));
    arithmetic(fpu, Arithmetic::FDIV, i32{4});
    EXPECT_EQ(fpu.st(0), (Float80{J, 0x3FFD}));
}

TEST(X87Unit, StackUnderflow) {
    FpuState fpu = with_values(1);
    arithmetic(fpu, Arithmetic::FADD, 0, 1, Pops::None);
    EXPECT_EQ(fpu.status_word, IE | SF);
    EXPECT_EQ(fpu.st(0), float80_indefinite);

    FpuState trapping = with_values(1, all_unmasked);
    arithmetic(trapping, Arithmetic::FADD, 1, 0, Pops::One);
    EXPECT_EQ(trapping.status_word, IE | SF | ES | B);
    EXPECT_EQ(trapping.st(0), one);
    EXPECT_TRUE(trapping.is_empty(1));
    EXPECT_EQ(trapping.top, 7);
}

TEST(X87Unit, StackOverflow) {
    FpuState fpu = with_values(9);
    EXPECT_EQ(fpu.status_word, IE | SF | C1);
    EXPECT_EQ(fpu.st(0), float80_indefinite);
    EXPECT_EQ(fpu.top, 7);

    FpuState trapping = with_values(9, all_unmasked);
    EXPECT_EQ(trapping.status_word, IE | SF | C1 | ES | B);
    EXPECT_EQ(trapping.st(0), float80_from(i64{8}));
    EXPECT_EQ(trapping.top, 0);
}

TEST(X87Unit, SummaryFollowsMasksAndClearing) {
    FpuState fpu = with_values(1);
    arithmetic(fpu, Arithmetic::FDIV, i16{0});
    EXPECT_EQ(fpu.status_word, ZE);
    fpu.set_control_word(0x037B); // ZM clear
    EXPECT_EQ(fpu.status_word, ZE | ES | B);
    EXPECT_TRUE(fpu.exception_pending());
    fpu.set_control_word(0x037F);
    EXPECT_EQ(fpu.status_word, ZE);
    clear_exceptions(fpu);
    EXPECT_EQ(fpu.status_word, 0);
    fpu.set_full_status_word(0xFFFF); // ES and B follow from flags and masks alone
    EXPECT_EQ(fpu.full_status_word(), 0x7F7F);
}

TEST(X87Unit, ComparisonsPopUnlessPrevented) {
    FpuState fpu = with_values(2);
    compare(fpu, Comparison::Ordered, 1, Pops::Two);
    EXPECT_EQ(fpu.status_word & (C0 | C2 | C3), 0);
    EXPECT_EQ(fpu.empty, 0xFF);
    compare(fpu, Comparison::Ordered, 1, Pops::One); // both empty
    EXPECT_EQ(fpu.status_word, IE | SF | C0 | C2 | C3);
    EXPECT_EQ(fpu.top, 1);

    FpuState trapping = with_values(2, all_unmasked);
    trapping.st(0) = float80_indefinite;
    compare(trapping, Comparison::Unordered, 1, Pops::None);
    EXPECT_FALSE(trapping.exception_pending());
    compare(trapping, Comparison::Ordered, 1, Pops::One);
    EXPECT_TRUE(trapping.exception_pending());
    EXPECT_EQ(trapping.top, 6);
}

TEST(X87Unit, ComparisonsToEflags) {
    constexpr u32 CF = 1;
    constexpr u32 PF = 4;
    constexpr u32 ZF = 0x40;
    FpuState fpu = with_values(2);
    EXPECT_EQ(compare_flags(fpu, Comparison::Ordered, 1, Pops::None), 0u);
    EXPECT_EQ(compare_flags(fpu, Comparison::Ordered, 0, Pops::One), ZF);
    load(fpu, i16{-5});
    EXPECT_EQ(compare_flags(fpu, Comparison::Ordered, 1, Pops::None), CF);
    fpu.st(0) = float80_indefinite;
    EXPECT_EQ(compare_flags(fpu, Comparison::Unordered, 1, Pops::None), CF | PF | ZF);
    EXPECT_EQ(fpu.status_word, 0);
}

TEST(X87Unit, ExamineNamesTheClassAndTheSign) {
    const struct {
        Float80 value;
        u16 conditions;
    } cases[] = {
        {one, C2},
        {negated(one), C2 | C1},
        {{0, 0x8000}, C3 | C1},
        {{J, 0x7FFF}, C2 | C0},
        {float80_indefinite, C0 | C1},
        {{1, 0}, C3 | C2},
        {{1, 0x7FFF}, 0},
    };
    for (const auto& c : cases) {
        FpuState fpu = with_values(1);
        fpu.st(0) = c.value;
        examine(fpu);
        EXPECT_EQ(fpu.status_word, c.conditions);
    }
    FpuState fpu = with_values(0);
    examine(fpu);
    EXPECT_EQ(fpu.status_word & (C0 | C2 | C3), C3 | C0);
}

TEST(X87Unit, FunctionsThatPushAndPop) {
    FpuState fpu = with_values(2);
    function(fpu, Function::FXTRACT); // 2 = 1.0 * 2^1
    EXPECT_EQ(fpu.st(0), one);
    EXPECT_EQ(fpu.st(1), one);
    EXPECT_EQ(fpu.top, 5);
    function(fpu, Function::FYL2X); // 1 * log2(1)
    EXPECT_EQ(fpu.top, 6);
    EXPECT_EQ(classify(fpu.st(0)), FloatClass::Zero);

    FpuState full = with_values(8);
    function(full, Function::FSINCOS);
    EXPECT_EQ(full.status_word, IE | SF | C1);
    EXPECT_EQ(full.st(0), float80_indefinite);
    EXPECT_EQ(full.st(1), float80_indefinite);

    FpuState far = with_values(1);
    far.st(0) = {J, 0x7000};
    function(far, Function::FPTAN);
    EXPECT_EQ(far.status_word, C2);
    EXPECT_EQ(far.top, 7);
}

TEST(X87Unit, StoresCompleteAfterTheWrite) {
    FpuState fpu = with_values(1);
    const FpuState before = fpu;
    const Stored<i16> value = prepare_store<i16>(fpu);
    EXPECT_EQ(value.value, 1);
    EXPECT_EQ(fpu.top, before.top);
    complete_store(fpu, value.status, value.stored, Pops::One);
    EXPECT_EQ(fpu.empty, 0xFF);

    const Stored<Float64> of_empty = prepare_store<Float64>(fpu);
    EXPECT_TRUE(of_empty.stored);
    EXPECT_EQ(of_empty.value.bits, 0xFFF8'0000'0000'0000u);
    fpu.set_control_word(all_unmasked);
    const Stored<Float80> refused = prepare_store<Float80>(fpu);
    EXPECT_FALSE(refused.stored);
    complete_store(fpu, refused.status, refused.stored, Pops::One);
    EXPECT_EQ(fpu.top, 0);
    EXPECT_TRUE(fpu.exception_pending());
}

TEST(X87Unit, MovesBetweenRegisters) {
    FpuState fpu = with_values(3);
    exchange(fpu, 2);
    EXPECT_EQ(fpu.st(0), one);
    EXPECT_EQ(fpu.st(2), three);
    store_register(fpu, 3, Pops::One); // into an empty register
    EXPECT_EQ(fpu.st(2), one);
    EXPECT_FALSE(fpu.is_empty(2));
    conditional_move(fpu, Condition::False, 1);
    EXPECT_EQ(fpu.st(0), two);
    conditional_move(fpu, Condition::True, 1);
    EXPECT_EQ(fpu.st(0), three);
    free_register(fpu, 1, Pops::None);
    exchange(fpu, 1);
    EXPECT_EQ(fpu.st(0), float80_indefinite);
    EXPECT_EQ(fpu.st(1), three);
    EXPECT_EQ(fpu.status_word, IE | SF);
    decrement_top(fpu);
    increment_top(fpu);
    increment_top(fpu);
    EXPECT_EQ(fpu.st(0), three);
}

TEST(X87Unit, MmxRegistersAreSignificands) {
    FpuState fpu = with_values(1); // physical register 7
    EXPECT_EQ(fpu.mm(7), J);
    fpu.enter_mmx();
    fpu.set_mm(2, 0x1234);
    EXPECT_EQ(fpu.top, 0);
    EXPECT_EQ(fpu.st(2), (Float80{0x1234, 0xFFFF}));
    EXPECT_EQ(fpu.empty, 0);
    fpu.emms();
    EXPECT_EQ(fpu.tag_word(), 0xFFFF);
}

} // namespace
} // namespace truering::x87
