// Delivery of events: frames, flags, error codes, and what becomes of faults on the way (SDM vol. 3A, chapter 6).
#include "cpu/delivery.hpp"

#include "cpu/double_fault.hpp"
#include "protected_bench.hpp"

namespace truering::test {

namespace {

constexpr u32 eip_of_test = ProtectedBench::code;
constexpr u16 free_1 = first_free, free_2 = first_free + 8;

constexpr Event exception(Vector vector, bool has_error_code = false, u32 error_code = 0) {
    return {.vector = static_cast<u8>(vector), .has_error_code = has_error_code, .error_code = error_code};
}
constexpr Event interrupt(u8 vector) { return {.vector = vector, .type = EventType::ExternalInterrupt}; }

class Delivery : public ProtectedBench {
  protected:
    void set_flags(u32 eflags) { cpu.set_eflags(eflags, EFLAGS_all & ~u32{EFLAGS_VM}); }
};

// ---- Frames

TEST_F(Delivery, FaultOnTheSameStack) {
    set_flags(EFLAGS_IF | EFLAGS_TF | EFLAGS_NT | EFLAGS_DF | flag_CF);
    deliver(cpu, exception(Vector::GP, true, 0x1234));
    EXPECT_EQ(cpu.eip, handler(Vector::GP));
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0 - 16);
    EXPECT_EQ(stack(0), 0x1234u);
    EXPECT_EQ(stack(1), eip_of_test);
    EXPECT_EQ(stack(2), code_0);
    EXPECT_EQ(stack(3), EFLAGS_fixed | EFLAGS_IF | EFLAGS_TF | EFLAGS_NT | EFLAGS_DF | EFLAGS_RF | flag_CF);
    EXPECT_EQ(cpu.eflags(), EFLAGS_fixed | EFLAGS_DF | flag_CF);
    EXPECT_TRUE(cpu.event_delivered);
}

TEST_F(Delivery, TrapGateKeepsIF) {
    gate(0x21, type_TrapGate32, 0, code_0, 0x9000);
    set_flags(EFLAGS_IF | EFLAGS_TF);
    deliver(cpu, interrupt(0x21));
    EXPECT_EQ(cpu.eflags(), u32{EFLAGS_fixed | EFLAGS_IF});
    EXPECT_EQ(stack(2) & EFLAGS_RF, 0u);
}

TEST_F(Delivery, SixteenBitGate) {
    gate(0x21, type_InterruptGate16, 0, code_0, 0xFFFF'9000); // the upper half of the offset is not looked at
    set_flags(EFLAGS_IF);
    cpu.eip = 0x4'5678;
    deliver(cpu, interrupt(0x21));
    EXPECT_EQ(cpu.eip, 0x9000u);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0 - 6);
    EXPECT_EQ(stack_16(0), 0x5678);
    EXPECT_EQ(stack_16(1), code_0);
    EXPECT_EQ(stack_16(2), EFLAGS_fixed | EFLAGS_IF);
}

TEST_F(Delivery, InnerStack) {
    enter_level(3);
    set_flags(EFLAGS_IF | 3u << 12);
    deliver(cpu, exception(Vector::PF, true, 7));
    EXPECT_EQ(cpu.eip, handler(Vector::PF));
    EXPECT_EQ(cpu.cpl, 0);
    EXPECT_EQ(cpu.segment[seg_CS].selector, code_0);
    EXPECT_EQ(cpu.segment[seg_SS].selector, data_0);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0 - 24);
    const u32 frame[] = {7, eip_of_test, code_3, EFLAGS_fixed | EFLAGS_IF | EFLAGS_RF | 3u << 12, stack_3, data_3};
    for (unsigned n = 0; n < 6; ++n) EXPECT_EQ(stack(n), frame[n]) << n;
    EXPECT_EQ(cpu.segment[seg_DS].selector, data_3);
}

TEST_F(Delivery, InnerStackOfLevelOne) {
    enter_level(3);
    gate(0x21, type_InterruptGate32, 0, code_1 & 0xFFFC, 0x9000);
    deliver(cpu, interrupt(0x21));
    EXPECT_EQ(cpu.cpl, 1);
    EXPECT_EQ(cpu.segment[seg_CS].selector, code_1);
    EXPECT_EQ(cpu.segment[seg_SS].selector, data_1);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_1 - 20);
}

