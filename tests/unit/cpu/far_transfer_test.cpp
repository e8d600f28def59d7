// JMP, CALL and RET between segments; IRET; SYSENTER and SYSEXIT.
#include "protected_bench.hpp"

namespace truering::test {

namespace {

constexpr u16 call_gate = first_free, free_1 = first_free + 8, free_2 = first_free + 16;

class FarTransfer : public ProtectedBench {
  protected:
    void jump(u16 selector, u32 offset = 0x9000) { run_far(0xEA, selector, offset); }
    void call(u16 selector, u32 offset = 0x9000) { run_far(0x9A, selector, offset); }

    void push(u32 value) {
        cpu.gpr[reg_ESP] -= 4;
        put<u32>(cpu.segment[seg_SS].base + cpu.gpr[reg_ESP], value);
    }
    void push_16(u16 value) {
        cpu.gpr[reg_ESP] -= 2;
        put<u16>(cpu.segment[seg_SS].base + cpu.gpr[reg_ESP], value);
    }

  private:
    void run_far(u8 opcode, u16 selector, u32 offset) {
        const auto byte = [](u32 value, unsigned n) { return static_cast<u8>(value >> (8 * n)); };
        run({opcode, byte(offset, 0), byte(offset, 1), byte(offset, 2), byte(offset, 3), byte(selector, 0),
             byte(selector, 1)});
    }
};

// ---- Without a gate

TEST_F(FarTransfer, JumpLoadsCSWithTheCurrentLevelAsRpl) {
    enter_level(3);
    jump((code_3 & 0xFFFC) | 1);
    EXPECT_EQ(cpu.eip, 0x9000u);
    EXPECT_EQ(cpu.segment[seg_CS].selector, code_3);
}

TEST_F(FarTransfer, JumpIntoConformingCodeKeepsTheLevel) {
    enter_level(3);
    jump(conforming_0);
    EXPECT_EQ(cpu.segment[seg_CS].selector, conforming_0 | 3);
    EXPECT_EQ(cpu.cpl, 3);
    EXPECT_EQ(access_byte(conforming_0) & 1, 1);
}

TEST_F(FarTransfer, JumpFaults) {
    const auto try_selector = [&](u16 selector, unsigned level = 0) {
        enter_level(level);
        jump(selector);
    };
    try_selector(0);
    expect_fault_of_instruction(Vector::GP, 0);
    try_selector(0x400);
    expect_fault_of_instruction(Vector::GP, 0x400);
    try_selector(data_0);
    expect_fault_of_instruction(Vector::GP, data_0);
    try_selector(code_3); // DPL is not CPL
    expect_fault_of_instruction(Vector::GP, code_3 & 0xFFFC);
    try_selector(code_0 | 1); // RPL > CPL
    expect_fault_of_instruction(Vector::GP, code_0);
    try_selector(code_0, 3);
    expect_fault_of_instruction(Vector::GP, code_0);
    descriptor(free_1, 0, 0xFFFF, at_dpl(access_conforming, 3));
    try_selector(free_1); // conforming, but of an outer level
    expect_fault_of_instruction(Vector::GP, free_1);
    descriptor(free_1, 0, 0xFFFF, absent(access_code));
    try_selector(free_1);
    expect_fault_of_instruction(Vector::NP, free_1);
    descriptor(free_1, 0, 0x8FFF, access_code);
    try_selector(free_1);
    expect_fault_of_instruction(Vector::GP, 0);
    descriptor(free_1, ldt, 0xFF, access_ldt);
    try_selector(free_1);
    expect_fault_of_instruction(Vector::GP, free_1);
}

TEST_F(FarTransfer, JumpThroughMemory) {
    put<u32>(data, 0x9000);
    put<u16>(data + 4, code_0);
    run({0xFF, 0x2D, 0x00, 0x00, 0x03, 0x00}); // JMP FAR [data]
    EXPECT_EQ(cpu.eip, 0x9000u);
}

TEST_F(FarTransfer, CallAndReturn) {
    call(code_0);
    EXPECT_EQ(cpu.eip, 0x9000u);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0 - 8);
    EXPECT_EQ(stack(0), code + 7);
    EXPECT_EQ(stack(1), code_0);
    run({0xCA, 0x08, 0x00}); // RETF 8
    EXPECT_EQ(cpu.eip, code + 7);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0 + 8);
}

