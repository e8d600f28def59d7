// CLI, STI, PUSHF, POPF with VME and PVI; LAR, LSL, VERR, VERW, ARPL; the descriptor-table registers.
#include "protected_bench.hpp"

namespace truering::test {

namespace {

constexpr u16 free_1 = first_free;

class InterruptFlag : public ProtectedBench {
  protected:
    void set_iopl(unsigned iopl) { cpu.set_eflags(iopl << 12, EFLAGS_IOPL); }
    void push_16(u16 value) {
        cpu.gpr[reg_ESP] -= 2;
        put<u16>(stack_top(), value);
    }
    void push(u32 value) {
        cpu.gpr[reg_ESP] -= 4;
        put<u32>(stack_top(), value);
    }
};

constexpr u8 CLI = 0xFA, STI = 0xFB, PUSHF = 0x9C, POPF = 0x9D;

TEST_F(InterruptFlag, STICastsAShadowOnlyWhenItSetsIF) {
    run({STI, 0x90});
    EXPECT_TRUE(cpu.flag(EFLAGS_IF));
    EXPECT_EQ(cpu.interruptibility, blocked_by_STI);
    last = cpu.run(1);
    EXPECT_EQ(cpu.interruptibility, 0);
    run({STI});
    EXPECT_EQ(cpu.interruptibility, 0);
}

TEST_F(InterruptFlag, NeedsIopl) {
    enter_level(3);
    set_iopl(2);
    run({CLI});
    expect_fault_of_instruction(Vector::GP, 0);
    enter_level(3);
    set_iopl(3);
    cpu.set_eflags(EFLAGS_IF, EFLAGS_IF);
    run({CLI});
    EXPECT_FALSE(cpu.flag(EFLAGS_IF));
    EXPECT_EQ(cpu.eip, code + 1);
}

TEST_F(InterruptFlag, ProtectedModeVirtualInterrupts) {
    cpu.cr4 |= CR4_PVI;
    enter_level(3);
    set_iopl(0);
    cpu.set_eflags(EFLAGS_IF, EFLAGS_IF);
    run({STI});
    EXPECT_TRUE(cpu.flag(EFLAGS_VIF));
    EXPECT_EQ(cpu.interruptibility, 0);
    run({CLI});
    EXPECT_FALSE(cpu.flag(EFLAGS_VIF));
    EXPECT_TRUE(cpu.flag(EFLAGS_IF));
    cpu.set_eflags(EFLAGS_VIP, EFLAGS_VIP);
    run({STI});
    expect_fault_of_instruction(Vector::GP, 0);
    // PVI is for CPL 3 alone.
    enter_level(1);
    run({CLI});
    expect_fault_of_instruction(Vector::GP, 0);
}

TEST_F(InterruptFlag, Virtual8086ModeExtensions) {
    enter_v86(0);
    run({CLI});
    expect_fault(Vector::GP, 0);
    cpu.cr4 |= CR4_VME;
    enter_v86(0);
    run({STI});
    EXPECT_TRUE(cpu.flag(EFLAGS_VIF));
    EXPECT_FALSE(cpu.flag(EFLAGS_IF));
    run({PUSHF});
    EXPECT_EQ(stack_16(0), EFLAGS_fixed | EFLAGS_IF | EFLAGS_IOPL);
    run({CLI});
    run({PUSHF});
    EXPECT_EQ(stack_16(0), EFLAGS_fixed | EFLAGS_IOPL);
}

TEST_F(InterruptFlag, PushfHidesVMAndRF) {
    cpu.eflags_rest |= EFLAGS_RF;
    cpu.set_eflags(EFLAGS_AC | EFLAGS_ID, EFLAGS_AC | EFLAGS_ID);
    run({PUSHF});
    EXPECT_EQ(stack(0), u32{EFLAGS_fixed | EFLAGS_AC | EFLAGS_ID});
    enter_v86(3);
    run({0x66, PUSHF});
    EXPECT_EQ(stack(0), u32{EFLAGS_fixed | EFLAGS_AC | EFLAGS_ID | EFLAGS_IOPL});
}

TEST_F(InterruptFlag, PopfByLevel) {
    const u32 everything = EFLAGS_all & ~u32{EFLAGS_TF};
    push(everything);
    run({POPF});
    EXPECT_EQ(cpu.eflags(), everything & ~u32{EFLAGS_RF | EFLAGS_VM | EFLAGS_VIF | EFLAGS_VIP});
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_0);
    cpu.set_eflags(0, EFLAGS_all);
    enter_level(3);
    set_iopl(1);
    push(everything);
    run({POPF});
    EXPECT_EQ(cpu.iopl(), 1u);
    EXPECT_FALSE(cpu.flag(EFLAGS_IF));
    EXPECT_TRUE(cpu.flag(EFLAGS_NT));
    enter_level(1);
    push(0);
    cpu.set_eflags(EFLAGS_IF, EFLAGS_IF);
    run({POPF});
    EXPECT_FALSE(cpu.flag(EFLAGS_IF));
    EXPECT_EQ(cpu.iopl(), 1u);
}

TEST_F(InterruptFlag, PopfOfVirtual8086Programs) {
    cpu.cr4 |= CR4_VME;
    enter_v86(0);
    push_16(EFLAGS_fixed | EFLAGS_IF | flag_CF);
    run({POPF});
    EXPECT_TRUE(cpu.flag(EFLAGS_VIF));
    EXPECT_FALSE(cpu.flag(EFLAGS_IF));
    EXPECT_TRUE(cpu.arithmetic.CF());
    push_16(EFLAGS_fixed | EFLAGS_TF);
    run({POPF});
    expect_fault(Vector::GP, 0);
    enter_v86(0);
    cpu.set_eflags(EFLAGS_VIP, EFLAGS_VIP);
    push_16(EFLAGS_fixed | EFLAGS_IF);
    run({POPF});
    expect_fault(Vector::GP, 0);
    EXPECT_EQ(stack(4), 0x7FFEu); // SP stayed
    enter_v86(0);
    run({0x66, POPF});
    expect_fault(Vector::GP, 0);
}

TEST_F(InterruptFlag, RealModeLoadsIopl) {
    enter_real();
    push_16(EFLAGS_fixed | EFLAGS_IF | EFLAGS_IOPL);
    run({POPF});
    EXPECT_EQ(cpu.iopl(), 3u);
    EXPECT_TRUE(cpu.flag(EFLAGS_IF));
}

class DescriptorTest : public ProtectedBench {
  protected:
    // The instruction 0F xx on EAX and the selector in ECX. True: ZF is set.
    bool examine(u8 opcode, u16 selector) {
        cpu.gpr[reg_EAX] = 0xDEAD'BEEF;
        cpu.gpr[reg_ECX] = selector;
        cpu.eip = code;
        run({0x0F, opcode, 0xC1});
        EXPECT_EQ(cpu.eip, code + 3);
        return cpu.arithmetic.ZF();
    }
    bool LAR(u16 selector) { return examine(0x02, selector); }
    bool LSL(u16 selector) { return examine(0x03, selector); }
    bool verify(u8 modrm, u16 selector) {
        cpu.gpr[reg_ECX] = selector;
        cpu.eip = code;
        run({0x0F, 0x00, modrm});
        return cpu.arithmetic.ZF();
    }
    bool VERR(u16 selector) { return verify(0xE1, selector); }
    bool VERW(u16 selector) { return verify(0xE9, selector); }
};

TEST_F(DescriptorTest, AccessRights) {
    EXPECT_TRUE(LAR(data_0));
    EXPECT_EQ(cpu.gpr[reg_EAX], 0x00CF'9200u);
    EXPECT_TRUE(LAR(tss_main));
    EXPECT_EQ(cpu.gpr[reg_EAX], 0x0000'8B00u);
    for (const u16 bad : {u16{0}, u16{0x400}, u16{0x3F8}, u16{data_0 | 1}}) {
        EXPECT_FALSE(LAR(bad)) << bad;
        EXPECT_EQ(cpu.gpr[reg_EAX], 0xDEAD'BEEFu);
    }
    gate_at(gdt + free_1, type_CallGate32, 0, code_0, 0);
    EXPECT_TRUE(LAR(free_1));
    gate_at(gdt + free_1, type_InterruptGate32, 0, code_0, 0);
    EXPECT_FALSE(LAR(free_1));
    enter_level(3);
    EXPECT_FALSE(LAR(data_0));
    EXPECT_TRUE(LAR(conforming_0 | 3));
    EXPECT_TRUE(LAR(data_3));
}

TEST_F(DescriptorTest, Limits) {
    EXPECT_TRUE(LSL(data_0));
    EXPECT_EQ(cpu.gpr[reg_EAX], 0xFFFF'FFFFu);
    EXPECT_TRUE(LSL(tss_main));
    EXPECT_EQ(cpu.gpr[reg_EAX], 0xA7u);
    gate_at(gdt + free_1, type_CallGate32, 0, code_0, 0);
    EXPECT_FALSE(LSL(free_1));
    cpu.gpr[reg_EAX] = 0;
    cpu.gpr[reg_ECX] = data_0;
    run({0x66, 0x0F, 0x03, 0xC1});
    EXPECT_EQ(cpu.gpr[reg_EAX], 0xFFFFu);
}

TEST_F(DescriptorTest, ReadableAndWritable) {
    EXPECT_TRUE(VERR(data_0));
    EXPECT_TRUE(VERW(data_0));
    EXPECT_TRUE(VERR(code_0));
    EXPECT_FALSE(VERW(code_0));
    descriptor(free_1, 0, 0xFF, access_read_only);
    EXPECT_TRUE(VERR(free_1));
    EXPECT_FALSE(VERW(free_1));
    descriptor(free_1, 0, 0xFF, access_execute_only);
    EXPECT_FALSE(VERR(free_1));
    EXPECT_FALSE(VERR(tss_main));
    EXPECT_FALSE(VERR(0));
    enter_level(3);
    EXPECT_FALSE(VERR(data_0));
    EXPECT_TRUE(VERR(conforming_0));
    EXPECT_FALSE(VERW(data_0));
}

TEST_F(DescriptorTest, ARPL) {
    cpu.gpr[reg_EAX] = 0xFFFF'0008;
    cpu.gpr[reg_ECX] = 3;
    run({0x63, 0xC8});
    EXPECT_TRUE(cpu.arithmetic.ZF());
    EXPECT_EQ(cpu.gpr[reg_EAX], 0xFFFF'000Bu);
    run({0x63, 0xC8});
    EXPECT_FALSE(cpu.arithmetic.ZF());
    put<u16>(data, 0x11);
    run({0x63, 0x0D, 0x00, 0x00, 0x03, 0x00});
    EXPECT_EQ(get<u16>(data), 0x13);
}

TEST_F(DescriptorTest, NotInVirtual8086Mode) {
    enter_v86(3);
    run({0x0F, 0x02, 0xC1});
    EXPECT_EQ(cpu.eip, handler(Vector::UD));
}

class TableRegisters : public ProtectedBench {};

TEST_F(TableRegisters, StoreAndLoad) {
    cpu.gdtr = {0x1234'5678, 0x3FF};
    run({0x66, 0x0F, 0x01, 0x05, 0x00, 0x00, 0x03, 0x00}); // SGDT [data], 16 bits: all of the base all the same
    EXPECT_EQ(get<u16>(data), 0x3FF);
    EXPECT_EQ(get<u32>(data + 2), 0x1234'5678u);
    run({0x66, 0x0F, 0x01, 0x15, 0x00, 0x00, 0x03, 0x00}); // LGDT [data], 16 bits
    EXPECT_EQ(cpu.gdtr.base, 0x0034'5678u);
    EXPECT_EQ(cpu.gdtr.limit, 0x3FFu);
    run({0x0F, 0x01, 0x1D, 0x00, 0x00, 0x03, 0x00}); // LIDT [data]
    EXPECT_EQ(cpu.idtr.base, 0x1234'5678u);
}

TEST_F(TableRegisters, LLDT) {
    const auto lldt = [&](u16 selector) {
        enter_level(0);
        cpu.gpr[reg_EAX] = selector;
        run({0x0F, 0x00, 0xD0});
    };
    descriptor(free_1, ldt, 0xFF, access_ldt);
    lldt(free_1);
    EXPECT_EQ(cpu.segment[seg_LDTR].base, ldt);
    run({0x0F, 0x00, 0xC1}); // SLDT ECX
    EXPECT_EQ(cpu.gpr[reg_ECX], free_1);
    lldt(free_1 | 4);
    expect_fault_of_instruction(Vector::GP, free_1 | 4);
    lldt(data_0);
    expect_fault_of_instruction(Vector::GP, data_0);
    descriptor(free_1, ldt, 0xFF, absent(access_ldt));
    lldt(free_1);
    expect_fault_of_instruction(Vector::NP, free_1);
    lldt(0);
    EXPECT_FALSE(cpu.segment[seg_LDTR].usable());
}

TEST_F(TableRegisters, LTR) {
    const auto ltr = [&](u16 selector) {
        enter_level(0);
        cpu.gpr[reg_EAX] = selector;
        run({0x0F, 0x00, 0xD8});
    };
    descriptor(free_1, tss_other, 0x67, access_tss32, Size::Bits16);
    ltr(free_1);
    EXPECT_EQ(cpu.segment[seg_TR].base, tss_other);
    EXPECT_EQ(cpu.segment[seg_TR].attributes & attr_type, 11);
    EXPECT_EQ(access_byte(free_1), access_tss32 | 2);
    run({0x0F, 0x00, 0xC9}); // STR ECX
    EXPECT_EQ(cpu.gpr[reg_ECX], free_1);
    ltr(free_1); // busy by now
    expect_fault_of_instruction(Vector::GP, free_1);
    ltr(0);
    expect_fault_of_instruction(Vector::GP, 0);
    descriptor(free_1, tss_other, 0x67, absent(access_tss32), Size::Bits16);
    ltr(free_1);
    expect_fault_of_instruction(Vector::NP, free_1);
}

TEST_F(TableRegisters, MachineStatusWord) {
    cpu.gpr[reg_EAX] = 0xFFF0; // LMSW cannot clear PE, and reaches no further than TS
    cpu.cr0 |= CR0_TS | CR0_EM;
    const u32 before = cpu.cr0;
    run({0x0F, 0x01, 0xF0});
    EXPECT_EQ(cpu.cr0, before & ~u32{CR0_TS | CR0_EM | CR0_MP});
    run({0x0F, 0x01, 0xE1}); // SMSW ECX: all of CR0
    EXPECT_EQ(cpu.gpr[reg_ECX], cpu.cr0);
    put<u32>(data, 0);
    run({0x0F, 0x01, 0x25, 0x00, 0x00, 0x03, 0x00}); // SMSW [data]
    EXPECT_EQ(get<u32>(data), cpu.cr0 & 0xFFFF);
}

TEST_F(TableRegisters, PrivilegedOnes) {
    enter_level(3);
    run({0x0F, 0x01, 0x15, 0x00, 0x00, 0x03, 0x00});
    expect_fault_of_instruction(Vector::GP, 0);
    enter_level(3);
    run({0x0F, 0x01, 0x05, 0x00, 0x00, 0x03, 0x00}); // SGDT is open to all
    EXPECT_EQ(cpu.eip, code + 7);
}

} // namespace
} // namespace truering::test
