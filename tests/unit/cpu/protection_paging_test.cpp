// Protection and paging together: page faults on tables and inner stacks, and CR3 in task switches.
#include "cpu/delivery.hpp"
#include "protected_bench.hpp"

namespace truering::test {

namespace {

constexpr u16 other_task = first_free, call_gate = first_free + 8;

class PagedProtection : public ProtectedBench {
  protected:
    static constexpr u32 directory = 0x10'0000, table = 0x10'1000, other_directory = 0x10'2000, other_table = 0x10'3000;
    static constexpr u32 rights = 7; // present, writable, user

    PagedProtection() {
        map_all(directory, table);
        map_all(other_directory, other_table);
        cpu.cr3 = directory;
        cpu.cr0 |= CR0_PG | CR0_WP;
        cpu.flush_tlb();
    }

    void map_all(u32 in_directory, u32 in_table) {
        put<u32>(in_directory, in_table | rights);
        for (u32 n = 0; n < 1024; ++n) put<u32>(in_table + 4 * n, n << 12 | rights);
    }
    void set_rights(u32 linear, u32 bits) {
        put<u32>(table + (linear >> 12) * 4, (linear & 0xFFFF'F000) | bits);
        cpu.flush_tlb();
    }
    // Page faults are handled at the program's own level, so that a bad inner stack does not come in their way.
    void handle_page_faults_on_the_same_stack() {
        gate(14, type_InterruptGate32, 0, conforming_0, handler(Vector::PF));
    }
    void tss_32(u32 cr3) {
        descriptor(other_task, tss_other, 0x67, access_tss32, Size::Bits16);
        put<u32>(tss_other + 0x1C, cr3);
        put<u32>(tss_other + 0x20, 0x1'8000);
        put<u32>(tss_other + 0x24, EFLAGS_fixed);
        put<u32>(tss_other + 0x38, stack_0);
        const u16 selectors[] = {data_0, code_0, data_0, data_0, 0, 0, 0};
        for (u32 n = 0; n < 7; ++n) put<u16>(tss_other + 0x48 + 4 * n, selectors[n]);
    }
    void jump_to_other_task() { run({0xEA, 0, 0, 0, 0, other_task, 0}); }
};

TEST_F(PagedProtection, InnerStackIsWrittenAsSupervisor) {
    set_rights(stack_0 - 4, 3); // not the user's
    enter_level(3);
    deliver(cpu, {.vector = 6});
    EXPECT_EQ(cpu.eip, handler(6u));
    EXPECT_EQ(stack(0), code);
}

TEST_F(PagedProtection, TablesAreReadAsSupervisor) {
    for (const u32 address : {gdt, idt, tss}) set_rights(address, 3);
    enter_level(3);
    cpu.gpr[reg_EAX] = data_3;
    run({0x8E, 0xD8});
    EXPECT_EQ(cpu.eip, code + 2);
    deliver(cpu, {.vector = 6});
    EXPECT_EQ(cpu.eip, handler(6u));
}

TEST_F(PagedProtection, AbsentInnerStack) {
    handle_page_faults_on_the_same_stack();
    set_rights(stack_0 - 4, 0);
    enter_level(3);
    deliver(cpu, {.vector = 0x20 - 1, .type = EventType::ExternalInterrupt});
    expect_fault(Vector::PF, pf_write); // a supervisor's, and without EXT
    EXPECT_EQ(cpu.cr2, stack_0 - 4);
    EXPECT_EQ(cpu.cpl, 3);
    EXPECT_EQ(cpu.gpr[reg_ESP], stack_3 - 16);
    EXPECT_EQ(stack(1), code);
}

TEST_F(PagedProtection, InnerStackAcrossAPageEdge) {
    handle_page_faults_on_the_same_stack();
    inner_stack(0, data_0, stack_0 + 8); // two items above the edge, the rest below
    set_rights(stack_0 - 4, 1);          // read-only
    enter_level(3);
    deliver(cpu, {.vector = 0x20 - 1, .type = EventType::ExternalInterrupt});
    expect_fault(Vector::PF, pf_present | pf_write);
    EXPECT_EQ(cpu.cr2, stack_0 - 4);
    EXPECT_EQ(cpu.segment[seg_SS].selector, data_3);
}

TEST_F(PagedProtection, PageFaultTwiceIsADoubleFault) {
    inner_stack(0, data_0, 0x3F'F000); // its page is there, but not the fault's first address
    set_rights(0x3F'E000, 0);
    gate(8, type_InterruptGate32, 0, conforming_0, handler(Vector::DF));
    enter_level(3);
    deliver(cpu, {.vector = 14, .has_error_code = true, .error_code = 4, .cr2 = 0x1234});
    expect_fault(Vector::DF, 0);
    EXPECT_EQ(cpu.cr2, 0x3F'EFFCu); // the later one's
}

TEST_F(PagedProtection, ReadOnlyGdtCannotTakeAccessedBits) {
    descriptor(first_free, 0, 0xFFFF, access_data);
    descriptor(code_0, 0, 0xFFFF'FFFF, access_code | 1); // the handler's own needs no writing
    set_rights(gdt, 1);
    cpu.gpr[reg_EAX] = first_free;
    run({0x8E, 0xD8});
    expect_fault_of_instruction(Vector::PF, pf_present | pf_write);
    EXPECT_EQ(cpu.segment[seg_DS].selector, data_0);
    set_rights(gdt, rights);
    descriptor(first_free, 0, 0xFFFF, access_data | 1);
    set_rights(gdt, 1);
    enter_level(0);
    run({0x8E, 0xD8}); // nothing to be written
    EXPECT_EQ(cpu.segment[seg_DS].selector, first_free);
}

TEST_F(PagedProtection, ParametersAreReadAsTheCaller) {
    gate_at(gdt + call_gate, type_CallGate32, 3, code_0, 0x9000, 1);
    set_rights(stack_3, 3);
    enter_level(3);
    run({0x9A, 0, 0, 0, 0, call_gate, 0});
    expect_fault_of_instruction(Vector::PF, pf_present | pf_user);
    EXPECT_EQ(cpu.cr2, stack_3);
}

TEST_F(PagedProtection, TaskSwitchLoadsCR3) {
    tss_32(other_directory);
    put<u32>(other_table + (data >> 12) * 4, 0x3'8000 | rights); // another page for the other task
    put<u32>(0x3'8000, 0x600D'600D);
    cpu.gpr[reg_EAX] = 0;
    run({0xA1, 0x00, 0x00, 0x03, 0x00}); // MOV EAX, [data]: in the TLB from here on
    EXPECT_EQ(cpu.gpr[reg_EAX], 0u);
    jump_to_other_task();
    EXPECT_EQ(cpu.cr3, other_directory);
    run({0xA1, 0x00, 0x00, 0x03, 0x00});
    EXPECT_EQ(cpu.gpr[reg_EAX], 0x600D'600Du);
}

TEST_F(PagedProtection, TaskSwitchThatCannotSaveChangesNothing) {
    tss_32(directory);
    set_rights(tss, 1);
    jump_to_other_task();
    expect_fault_of_instruction(Vector::PF, pf_present | pf_write);
    EXPECT_EQ(cpu.segment[seg_TR].selector, tss_main);
    EXPECT_EQ(access_byte(tss_main) & 2, 2);
    EXPECT_EQ(access_byte(other_task) & 2, 0);
}

TEST_F(PagedProtection, BadPageDirectoryPointersAreTheNewTasksFault) {
    constexpr u32 pointers = 0x10'4000, bad_pointers = 0x10'4020, pae_directory = 0x10'5000;
    for (u32 n = 0; n < 2; ++n) put<u64>(pae_directory + 8 * n, u64{n} << 21 | 0x83); // 2-MiB pages
    put<u64>(pointers, u64{pae_directory} | 1);
    put<u64>(bad_pointers, u64{pae_directory} | 1 | 2); // a reserved bit
    cpu.cr3 = pointers;
    cpu.pdpte[0] = u64{pae_directory} | 1;
    cpu.cr4 |= CR4_PAE | CR4_PSE;
    cpu.flush_tlb();
    tss_32(bad_pointers);
    put<u32>(tss_other + 4, stack_0);
    put<u32>(tss_other + 8, data_0);
    jump_to_other_task();
    expect_fault(Vector::GP, 0);
    EXPECT_EQ(cpu.segment[seg_TR].selector, other_task);
    EXPECT_EQ(cpu.cr3, pointers);
    EXPECT_EQ(stack(1), 0x1'8000u);
}

} // namespace
} // namespace truering::test