TEST_F(FarTransfer, SixteenBitCall) {
    run({0x66, 0x9A, 0x00, 0x90, code_0, 0x00});
    EXPECT_EQ(cpu.eip, 0x9000u);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0 - 4);
    EXPECT_EQ(stack_16(0), 6);
    EXPECT_EQ(stack_16(1), code_0);
}

TEST_F(FarTransfer, CallBeyondTheLimitPushesNothing) {
    descriptor(free_1, 0, 0x8FFF, access_code);
    put<u32>(stack_0 - 4, 0x5555'5555);
    call(free_1);
    expect_fault_of_instruction(Vector::GP, 0);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0 - 16);
}

TEST_F(FarTransfer, CallWithoutRoom) {
    enter_level(3);
    descriptor(free_1, 0, 0xF, at_dpl(access_data, 3));
    load(seg_SS, free_1 | 3);
    cpu.segment[seg_SS].selector = free_1 | 3;
    cpu.gpr[reg_ESP] = 0x18;
    call(code_3);
    expect_fault_of_instruction(Vector::SS, 0);
    EXPECT_EQ(stack(4), 0x18u);
}

TEST_F(FarTransfer, RealMode) {
    enter_real();
    run({0x9A, 0x34, 0x12, 0x00, 0x20}); // CALL 2000:1234
    EXPECT_EQ(cpu.segment[seg_CS].base, 0x2'0000u);
    EXPECT_EQ(cpu.eip, 0x1234u);
    EXPECT_EQ(stack_16(0), 5);
    EXPECT_EQ(stack_16(1), 0x1000);
    run({0xCB});
    EXPECT_EQ(cpu.segment[seg_CS].selector, 0x1000);
    EXPECT_EQ(cpu.eip, 5u);
    put<u32>(13 * 4, 0x5000'0042);
    run({0x66, 0xEA, 0x00, 0x00, 0x01, 0x00, 0x00, 0x20}); // JMP 2000:00010000
    EXPECT_EQ(cpu.segment[seg_CS].selector, 0x5000);
    EXPECT_EQ(stack_16(0), 5);
}

// ---- Call gates

TEST_F(FarTransfer, GateToTheSameLevel) {
    gate_at(gdt + call_gate, type_CallGate32, 0, code_0, 0x9000, 5);
    call(call_gate, 0x1234'5678);
    EXPECT_EQ(cpu.eip, 0x9000u);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0 - 8); // parameters stay where they are
    EXPECT_EQ(stack(0), code + 7);
}

TEST_F(FarTransfer, SixteenBitGate) {
    gate_at(gdt + call_gate, type_CallGate16, 0, code_0, 0xFFFF'9000);
    call(call_gate);
    EXPECT_EQ(cpu.eip, 0x9000u);
    EXPECT_EQ(stack_16(0), 7);
    EXPECT_EQ(stack_16(1), code_0);
}

TEST_F(FarTransfer, GateToAnInnerLevelCopiesParameters) {
    gate_at(gdt + call_gate, type_CallGate32, 3, code_0, 0x9000, 2);
    enter_level(3);
    push(0xAAAA'0001);
    push(0xAAAA'0002);
    call(call_gate);
    EXPECT_EQ(cpu.cpl, 0);
    EXPECT_EQ(cpu.segment[seg_CS].selector, code_0);
    EXPECT_EQ(cpu.segment[seg_SS].selector, data_0);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0 - 24);
    const u32 frame[] = {code + 7, code_3, 0xAAAA'0002, 0xAAAA'0001, stack_3 - 8, data_3};
    for (unsigned n = 0; n < 6; ++n) EXPECT_EQ(stack(n), frame[n]) << n;

    load(seg_ES, data_0);
    load(seg_FS, conforming_0);
    run({0xCA, 0x08, 0x00});
    EXPECT_EQ(cpu.cpl, 3);
    EXPECT_EQ(cpu.eip, code + 7);
    EXPECT_EQ(cpu.segment[seg_SS].selector, data_3);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_3);
    EXPECT_EQ(cpu.segment[seg_DS].selector, data_3);
    EXPECT_EQ(cpu.segment[seg_ES].selector, 0);
    EXPECT_FALSE(cpu.segment[seg_ES].usable());
    EXPECT_EQ(cpu.segment[seg_FS].selector, conforming_0);
}

TEST_F(FarTransfer, SixteenBitGateToAnInnerLevel) {
    gate_at(gdt + call_gate, type_CallGate16, 3, code_0, 0x9000, 3);
    enter_level(3);
    push_16(1);
    push_16(2);
    push_16(3);
    call(call_gate);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0 - 14);
    const u16 frame[] = {7, code_3, 3, 2, 1, static_cast<u16>(stack_3 - 6), data_3};
    for (unsigned n = 0; n < 7; ++n) EXPECT_EQ(stack_16(n), frame[n]) << n;
}

TEST_F(FarTransfer, GateIntoConformingCodeKeepsTheLevel) {
    gate_at(gdt + call_gate, type_CallGate32, 3, conforming_0, 0x9000);
    enter_level(3);
    call(call_gate);
    EXPECT_EQ(cpu.cpl, 3);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_3 - 8);
}

TEST_F(FarTransfer, GateFaults) {
    gate_at(gdt + call_gate, type_CallGate32, 2, code_0, 0x9000);
    enter_level(3);
    call(call_gate);
    expect_fault_of_instruction(Vector::GP, call_gate);
    enter_level(0);
    call(call_gate | 3); // RPL > DPL
    expect_fault_of_instruction(Vector::GP, call_gate);
    gate_at(gdt + call_gate, type_CallGate32, 3, 0, 0x9000);
    enter_level(3);
    call(call_gate);
    expect_fault_of_instruction(Vector::GP, 0);
    gate_at(gdt + call_gate, type_CallGate32, 3, data_0, 0x9000);
    enter_level(3);
    call(call_gate);
    expect_fault_of_instruction(Vector::GP, data_0);
    gate_at(gdt + call_gate, type_CallGate32, 3, code_3, 0x9000);
    enter_level(0);
    call(call_gate);
    expect_fault_of_instruction(Vector::GP, code_3 & 0xFFFC);
    put<u8>(gdt + call_gate + 5, type_CallGate32 | 0x60);
    enter_level(3);
    call(call_gate);
    expect_fault_of_instruction(Vector::NP, call_gate);
}

TEST_F(FarTransfer, JumpThroughAGateStaysAtItsLevel) {
    gate_at(gdt + call_gate, type_CallGate32, 3, code_0, 0x9000);
    enter_level(3);
    jump(call_gate | 3);
    expect_fault_of_instruction(Vector::GP, code_0);
    gate_at(gdt + call_gate, type_CallGate32, 3, code_3, 0x9000);
    enter_level(3);
    jump(call_gate | 3);
    EXPECT_EQ(cpu.eip, 0x9000u);
    EXPECT_EQ(cpu.segment[seg_CS].selector, code_3);
}

TEST_F(FarTransfer, InnerStackOfACallIsChecked) {
    gate_at(gdt + call_gate, type_CallGate32, 3, code_1 & 0xFFFC, 0x9000);
    inner_stack(1, data_0, stack_1);
    enter_level(3);
    call(call_gate);
    expect_fault_of_instruction(Vector::TS, data_0);
}

// ---- RET

TEST_F(FarTransfer, ReturnFaults) {
    const auto try_return = [&](u16 cs, u16 ss) {
        enter_level(1);
        push(ss);
        push(stack_3);
        push(cs);
        push(0x9000);
        run({0xCB});
    };
    try_return(0, data_3);
    expect_fault_of_instruction(Vector::GP, 0);
    try_return(code_0, data_3); // to an inner level
    expect_fault_of_instruction(Vector::GP, code_0);
    try_return((code_1 & 0xFFFC) | 3, data_3); // DPL is not the RPL
    expect_fault_of_instruction(Vector::GP, code_1 & 0xFFFC);
    try_return(data_3, data_3);
    expect_fault_of_instruction(Vector::GP, data_3 & 0xFFFC);
    try_return(code_3, 0);
    expect_fault_of_instruction(Vector::GP, 0);
    try_return(code_3, data_1);
    expect_fault_of_instruction(Vector::GP, data_1 & 0xFFFC);
    descriptor(free_1, 0, 0xFFFF, at_dpl(absent(access_data), 3));
    try_return(code_3, free_1 | 3);
    expect_fault_of_instruction(Vector::SS, free_1);
    descriptor(free_1, 0, 0xFFFF, at_dpl(absent(access_code), 3));
    try_return(free_1 | 3, data_3);
    expect_fault_of_instruction(Vector::NP, free_1);
    descriptor(free_1, 0, 0x8FFF, at_dpl(access_code, 3));
    try_return(free_1 | 3, data_3);
    expect_fault_of_instruction(Vector::GP, 0);
}

// ---- IRET

class InterruptReturn : public FarTransfer {
  protected:
    void return_to(u32 eip, u16 cs, u32 eflags) {
        push(eflags);
        push(cs);
        push(eip);
        run({0xCF});
    }
    void return_outside(u16 cs, u32 eflags, u16 ss = data_3) {
        push(ss);
        push(stack_3);
        return_to(0x9000, cs, eflags);
    }
};

TEST_F(InterruptReturn, SameLevelLoadsAllFlagsButVM) {
    const u32 all = EFLAGS_all & ~u32{EFLAGS_VM | EFLAGS_NT | EFLAGS_TF | EFLAGS_RF};
    return_to(0x9000, code_0, all | EFLAGS_NT | EFLAGS_RF);
    EXPECT_EQ(cpu.eip, 0x9000u);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0);
    EXPECT_EQ(cpu.eflags(), all | EFLAGS_NT | EFLAGS_RF);
}

