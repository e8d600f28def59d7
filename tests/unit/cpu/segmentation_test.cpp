// Loading segment registers (SDM vol. 2B, MOV; vol. 3A, 5.2..5.7).
#include "protected_bench.hpp"

namespace truering::test {

namespace {

constexpr u16 free_1 = first_free;

class Segmentation : public ProtectedBench {
  protected:
    // MOV sreg, AX
    void load_by_MOV(SegmentIndex index, u16 selector) {
        cpu.gpr[reg_EAX] = selector;
        run({0x8E, static_cast<u8>(0xC0 | index << 3)});
    }
};

TEST_F(Segmentation, NullSelectorLoadsButFaultsAtUse) {
    load_by_MOV(seg_DS, 3);
    EXPECT_EQ(cpu.segment[seg_DS].selector, 3);
    EXPECT_FALSE(cpu.segment[seg_DS].usable());
    run({0xA1, 0, 0, 0, 0}); // MOV EAX, [0]
    expect_fault_of_instruction(Vector::GP, 0);
}

TEST_F(Segmentation, SelectorBeyondTheTable) {
    cpu.gdtr.limit = 0x86; // one byte short of the descriptor at 80H
    load_by_MOV(seg_ES, free_1 | 3);
    expect_fault_of_instruction(Vector::GP, free_1);
}

TEST_F(Segmentation, LastDescriptorOfTheTable) {
    cpu.gdtr.limit = 0x87;
    descriptor(free_1, 0x1234, 0xFF, access_data);
    load_by_MOV(seg_ES, free_1);
    EXPECT_EQ(cpu.segment[seg_ES].base, 0x1234u);
    EXPECT_EQ(cpu.segment[seg_ES].limit, 0xFFu);
}

TEST_F(Segmentation, DataSegmentTypes) {
    descriptor(free_1, 0, 0xFF, access_execute_only);
    load_by_MOV(seg_DS, free_1);
    expect_fault_of_instruction(Vector::GP, free_1);
}

TEST_F(Segmentation, SystemDescriptorIsNoSegment) {
    load_by_MOV(seg_DS, tss_main);
    expect_fault_of_instruction(Vector::GP, tss_main);
}

TEST_F(Segmentation, NotPresentComesAfterTypeAndPrivilege) {
    descriptor(free_1, 0, 0xFF, absent(access_data));
    load_by_MOV(seg_FS, free_1);
    expect_fault_of_instruction(Vector::NP, free_1);
    enter_level(3);
    load_by_MOV(seg_FS, free_1);
    expect_fault_of_instruction(Vector::GP, free_1);
}

TEST_F(Segmentation, PrivilegeOfData) {
    enter_level(3);
    load_by_MOV(seg_DS, data_0);
    expect_fault_of_instruction(Vector::GP, data_0);
}

TEST_F(Segmentation, RplOfDataCounts) {
    load_by_MOV(seg_DS, data_0 | 3);
    expect_fault_of_instruction(Vector::GP, data_0);
}

TEST_F(Segmentation, ConformingCodeIsReadableFromAnywhere) {
    enter_level(3);
    load_by_MOV(seg_GS, conforming_0 | 3);
    EXPECT_EQ(cpu.segment[seg_GS].selector, conforming_0 | 3);
    EXPECT_EQ(cpu.eip, code + 2);
}

TEST_F(Segmentation, StackSegmentMayNotBeNull) {
    load_by_MOV(seg_SS, 0);
    expect_fault_of_instruction(Vector::GP, 0);
}

TEST_F(Segmentation, StackSegmentNeedsTheLevelInRplAndDpl) {
    load_by_MOV(seg_SS, data_0 | 1);
    expect_fault_of_instruction(Vector::GP, data_0);
    enter_level(0);
    load_by_MOV(seg_SS, data_3 & 0xFFFC);
    expect_fault_of_instruction(Vector::GP, data_3 & 0xFFFC);
}

TEST_F(Segmentation, StackSegmentMustBeWritable) {
    descriptor(free_1, 0, 0xFF, access_read_only);
    load_by_MOV(seg_SS, free_1);
    expect_fault_of_instruction(Vector::GP, free_1);
}

TEST_F(Segmentation, AbsentStackSegmentIsSS) {
    descriptor(free_1, 0, 0xFF, absent(access_data));
    load_by_MOV(seg_SS, free_1);
    expect_fault_of_instruction(Vector::SS, free_1);
}

TEST_F(Segmentation, AccessedBitIsSetInMemory) {
    descriptor(free_1, 0, 0xFF, access_data);
    load_by_MOV(seg_ES, free_1);
    EXPECT_EQ(access_byte(free_1), access_data | 1);
    EXPECT_EQ(cpu.segment[seg_ES].attributes & attr_accessed, attr_accessed);
}

TEST_F(Segmentation, LdtSelectorsNeedAnLdt) {
    load_by_MOV(seg_ES, 0x0C);
    expect_fault_of_instruction(Vector::GP, 0x0C);
}

TEST_F(Segmentation, LdtSelector) {
    descriptor(free_1, ldt, 0xF, access_ldt);
    descriptor(0x08, 0x5000, 0xFFF, access_data, Size::Bits32, ldt);
    cpu.gpr[reg_EAX] = free_1;
    run({0x0F, 0x00, 0xD0}); // LLDT AX
    load_by_MOV(seg_ES, 0x0C);
    EXPECT_EQ(cpu.segment[seg_ES].base, 0x5000u);
    load_by_MOV(seg_ES, 0x14);
    expect_fault_of_instruction(Vector::GP, 0x14);
}

TEST_F(Segmentation, RealModeKeepsLimitAndAttributes) {
    enter_real();
    cpu.segment[seg_DS].limit = 0xFFFF'FFFF;
    cpu.segment[seg_DS].attributes |= attr_G;
    load_by_MOV(seg_DS, 0xABCD);
    EXPECT_EQ(cpu.segment[seg_DS].base, 0xABCD0u);
    EXPECT_EQ(cpu.segment[seg_DS].limit, 0xFFFF'FFFFu);
    EXPECT_TRUE(cpu.segment[seg_DS].may_write(0xFFFF'FFFC, 4));
}

TEST_F(Segmentation, Virtual8086ModeSetsThem) {
    enter_v86(3);
    cpu.segment[seg_DS].limit = 0xFFFF'FFFF;
    load_by_MOV(seg_DS, 0xABCD);
    EXPECT_EQ(cpu.segment[seg_DS].limit, 0xFFFFu);
    EXPECT_EQ(cpu.segment[seg_DS].attributes, 0xF3);
}

TEST_F(Segmentation, MovToSSHoldsBackOneInstruction) {
    cpu.gpr[reg_EAX] = data_0;
    run({0x8E, 0xD0, 0x90}, 1); // MOV SS, AX; NOP
    EXPECT_EQ(cpu.interruptibility, blocked_by_MOV_SS);
    last = cpu.run(1);
    EXPECT_EQ(cpu.interruptibility, 0);
}

TEST_F(Segmentation, MovFromSegmentRegister) {
    cpu.gpr[reg_ECX] = 0xFFFF'FFFF;
    run({0x8C, 0xD9}); // MOV ECX, DS
    EXPECT_EQ(cpu.gpr[reg_ECX], data_0);
    put<u32>(data, 0xFFFF'FFFF);
    run({0x8C, 0x1D, 0x00, 0x00, 0x03, 0x00}); // MOV [data], DS
    EXPECT_EQ(get<u32>(data), 0xFFFF'0000u | data_0);
}

TEST_F(Segmentation, PopSSMovesTheOldStackPointer) {
    descriptor(free_1, 0, 0xFFFF, access_data, Size::Bits16);
    cpu.gpr[reg_ESP] = 0x2'FFFC; // the new stack counts 16 bits, the old one 32
    put<u32>(0x2'FFFC, 0xDEAD'0000 | free_1);
    run({0x17});
    EXPECT_EQ(cpu.segment[seg_SS].selector, free_1);
    EXPECT_EQ(cpu.gpr[reg_ESP], 0x3'0000u);
    EXPECT_EQ(cpu.interruptibility, blocked_by_MOV_SS);
}

TEST_F(Segmentation, PopThatFaultsKeepsTheStackPointer) {
    cpu.gpr[reg_ESP] -= 4;
    put<u32>(cpu.gpr[reg_ESP], free_1);
    const u32 esp = cpu.gpr[reg_ESP];
    run({0x1F}); // POP DS
    expect_fault_of_instruction(Vector::GP, free_1);
    EXPECT_EQ(cpu.gpr[reg_ESP] + 16, esp);
}

TEST_F(Segmentation, FarPointerLoads) {
    put<u32>(data, 0x1234'5678);
    put<u16>(data + 4, data_3);
    run({0xC4, 0x1D, 0x00, 0x00, 0x03, 0x00}); // LES EBX, [data]
    EXPECT_EQ(cpu.gpr[reg_EBX], 0x1234'5678u);
    EXPECT_EQ(cpu.segment[seg_ES].selector, data_3);
    put<u16>(data + 4, 0x3F8);
    run({0x0F, 0xB4, 0x0D, 0x00, 0x00, 0x03, 0x00}); // LFS ECX, [data]: the register stays when the selector is bad
    EXPECT_EQ(cpu.gpr[reg_ECX], 0u);
    expect_fault_of_instruction(Vector::GP, 0x3F8);
}

} // namespace
} // namespace truering::test