TEST_F(Delivery, SixteenBitInnerStackMovesSPAlone) {
    descriptor(free_1, 0x5'0000, 0xFFFF, access_data, Size::Bits16);
    inner_stack(0, free_1, 0xABCD'1000);
    enter_level(3);
    cpu.gpr[reg_ESP] = 0x1111'2222;
    deliver(cpu, interrupt(0x01));
    EXPECT_EQ(cpu.gpr[reg_ESP], 0x1111'1000u - 20);
    EXPECT_EQ(get<u32>(0x5'1000 - 8), 0x1111'2222u);
}

TEST_F(Delivery, InnerStackFromSixteenBitTss) {
    descriptor(free_1, tss_other, 0x2B, access_tss16 | 2, Size::Bits16);
    load(seg_TR, free_1);
    put<u16>(tss_other + 2, 0x7000);
    put<u16>(tss_other + 4, data_0);
    enter_level(3);
    deliver(cpu, interrupt(0x01));
    EXPECT_EQ(cpu.gpr[reg_ESP], 0x7000u - 20);
}

TEST_F(Delivery, ConformingHandlerKeepsTheLevel) {
    enter_level(3);
    gate(0x21, type_InterruptGate32, 0, conforming_0, 0x9000);
    deliver(cpu, interrupt(0x21));
    EXPECT_EQ(cpu.cpl, 3);
    EXPECT_EQ(cpu.segment[seg_CS].selector, conforming_0 | 3);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_3 - 12);
}

TEST_F(Delivery, FromVirtual8086Mode) {
    enter_v86(3);
    cpu.eip = 0x77;
    deliver(cpu, exception(Vector::GP, true, 0));
    EXPECT_EQ(cpu.eip, handler(Vector::GP));
    EXPECT_FALSE(cpu.v86_mode());
    EXPECT_EQ(cpu.cpl, 0);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0 - 40);
    const u32 flags = EFLAGS_fixed | EFLAGS_VM | EFLAGS_RF | 3u << 12;
    const u32 frame[] = {0, 0x77, 0x1000, flags, 0x8000, 0x2000, 0x3000, 0x3003, 0x3004, 0x3005};
    for (unsigned n = 0; n < 10; ++n) EXPECT_EQ(stack(n), frame[n]) << n;
    for (const SegmentIndex n : {seg_ES, seg_DS, seg_FS, seg_GS}) {
        EXPECT_EQ(cpu.segment[n].selector, 0);
        EXPECT_FALSE(cpu.segment[n].usable());
    }
    EXPECT_TRUE(cpu.segment[seg_SS].may_write(stack_0, 4));
}

TEST_F(Delivery, FromVirtual8086ModeToLevelZeroOnly) {
    enter_v86(3);
    gate(0x21, type_InterruptGate32, 3, code_1 & 0xFFFC, 0x9000);
    deliver(cpu, interrupt(0x21));
    expect_fault(Vector::GP, (code_1 & 0xFFFC) | 1u);
}

TEST_F(Delivery, RealMode) {
    enter_real();
    put<u32>(0x21 * 4, 0x2345'6789);
    set_flags(EFLAGS_IF | EFLAGS_TF | EFLAGS_AC | flag_ZF);
    cpu.eip = 0x55;
    deliver(cpu, interrupt(0x21));
    EXPECT_EQ(cpu.segment[seg_CS].selector, 0x2345);
    EXPECT_EQ(cpu.segment[seg_CS].base, 0x23450u);
    EXPECT_EQ(cpu.eip, 0x6789u);
    EXPECT_EQ(cpu.gpr[reg_ESP], 0x8000u - 6);
    EXPECT_EQ(stack_16(0), 0x55);
    EXPECT_EQ(stack_16(1), 0x1000);
    EXPECT_EQ(stack_16(2), EFLAGS_fixed | EFLAGS_IF | EFLAGS_TF | flag_ZF);
    EXPECT_EQ(cpu.eflags(), EFLAGS_fixed | u32{flag_ZF});
}

TEST_F(Delivery, RealModePushesNoErrorCode) {
    enter_real();
    put<u32>(13 * 4, 0x2345'6789);
    deliver(cpu, exception(Vector::GP, true, 0));
    EXPECT_EQ(cpu.gpr[reg_ESP], 0x8000u - 6);
}

TEST_F(Delivery, RealModeBeyondTheTableIsAFault) {
    enter_real();
    put<u32>(13 * 4, 0x2345'0100);
    cpu.idtr.limit = 13 * 4 + 3;
    deliver(cpu, interrupt(0x21));
    EXPECT_EQ(cpu.segment[seg_CS].selector, 0x2345);
    EXPECT_EQ(cpu.eip, 0x100u);
}

TEST_F(Delivery, RealModeWithoutTableShutsDown) {
    enter_real();
    cpu.idtr.limit = 3;
    deliver(cpu, exception(Vector::UD));
    EXPECT_NE(cpu.attention & attention_shutdown, 0u);
    EXPECT_EQ(cpu.fault_chain().count, 4u); // #UD, and #GP three times
}

// ---- Faults of the delivery

TEST_F(Delivery, GateBeyondTheTable) {
    cpu.idtr.limit = 32 * 8 - 1;
    deliver(cpu, interrupt(0x40));
    expect_fault(Vector::GP, 0x40 * 8 + 2 + 1);
    EXPECT_EQ(stack(1), eip_of_test);
}

TEST_F(Delivery, NoGateInTheTable) {
    gate(0x40, type_CallGate32, 0, code_0, 0x9000);
    deliver(cpu, interrupt(0x40));
    expect_fault(Vector::GP, 0x40 * 8 + 2 + 1);
}

TEST_F(Delivery, AbsentGate) {
    gate(0x40, type_InterruptGate32, 0, code_0, 0x9000);
    make_gate_absent(0x40);
    deliver(cpu, interrupt(0x40));
    expect_fault(Vector::NP, 0x40 * 8 + 2 + 1);
}

TEST_F(Delivery, CodeSegmentOfTheGate) {
    const auto try_selector = [&](u16 selector) {
        enter_level(0);
        gate(0x40, type_InterruptGate32, 0, selector, 0x9000);
        deliver(cpu, interrupt(0x40));
    };
    try_selector(0);
    expect_fault(Vector::GP, 1);
    try_selector(0x3F8 + 8);
    expect_fault(Vector::GP, 0x401);
    try_selector(data_0);
    expect_fault(Vector::GP, data_0 | 1);
    try_selector(code_3 & 0xFFFC);
    expect_fault(Vector::GP, (code_3 & 0xFFFC) | 1);
    descriptor(free_1, 0, 0xFFFF, absent(access_code));
    try_selector(free_1);
    expect_fault(Vector::NP, free_1 | 1);
    descriptor(free_1, 0, 0x8FFF, access_code);
    try_selector(free_1);
    expect_fault(Vector::GP, 1); // the handler is beyond the limit
}

TEST_F(Delivery, InnerStackIsChecked) {
    // The handler of what goes wrong runs at level 3 here, for the level-0 stack is bad.
    for (unsigned vector = 10; vector < 15; ++vector)
        gate(vector, type_InterruptGate32, 0, conforming_0, handler(vector));
    const auto try_stack = [&](u16 selector, u32 esp) {
        enter_level(3);
        inner_stack(0, selector, esp);
        deliver(cpu, interrupt(0x01));
    };
    try_stack(0, stack_0);
    expect_fault(Vector::TS, 1);
    try_stack(0x3F8 + 8, stack_0);
    expect_fault(Vector::TS, 0x401);
    try_stack(data_0 | 3, stack_0);
    expect_fault(Vector::TS, data_0 | 1);
    try_stack(data_3, stack_0);
    expect_fault(Vector::TS, (data_3 & 0xFFFC) | 1);
    try_stack(code_0, stack_0);
    expect_fault(Vector::TS, code_0 | 1);
    descriptor(free_1, 0, 0xFFFF, absent(access_data));
    try_stack(free_1, stack_0);
    expect_fault(Vector::SS, free_1 | 1);
    descriptor(free_1, 0, 0xFFF, access_data);
    try_stack(free_1, 0x1014); // the frame's first item is beyond the limit
    expect_fault(Vector::SS, free_1 | 1);
    try_stack(free_1, 0x1000);
    EXPECT_EQ(cpu.eip, handler(1u));
    cpu.segment[seg_TR].limit = 10;
    try_stack(data_0, stack_0);
    expect_fault(Vector::TS, tss_main | 1);
}

TEST_F(Delivery, AFaultLeavesEverythingAsItWas) {
    enter_level(3);
    cpu.gpr[reg_EBX] = 0x1234'5678;
    const u32 esp = cpu.gpr[reg_ESP];
    gate(0x40, type_InterruptGate32, 0, code_0, 0x9000);
    descriptor(free_1, 0, 15, access_data); // room for less than the frame
    inner_stack(0, free_1, 16);
    gate(12, type_InterruptGate32, 0, conforming_0, handler(12));
    set_flags(EFLAGS_IF);
    deliver(cpu, interrupt(0x40));
    expect_fault(Vector::SS, free_1 | 1);
    EXPECT_EQ(cpu.gpr[reg_ESP], esp - 16); // the #SS frame and nothing else
    EXPECT_EQ(stack(1), eip_of_test);
    EXPECT_EQ(stack(2), code_3);
    EXPECT_EQ(stack(3), u32{EFLAGS_fixed | EFLAGS_IF | EFLAGS_RF});
}

TEST_F(Delivery, ContributoryFaultsMakeADoubleFault) {
    make_gate_absent(13);
    deliver(cpu, exception(Vector::GP, true, 0x50));
    expect_fault(Vector::DF, 0);
    EXPECT_EQ(stack(1), eip_of_test);
}

TEST_F(Delivery, PageFaultThenContributoryMakesADoubleFault) {
    make_gate_absent(14);
    Event page_fault = exception(Vector::PF, true, 2);
    page_fault.cr2 = 0x1234'5000;
    deliver(cpu, page_fault);
    expect_fault(Vector::DF, 0);
    EXPECT_EQ(cpu.cr2, 0x1234'5000u);
}

TEST_F(Delivery, BenignThenContributoryIsSerial) {
    make_gate_absent(6);
    deliver(cpu, exception(Vector::UD));
    expect_fault(Vector::NP, 6 * 8 + 2 + 1);
}

TEST_F(Delivery, TripleFaultShutsDown) {
    make_gate_absent(13);
    make_gate_absent(8);
    deliver(cpu, exception(Vector::GP, true, 0x50));
    EXPECT_NE(cpu.attention & attention_shutdown, 0u);
    const FaultChain& chain = cpu.fault_chain();
    ASSERT_EQ(chain.count, 3u);
    EXPECT_EQ(chain.event[0].vector, 13);
    EXPECT_EQ(chain.event[1].vector, 11);
    EXPECT_EQ(chain.event[2].vector, 11);
    EXPECT_EQ(chain.event[2].error_code, 8u * 8 + 2 + 1);
    EXPECT_EQ(chain.eip, eip_of_test);
    EXPECT_EQ(chain.cs, code_0);
    EXPECT_EQ(cpu.run(10).reason, StopReason::Shutdown);
}

TEST_F(Delivery, CombinationsOfTable6_5) {
    const Event benign = exception(Vector::DB), contributory = exception(Vector::TS), page = exception(Vector::PF);
    EXPECT_EQ(combination(benign, benign), Combination::Serial);
    EXPECT_EQ(combination(benign, contributory), Combination::Serial);
    EXPECT_EQ(combination(benign, page), Combination::Serial);
    EXPECT_EQ(combination(contributory, benign), Combination::Serial);
    EXPECT_EQ(combination(contributory, contributory), Combination::DoubleFault);
    EXPECT_EQ(combination(contributory, page), Combination::Serial);
    EXPECT_EQ(combination(page, benign), Combination::Serial);
    EXPECT_EQ(combination(page, contributory), Combination::DoubleFault);
    EXPECT_EQ(combination(page, page), Combination::DoubleFault);
    EXPECT_EQ(combination(double_fault(), page), Combination::Shutdown);
    // An interrupt may have the number of an exception, and is none.
    EXPECT_EQ(combination(interrupt(13), contributory), Combination::Serial);
}

TEST_F(Delivery, EndlessAlignmentChecksEnd) {
    enter_level(3);
    gate(17, type_InterruptGate32, 3, conforming_0, handler(17));
    cpu.cr0 |= CR0_AM;
    set_flags(EFLAGS_AC);
    cpu.gpr[reg_ESP] = stack_3 - 1;
    deliver(cpu, exception(Vector::AC, true, 0));
    EXPECT_EQ(cpu.eip, eip_of_test);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_3 - 1);
}

// ---- What belongs to one kind of event

TEST_F(Delivery, NmiBlocksUntilIRET) {
    deliver(cpu, {.vector = 2, .type = EventType::NMI});
    EXPECT_EQ(cpu.eip, handler(2u));
    EXPECT_EQ(cpu.interruptibility, blocked_by_NMI);
    run({0xCF});
    EXPECT_EQ(cpu.interruptibility, 0);
    EXPECT_EQ(cpu.eip, eip_of_test);
}

TEST_F(Delivery, DebugExceptionClearsGD) {
    cpu.dr7 |= DR7_GD;
    deliver(cpu, exception(Vector::DB));
    EXPECT_EQ(cpu.dr7 & DR7_GD, 0u);
}

TEST_F(Delivery, PushedRF) {
    set_flags(0);
    deliver(cpu, {.vector = 1, .is_trap = true});
    EXPECT_EQ(stack(2) & EFLAGS_RF, 0u);
    deliver(cpu, exception(Vector::DE));
    EXPECT_NE(stack(2) & EFLAGS_RF, 0u);
}

TEST_F(Delivery, ShadowsEnd) {
    cpu.interruptibility = blocked_by_MOV_SS | blocked_by_NMI;
    deliver(cpu, exception(Vector::UD));
    EXPECT_EQ(cpu.interruptibility, blocked_by_NMI);
}

// ---- INT n, INT3, INTO, INT1

TEST_F(Delivery, SoftwareInterruptReturnsBehindItself) {
    gate(0x30, type_TrapGate32, 0, code_0, 0x9000);
    cpu.eflags_rest |= EFLAGS_RF;
    run({0xCD, 0x30});
    EXPECT_EQ(cpu.eip, 0x9000u);
    EXPECT_EQ(stack(0), eip_of_test + 2);
    EXPECT_EQ(stack(2) & EFLAGS_RF, 0u);
}

TEST_F(Delivery, GateDplHoldsForSoftwareOnly) {
    enter_level(3);
    gate(0x30, type_InterruptGate32, 2, code_0, 0x9000);
    run({0xCD, 0x30});
    expect_fault_of_instruction(Vector::GP, 0x30 * 8 + 2);
    enter_level(3);
    run({0xCC});
    expect_fault_of_instruction(Vector::GP, 3 * 8 + 2);
    enter_level(3);
    cpu.arithmetic.set_value(flag_OF);
    run({0xCE});
    expect_fault_of_instruction(Vector::GP, 4 * 8 + 2);
    enter_level(3);
    run({0xF1});
    EXPECT_EQ(cpu.eip, handler(1u));
    EXPECT_EQ(stack(0), eip_of_test + 1);
}

TEST_F(Delivery, IntoWithoutOverflow) {
    cpu.arithmetic.set_value(0);
    run({0xCE});
    EXPECT_EQ(cpu.eip, eip_of_test + 1);
}

TEST_F(Delivery, ExtIsClearForSoftwareInterruptsAndSetForINT1) {
    make_gate_absent(3);
    run({0xCC});
    expect_fault_of_instruction(Vector::NP, 3 * 8 + 2);
    enter_level(0);
    make_gate_absent(1);
    run({0xF1});
    expect_fault_of_instruction(Vector::NP, 1 * 8 + 2 + 1);
}

TEST_F(Delivery, SoftwareInterruptIsBenign) {
    gate(0x30, type_InterruptGate32, 3, data_0, 0x9000);
    run({0xCD, 0x30});
    expect_fault_of_instruction(Vector::GP, data_0);
}

// ---- Virtual-8086 mode (SDM vol. 3B, table 20-2)

class Redirection : public Delivery {
  protected:
    // The bitmap lies below the I/O map.
    void redirect(unsigned vector, bool to_8086) {
        constexpr u16 map_base = 0x88;
        put<u16>(tss + 0x66, map_base);
        for (u32 n = 0; n < 32; ++n) put<u8>(tss + map_base - 32 + n, 0xFF);
        if (to_8086) put<u8>(tss + map_base - 32 + vector / 8, static_cast<u8>(~(1u << vector % 8)));
    }
    void prepare(unsigned iopl, bool to_8086) {
        cpu.cr4 |= CR4_VME;
        redirect(0x30, to_8086);
        gate(0x30, type_InterruptGate32, 3, code_0, 0x9000);
        put<u32>(0x30 * 4, 0x4000'0123);
        enter_v86(iopl);
    }
};

TEST_F(Redirection, WithoutVmeIoplDecides) {
    gate(0x30, type_InterruptGate32, 3, code_0, 0x9000);
    enter_v86(2);
    run({0xCD, 0x30});
    expect_fault(Vector::GP, 0);
    enter_v86(3);
    run({0xCD, 0x30});
    EXPECT_EQ(cpu.eip, 0x9000u);
}

TEST_F(Redirection, BreakpointsDoNotNeedIopl) {
    gate(3, type_InterruptGate32, 3, code_0, handler(3));
    enter_v86(0);
    run({0xCC});
    EXPECT_EQ(cpu.eip, handler(3));
    EXPECT_EQ(stack(0), 1u);
}

TEST_F(Redirection, ToThe8086HandlerWithIopl) {
    prepare(3, true);
    cpu.set_eflags(EFLAGS_IF | EFLAGS_VIF, EFLAGS_IF | EFLAGS_VIF);
    run({0xCD, 0x30});
    EXPECT_TRUE(cpu.v86_mode());
    EXPECT_EQ(cpu.segment[seg_CS].selector, 0x4000);
    EXPECT_EQ(cpu.eip, 0x123u);
    EXPECT_EQ(stack_16(0), 2);
    EXPECT_EQ(stack_16(1), 0x1000);
    EXPECT_EQ(stack_16(2), EFLAGS_fixed | EFLAGS_IF | 3u << 12);
    EXPECT_FALSE(cpu.flag(EFLAGS_IF));
    EXPECT_TRUE(cpu.flag(EFLAGS_VIF));
}

TEST_F(Redirection, ToThe8086HandlerWithoutIopl) {
    prepare(0, true);
    cpu.set_eflags(EFLAGS_IF | EFLAGS_VIF, EFLAGS_IF | EFLAGS_VIF);
    run({0xCD, 0x30});
    EXPECT_EQ(stack_16(2), EFLAGS_fixed | EFLAGS_IF | 3u << 12);
    EXPECT_TRUE(cpu.flag(EFLAGS_IF));
    EXPECT_FALSE(cpu.flag(EFLAGS_VIF));
    cpu.eip = 0;
    run({0xCD, 0x30});
    EXPECT_EQ(stack_16(2), EFLAGS_fixed | 3u << 12); // the virtual flag is what is pushed
}

TEST_F(Redirection, ToTheMonitor) {
    prepare(3, false);
    run({0xCD, 0x30});
    EXPECT_EQ(cpu.eip, 0x9000u);
    EXPECT_FALSE(cpu.v86_mode());
    prepare(2, false);
    run({0xCD, 0x30});
    expect_fault(Vector::GP, 0);
}

TEST_F(Redirection, BitmapBeyondTheTss) {
    prepare(3, true);
    put<u16>(tss + 0x66, 0x200);
    run({0xCD, 0x30});
    expect_fault(Vector::GP, 0);
}

} // namespace
} // namespace truering::test