TEST_F(InterruptReturn, SixteenBitLoadsTheLowerHalf) {
    cpu.set_eflags(EFLAGS_AC, EFLAGS_AC);
    push_16(EFLAGS_fixed | EFLAGS_IF | flag_CF);
    push_16(code_0);
    push_16(0x9000);
    run({0x66, 0xCF});
    EXPECT_EQ(cpu.eip, 0x9000u);
    EXPECT_EQ(cpu.eflags(), EFLAGS_fixed | EFLAGS_IF | EFLAGS_AC | u32{flag_CF});
}

TEST_F(InterruptReturn, ToAnOuterLevel) {
    return_outside(code_3, EFLAGS_fixed | EFLAGS_IF | 3u << 12);
    EXPECT_EQ(cpu.cpl, 3);
    EXPECT_EQ(cpu.segment[seg_SS].selector, data_3);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_3);
    EXPECT_EQ(cpu.iopl(), 3u);
    EXPECT_TRUE(cpu.flag(EFLAGS_IF));
    for (const SegmentIndex n : {seg_DS, seg_ES, seg_FS, seg_GS}) EXPECT_FALSE(cpu.segment[n].usable());
}

TEST_F(InterruptReturn, FlagsByTheLevelReturnedFrom) {
    enter_level(3);
    cpu.set_eflags(EFLAGS_IF | 2u << 12, EFLAGS_IF | EFLAGS_IOPL);
    return_to(0x9000, code_3, EFLAGS_fixed | EFLAGS_AC | EFLAGS_VIF | EFLAGS_VM | 1u << 12);
    EXPECT_EQ(cpu.eflags(), EFLAGS_fixed | EFLAGS_IF | EFLAGS_AC | 2u << 12);
    enter_level(1);
    return_outside(code_3, EFLAGS_fixed);
    EXPECT_EQ(cpu.eflags(), EFLAGS_fixed | 2u << 12); // IF by CPL 1 <= IOPL; IOPL by CPL 0 alone
}

