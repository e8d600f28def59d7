// Hardware task switches (SDM vol. 3A, chapter 7).
#include "cpu/delivery.hpp"
#include "protected_bench.hpp"

namespace truering::test {

namespace {

constexpr u16 other_task = first_free, task_gate = first_free + 8, free_1 = first_free + 16, free_2 = first_free + 24;
constexpr u8 busy = 2;

// What the incoming task's TSS holds.
struct Fields {
    u32 eip = 0x1'8000, eflags = EFLAGS_fixed, esp = 0x2'F000, cr3 = 0;
    u16 cs = code_0, ss = data_0, ds = data_0, es = data_0, fs = 0, gs = 0, ldt = 0, trap = 0;
};

class TaskSwitching : public ProtectedBench {
  protected:
    TaskSwitching() {
        descriptor(other_task, tss_other, 0x67, access_tss32, Size::Bits16);
        gate_at(gdt + task_gate, type_TaskGate, 0, other_task, 0);
        for (u32 n = 0; n < 8; ++n) cpu.gpr[n] = n == reg_ESP ? stack_0 : 0x1111'0000 + n;
    }

    void tss_32(const Fields& f) {
        put<u32>(tss_other + 4, stack_1); // ESP0
        put<u32>(tss_other + 8, data_0);
        put<u32>(tss_other + 0x1C, f.cr3);
        put<u32>(tss_other + 0x20, f.eip);
        put<u32>(tss_other + 0x24, f.eflags);
        for (u32 n = 0; n < 8; ++n) put<u32>(tss_other + 0x28 + 4 * n, n == reg_ESP ? f.esp : 0x2222'0000 + n);
        const u16 selectors[] = {f.es, f.cs, f.ss, f.ds, f.fs, f.gs, f.ldt};
        for (u32 n = 0; n < 7; ++n) put<u16>(tss_other + 0x48 + 4 * n, selectors[n]);
        put<u16>(tss_other + 0x64, f.trap);
        put<u8>(f.eip, 0xF4);
    }

    void jump_to(u16 selector) { run({0xEA, 0, 0, 0, 0, static_cast<u8>(selector), static_cast<u8>(selector >> 8)}); }
    void call_to(u16 selector) { run({0x9A, 0, 0, 0, 0, static_cast<u8>(selector), static_cast<u8>(selector >> 8)}); }
    // A fault of the new task: its context is there, and its TSS is in TR.
    void expect_fault_of_new_task(Vector vector, u32 error_code, u32 eip = Fields{}.eip) {
        expect_fault(vector, error_code);
        EXPECT_EQ(cpu.segment[seg_TR].selector, other_task);
        EXPECT_EQ(stack(1), eip);
        EXPECT_EQ(cpu.gpr[reg_EDI], 0x2222'0007u);
    }
    void expect_fault_of_old_task(Vector vector, u32 error_code) {
        expect_fault_of_instruction(vector, error_code);
        EXPECT_EQ(cpu.segment[seg_TR].selector, tss_main);
        EXPECT_EQ(access_byte(tss_main) & busy, busy);
        EXPECT_EQ(cpu.cr0 & CR0_TS, 0u);
    }
};

TEST_F(TaskSwitching, JumpSavesAndLoads) {
    tss_32({.eflags = EFLAGS_fixed | EFLAGS_IF, .fs = data_3});
    cpu.dr7 |= 0x155 | 0x2;
    cpu.set_eflags(EFLAGS_DF, EFLAGS_DF);
    jump_to(other_task);

    EXPECT_EQ(get<u32>(tss + 0x20), code + 7);
    EXPECT_EQ(get<u32>(tss + 0x24), u32{EFLAGS_fixed | EFLAGS_DF});
    EXPECT_EQ(get<u32>(tss + 0x28), 0x1111'0000u);
    EXPECT_EQ(get<u32>(tss + 0x38), stack_0);
    EXPECT_EQ(get<u32>(tss + 0x44), 0x1111'0007u);
    EXPECT_EQ(get<u16>(tss + 0x48), data_0);
    EXPECT_EQ(get<u16>(tss + 0x4C), code_0);
    EXPECT_EQ(access_byte(tss_main) & busy, 0);

    EXPECT_EQ(access_byte(other_task) & busy, busy);
    EXPECT_EQ(cpu.segment[seg_TR].selector, other_task);
    EXPECT_EQ(cpu.segment[seg_TR].base, tss_other);
    EXPECT_EQ(cpu.segment[seg_TR].attributes & attr_type, 11);
    EXPECT_EQ(cpu.eip, 0x1'8000u);
    EXPECT_EQ(cpu.gpr[reg_EAX], 0x2222'0000u);
    EXPECT_EQ(cpu.gpr[reg_ESP], 0x2'F000u);
    EXPECT_EQ(cpu.eflags(), u32{EFLAGS_fixed | EFLAGS_IF});
    EXPECT_EQ(cpu.segment[seg_FS].selector, data_3);
    EXPECT_FALSE(cpu.segment[seg_GS].usable());
    EXPECT_NE(cpu.cr0 & CR0_TS, 0u);
    EXPECT_EQ(cpu.dr7 & 0x3FF, 0x2u);
    EXPECT_EQ(get<u16>(tss_other), 0);
}

TEST_F(TaskSwitching, CallNestsAndIRETReturns) {
    tss_32({});
    call_to(other_task);
    EXPECT_EQ(get<u16>(tss_other), tss_main);
    EXPECT_TRUE(cpu.flag(EFLAGS_NT));
    EXPECT_EQ(access_byte(tss_main) & busy, busy);
    EXPECT_EQ(access_byte(other_task) & busy, busy);

    cpu.gpr[reg_ECX] = 0x3333'3333;
    run({0xCF});
    EXPECT_EQ(cpu.segment[seg_TR].selector, tss_main);
    EXPECT_EQ(cpu.eip, code + 7);
    EXPECT_EQ(cpu.gpr[reg_ECX], 0x1111'0001u);
    EXPECT_FALSE(cpu.flag(EFLAGS_NT));
    EXPECT_EQ(access_byte(other_task) & busy, 0);
    EXPECT_EQ(access_byte(tss_main) & busy, busy);
    EXPECT_EQ(get<u32>(tss_other + 0x20), 0x1'8001u);
    EXPECT_EQ(get<u32>(tss_other + 0x24) & EFLAGS_NT, 0u);
    EXPECT_EQ(get<u32>(tss_other + 0x2C), 0x3333'3333u);
}

TEST_F(TaskSwitching, TaskGateInTheGdt) {
    tss_32({});
    jump_to(task_gate);
    EXPECT_EQ(cpu.segment[seg_TR].selector, other_task);
    EXPECT_EQ(cpu.eip, 0x1'8000u);
}

TEST_F(TaskSwitching, TaskGateDeliversWithErrorCode) {
    tss_32({});
    gate(13, type_TaskGate, 0, other_task, 0);
    cpu.set_eflags(EFLAGS_IF, EFLAGS_IF);
    deliver(cpu, {.vector = 13, .has_error_code = true, .error_code = 0x58});
    EXPECT_EQ(cpu.segment[seg_TR].selector, other_task);
    EXPECT_EQ(cpu.gpr[reg_ESP], 0x2'F000u - 4);
    EXPECT_EQ(stack(0), 0x58u);
    EXPECT_EQ(get<u32>(tss + 0x20), code);
    EXPECT_EQ(get<u32>(tss + 0x24), u32{EFLAGS_fixed | EFLAGS_IF | EFLAGS_RF});
    EXPECT_TRUE(cpu.flag(EFLAGS_NT));
}

TEST_F(TaskSwitching, DoubleFaultThroughATaskGate) {
    tss_32({});
    gate(8, type_TaskGate, 0, other_task, 0);
    cpu.gpr[reg_ESP] = 0; // flat, so that wrapping is allowed: the stack segment is made bad instead
    descriptor(free_1, 0, 0xF, access_data);
    load(seg_SS, free_1);
    cpu.gpr[reg_ESP] = 4;
    deliver(cpu, {.vector = 13, .has_error_code = true, .error_code = 0});
    EXPECT_EQ(cpu.segment[seg_TR].selector, other_task);
    EXPECT_EQ(stack(0), 0u);
    EXPECT_EQ(get<u32>(tss + 0x38), 4u);
}

TEST_F(TaskSwitching, SixteenBitTask) {
    descriptor(other_task, tss_other, 0x2B, access_tss16, Size::Bits16);
    put<u16>(tss_other + 14, 0x8123);
    put<u16>(tss_other + 16, EFLAGS_fixed | EFLAGS_IF);
    for (u32 n = 0; n < 8; ++n) put<u16>(tss_other + 18 + 2 * n, static_cast<u16>(0x4440 + n));
    const u16 selectors[] = {data_0, code_0, data_0, data_0, 0};
    for (u32 n = 0; n < 5; ++n) put<u16>(tss_other + 34 + 2 * n, selectors[n]);
    jump_to(other_task);
    EXPECT_EQ(cpu.eip, 0x8123u);
    EXPECT_EQ(cpu.gpr[reg_EBX], 0xFFFF'4443u);
    EXPECT_EQ(cpu.segment[seg_DS].selector, data_0);
    EXPECT_FALSE(cpu.segment[seg_FS].usable());
    EXPECT_EQ(cpu.segment[seg_TR].attributes & attr_type, 3);
    // And back out of it.
    run({0xEA, 0, 0, 0, 0, tss_main, 0});
    EXPECT_EQ(cpu.segment[seg_TR].selector, tss_main);
    EXPECT_EQ(get<u16>(tss_other + 14), 0x812A);
    EXPECT_EQ(get<u16>(tss_other + 24), 0x4443);
    EXPECT_EQ(access_byte(other_task) & busy, 0);
}

TEST_F(TaskSwitching, ToLevelThree) {
    tss_32({.cs = code_3, .ss = data_3, .ds = data_3, .es = data_3});
    jump_to(other_task);
    EXPECT_EQ(cpu.cpl, 3);
    EXPECT_EQ(cpu.segment[seg_SS].selector, data_3);
}

TEST_F(TaskSwitching, ToVirtual8086Mode) {
    tss_32({.eip = 0x123, .eflags = EFLAGS_fixed | EFLAGS_VM, .cs = 0x1000, .ss = 0x2000, .ds = 0x3000});
    jump_to(other_task);
    EXPECT_TRUE(cpu.v86_mode());
    EXPECT_EQ(cpu.cpl, 3);
    EXPECT_EQ(cpu.segment[seg_CS].base, 0x1'0000u);
    EXPECT_EQ(cpu.segment[seg_DS].base, 0x3'0000u);
    EXPECT_EQ(cpu.segment[seg_SS].limit, 0xFFFFu);
}

TEST_F(TaskSwitching, LdtOfTheTask) {
    descriptor(free_1, ldt, 0xFF, access_ldt);
    descriptor(0x08, 0x5000, 0xFFF, access_data, Size::Bits32, ldt);
    tss_32({.ds = 0x0C, .ldt = free_1});
    jump_to(other_task);
    EXPECT_EQ(cpu.segment[seg_LDTR].base, ldt);
    EXPECT_EQ(cpu.segment[seg_DS].base, 0x5000u);
}

TEST_F(TaskSwitching, TBitTrapsBeforeTheFirstInstruction) {
    tss_32({.trap = 1});
    jump_to(other_task);
    EXPECT_EQ(cpu.eip, 0x1'8000u);
    last = cpu.run(1);
    EXPECT_EQ(cpu.eip, handler(1u));
    EXPECT_EQ(cpu.dr6 & (DR6_BT | DR6_BS), u32{DR6_BT});
    EXPECT_EQ(stack(0), 0x1'8000u);
}

TEST_F(TaskSwitching, TheOldTasksSingleStepStaysBehind) {
    tss_32({});
    cpu.set_eflags(EFLAGS_TF, EFLAGS_TF);
    jump_to(other_task);
    EXPECT_EQ(cpu.pending_debug, 0u);
    EXPECT_NE(get<u32>(tss + 0x24) & EFLAGS_TF, 0u);
}

TEST_F(TaskSwitching, ToItself) {
    // IRET through a link to the task's own TSS: the state saved is the state loaded.
    put<u16>(tss, tss_main);
    cpu.set_eflags(EFLAGS_NT, EFLAGS_NT);
    run({0xCF});
    EXPECT_EQ(cpu.eip, code + 1);
    EXPECT_EQ(cpu.gpr[reg_EDI], 0x1111'0007u);
    EXPECT_FALSE(cpu.flag(EFLAGS_NT));
}

// ---- Faults of the old task

TEST_F(TaskSwitching, BusyTask) {
    jump_to(tss_main);
    expect_fault_of_old_task(Vector::GP, tss_main);
}

TEST_F(TaskSwitching, PrivilegeOfTheTssDescriptor) {
    enter_level(3);
    jump_to(other_task | 3);
    expect_fault_of_old_task(Vector::GP, other_task);
}

TEST_F(TaskSwitching, AbsentTask) {
    descriptor(other_task, tss_other, 0x67, absent(access_tss32), Size::Bits16);
    call_to(other_task);
    expect_fault_of_old_task(Vector::NP, other_task);
    enter_level(0);
    jump_to(task_gate);
    expect_fault_of_old_task(Vector::NP, other_task);
}

TEST_F(TaskSwitching, AbsentTaskGate) {
    put<u8>(gdt + task_gate + 5, type_TaskGate);
    jump_to(task_gate);
    expect_fault_of_old_task(Vector::NP, task_gate);
}

TEST_F(TaskSwitching, ShortTask) {
    descriptor(other_task, tss_other, 0x66, access_tss32, Size::Bits16);
    jump_to(other_task);
    expect_fault_of_old_task(Vector::TS, other_task);
}

TEST_F(TaskSwitching, IRETNeedsABusyTask) {
    put<u16>(tss, other_task);
    cpu.set_eflags(EFLAGS_NT, EFLAGS_NT);
    run({0xCF});
    expect_fault_of_old_task(Vector::TS, other_task);
    enter_level(0);
    put<u16>(tss, other_task | 4);
    cpu.set_eflags(EFLAGS_NT, EFLAGS_NT);
    run({0xCF});
    expect_fault_of_old_task(Vector::TS, other_task | 4);
}

TEST_F(TaskSwitching, TaskGateInTheIdtSetsEXT) {
    descriptor(other_task, tss_other, 0x67, access_tss32 | busy, Size::Bits16);
    gate(0x40, type_TaskGate, 0, other_task, 0);
    deliver(cpu, {.vector = 0x40, .type = EventType::ExternalInterrupt});
    expect_fault(Vector::GP, other_task | 1);
}

// ---- Faults of the new task

TEST_F(TaskSwitching, BadLdt) {
    tss_32({.ldt = data_0});
    jump_to(other_task);
    expect_fault_of_new_task(Vector::TS, data_0);
    EXPECT_EQ(stack(2), code_0);
}

TEST_F(TaskSwitching, BadLdtFaultsOnTheNewTasksInnerStack) {
    tss_32({.ldt = data_0});
    jump_to(other_task);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_1 - 24);
}

TEST_F(TaskSwitching, BadStackSegment) {
    tss_32({.ss = 0});
    jump_to(other_task);
    expect_fault_of_new_task(Vector::TS, 0);
}

TEST_F(TaskSwitching, AbsentStackSegment) {
    descriptor(free_1, 0, 0xFFFF, absent(access_data));
    tss_32({.ss = free_1});
    jump_to(other_task);
    expect_fault_of_new_task(Vector::SS, free_1);
}

TEST_F(TaskSwitching, StackSegmentOfAnotherLevel) {
    tss_32({.ss = data_3});
    jump_to(other_task);
    expect_fault_of_new_task(Vector::TS, data_3 & 0xFFFC);
}

TEST_F(TaskSwitching, BadDataSegment) {
    descriptor(free_1, 0, 0xFFFF, access_execute_only);
    tss_32({.es = free_1});
    jump_to(other_task);
    expect_fault_of_new_task(Vector::TS, free_1);
}

TEST_F(TaskSwitching, AbsentDataSegment) {
    descriptor(free_1, 0, 0xFFFF, absent(access_data));
    tss_32({.gs = free_1});
    jump_to(other_task);
    expect_fault_of_new_task(Vector::NP, free_1);
}

TEST_F(TaskSwitching, DataSegmentOfAnInnerLevel) {
    tss_32({.cs = code_3, .ss = data_3, .ds = data_0, .es = data_3});
    jump_to(other_task);
    expect_fault_of_new_task(Vector::TS, data_0);
}

TEST_F(TaskSwitching, BadCodeSegment) {
    tss_32({.cs = data_0});
    jump_to(other_task);
    expect_fault_of_new_task(Vector::TS, data_0);
}

TEST_F(TaskSwitching, AbsentCodeSegment) {
    descriptor(free_1, 0, 0xFFFF'FFFF, absent(access_code));
    tss_32({.cs = free_1});
    jump_to(other_task);
    expect_fault_of_new_task(Vector::NP, free_1);
}

TEST_F(TaskSwitching, EipBeyondTheCodeSegment) {
    descriptor(free_1, 0, 0x1'7FFF, access_code);
    tss_32({.cs = free_1});
    jump_to(other_task);
    expect_fault_of_new_task(Vector::GP, 0);
}

TEST_F(TaskSwitching, FaultBehindTheCommitPointOfADelivery) {
    tss_32({.ss = free_2});
    descriptor(free_2, 0, 0xFFFF, access_read_only);
    gate(0x40, type_TaskGate, 0, other_task, 0);
    deliver(cpu, {.vector = 0x40, .type = EventType::ExternalInterrupt});
    expect_fault_of_new_task(Vector::TS, free_2 | 1);
}

} // namespace
} // namespace truering::test