TEST_F(InterruptReturn, ToVirtual8086Mode) {
    for (const u32 selector : {0x5000, 0x4000, 0x3000, 0x2800}) push(selector); // GS FS DS ES
    push(0x2000);
    push(0x1'8000);
    return_to(0x123, 0x1000, EFLAGS_fixed | EFLAGS_VM | EFLAGS_IF | EFLAGS_VIF | 1u << 12);
    EXPECT_TRUE(cpu.v86_mode());
    EXPECT_EQ(cpu.cpl, 3);
    EXPECT_EQ(cpu.eip, 0x123u);
    EXPECT_EQ(cpu.iopl(), 1u);
    EXPECT_TRUE(cpu.flag(EFLAGS_VIF));
    EXPECT_EQ(cpu.gpr[reg_ESP], 0x1'8000u);
    EXPECT_EQ(cpu.segment[seg_ES].base, 0x2'8000u);
    EXPECT_EQ(cpu.segment[seg_GS].base, 0x5'0000u);
    for (const SegmentIndex n : {seg_ES, seg_CS, seg_SS, seg_DS, seg_FS, seg_GS}) {
        EXPECT_EQ(cpu.segment[n].attributes, 0xF3);
        EXPECT_EQ(cpu.segment[n].limit, 0xFFFFu);
    }
}

TEST_F(InterruptReturn, ToVirtual8086ModeWithinItsLimit) {
    for (unsigned n = 0; n < 6; ++n) push(0x1000);
    return_to(0x1'0000, 0x1000, EFLAGS_fixed | EFLAGS_VM);
    expect_fault_of_instruction(Vector::GP, 0);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0 - 36 - 16);
}

TEST_F(InterruptReturn, Faults) {
    enter_level(1);
    return_outside(code_0, EFLAGS_fixed);
    expect_fault_of_instruction(Vector::GP, code_0);
    enter_level(0);
    return_outside(code_3, EFLAGS_fixed, 0);
    expect_fault_of_instruction(Vector::GP, 0);
    enter_level(0);
    return_outside(code_3, EFLAGS_fixed, data_0);
    expect_fault_of_instruction(Vector::GP, data_0);
    enter_level(0);
    cpu.set_eflags(EFLAGS_IF, EFLAGS_IF);
    descriptor(free_1, 0, 0x8FFF, at_dpl(access_code, 3));
    return_outside(free_1 | 3, EFLAGS_fixed);
    expect_fault_of_instruction(Vector::GP, 0);
    EXPECT_NE(stack(3) & EFLAGS_IF, 0u); // nothing was loaded
}

TEST_F(InterruptReturn, RealMode) {
    enter_real();
    push_16(static_cast<u16>(EFLAGS_fixed | EFLAGS_IF | EFLAGS_NT | 3u << 12));
    push_16(0x2000);
    push_16(0x1234);
    run({0xCF});
    EXPECT_EQ(cpu.segment[seg_CS].base, 0x2'0000u);
    EXPECT_EQ(cpu.eip, 0x1234u);
    EXPECT_EQ(cpu.eflags(), EFLAGS_fixed | EFLAGS_IF | EFLAGS_NT | 3u << 12);
}

class Virtual8086Return : public FarTransfer {
  protected:
    void return_16(u16 flags) {
        push_16(flags);
        push_16(0x2000);
        push_16(0x1234);
        run({0xCF});
    }
};

TEST_F(Virtual8086Return, WithIopl) {
    enter_v86(3);
    return_16(EFLAGS_fixed | EFLAGS_IF | flag_CF);
    EXPECT_EQ(cpu.eip, 0x1234u);
    EXPECT_EQ(cpu.iopl(), 3u); // not loaded
    EXPECT_TRUE(cpu.flag(EFLAGS_IF));
}

TEST_F(Virtual8086Return, WithoutIopl) {
    enter_v86(2);
    return_16(EFLAGS_fixed);
    expect_fault(Vector::GP, 0);
}

TEST_F(Virtual8086Return, WithVmeItLoadsVIF) {
    cpu.cr4 |= CR4_VME;
    enter_v86(0);
    return_16(EFLAGS_fixed | EFLAGS_IF | EFLAGS_IOPL);
    EXPECT_EQ(cpu.eip, 0x1234u);
    EXPECT_TRUE(cpu.flag(EFLAGS_VIF));
    EXPECT_FALSE(cpu.flag(EFLAGS_IF));
    EXPECT_EQ(cpu.iopl(), 0u);
    return_16(EFLAGS_fixed | EFLAGS_TF);
    expect_fault(Vector::GP, 0);
}

TEST_F(Virtual8086Return, WithVmeAPendingInterruptFaults) {
    cpu.cr4 |= CR4_VME;
    enter_v86(0);
    cpu.set_eflags(EFLAGS_VIP, EFLAGS_VIP);
    return_16(EFLAGS_fixed);
    EXPECT_EQ(cpu.eip, 0x1234u);
    return_16(EFLAGS_fixed | EFLAGS_IF);
    expect_fault(Vector::GP, 0);
}

TEST_F(Virtual8086Return, WithVmeThe32BitFormFaults) {
    cpu.cr4 |= CR4_VME;
    enter_v86(0);
    run({0x66, 0xCF});
    expect_fault(Vector::GP, 0);
}

// ---- SYSENTER and SYSEXIT

class FastSystemCall : public ProtectedBench {
  protected:
    FastSystemCall() {
        cpu.sysenter_cs = 0x103; // the table is not consulted
        cpu.sysenter_esp = stack_0;
        cpu.sysenter_eip = 0x9000;
    }
};

TEST_F(FastSystemCall, EnterAndExit) {
    enter_level(3);
    cpu.set_eflags(EFLAGS_IF | 3u << 12, EFLAGS_IF | EFLAGS_IOPL);
    run({0x0F, 0x34});
    EXPECT_EQ(cpu.cpl, 0);
    EXPECT_EQ(cpu.eip, 0x9000u);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0);
    EXPECT_EQ(cpu.segment[seg_CS].selector, 0x100);
    EXPECT_EQ(cpu.segment[seg_SS].selector, 0x108);
    EXPECT_EQ(cpu.segment[seg_CS].attributes, 0xC9B);
    EXPECT_EQ(cpu.segment[seg_SS].attributes, 0xC93);
    EXPECT_FALSE(cpu.flag(EFLAGS_IF));
    EXPECT_EQ(cpu.iopl(), 3u);
    cpu.gpr[reg_ECX] = stack_3;
    cpu.gpr[reg_EDX] = 0xA000;
    run({0x0F, 0x35});
    EXPECT_EQ(cpu.cpl, 3);
    EXPECT_EQ(cpu.eip, 0xA000u);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_3);
    EXPECT_EQ(cpu.segment[seg_CS].selector, 0x113);
    EXPECT_EQ(cpu.segment[seg_SS].selector, 0x11B);
    EXPECT_EQ(cpu.segment[seg_CS].attributes, 0xCFB);
    EXPECT_EQ(cpu.segment[seg_SS].attributes, 0xCF3);
}

TEST_F(FastSystemCall, Faults) {
    enter_level(3);
    run({0x0F, 0x35});
    expect_fault_of_instruction(Vector::GP, 0);
    cpu.sysenter_cs = 3;
    enter_level(3);
    run({0x0F, 0x34});
    expect_fault_of_instruction(Vector::GP, 0);
    enter_level(0);
    run({0x0F, 0x35});
    expect_fault_of_instruction(Vector::GP, 0);
}

} // namespace
} // namespace truering::test
