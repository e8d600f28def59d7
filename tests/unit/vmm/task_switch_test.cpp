// What of a task switch is the VMM's own: where the visible IF lives, what the cut-short event leaves in the old image,
// EXT and double faults, NMI blocking, the T bit, and records that an entry accepts whatever the guest's memory holds.
#include "vmm/task_switch.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace vmm_test {
namespace {

using namespace truering;
using ringmaster::PageFault;
using ringmaster::TaskVerdict;
using Answer = TaskVerdict::Answer;

constexpr u32 gdt = 0x100, old_tss = 0x400, new_tss = 0x600, stack_top = 0x2000;
constexpr u16 code = 0x08, data = 0x10, old_task = 0x18, new_task = 0x20;
constexpr u32 IF = 1u << 9, NT = 1u << 14, RF = 1u << 16;
constexpr u32 eip_at = 0x20, eflags_at = 0x24;

class TaskSwitch : public testing::Test {
  protected:
    TaskSwitch() {
        descriptor(code, 0, 0xF'FFFF, 0x9B, 0xC);
        descriptor(data, 0, 0xF'FFFF, 0x93, 0xC);
        descriptor(old_task, old_tss, 0x67, 0x8B, 0);
        descriptor(new_task, new_tss, 0x67, 0x89, 0);
        put<u32>(new_tss + eip_at, 0x1234);
        put<u32>(new_tss + eflags_at, 2);
        put<u32>(new_tss + 0x38, stack_top);
        put<u16>(new_tss + 0x4C, code);
        put<u16>(new_tss + 0x50, data);

        guest.eip = 0x5000;
        guest.eflags = 2;
        guest.cr0 = 0x11;
        for (unsigned n = 0; n < 6; ++n) guest.segment[n] = {data, 0xC93, ~u32{0}, 0};
        guest.segment[1] = {code, 0xC9B, ~u32{0}, 0};
        guest.segment[6] = {0, v32::attributes_unusable, 0, 0};
        guest.segment[7] = {old_task, 0x8B, 0x67, old_tss};
        guest.gdtr = {0x27, gdt};
    }

    void descriptor(u16 selector, u32 base, u32 limit, u32 access, u32 flags) {
        put<u32>(gdt + selector, (limit & 0xFFFF) | base << 16);
        put<u32>(gdt + selector + 4u, (base >> 16 & 0xFF) | access << 8 | (limit & 0xF'0000) | flags << 20);
    }
    template <class T> void put(u32 at, T value) { std::memcpy(&memory[at], &value, sizeof value); }
    template <class T> T get(u32 at) {
        T value;
        std::memcpy(&value, &memory[at], sizeof value);
        return value;
    }

    TaskVerdict run(u32 source, v32::IfPolicy policy = v32::IF_SHADOW) {
        exit.qualification = (source == v32::task_IRET ? old_task : new_task) | source;
        if (source == v32::task_IRET) descriptor(old_task, new_tss, 0x67, 0x8B, 0); // another busy one
        exit.instruction_length = 2;
        return ringmaster::switch_task(guest, exit, policy, {this, read, write, probe, load_CR3, write});
    }
    TaskVerdict deliver(u32 type, u32 vector_and_flags, v32::IfPolicy policy = v32::IF_SHADOW) {
        exit.vectoring_event = v32::event_valid | type << v32::event_type_shift | vector_and_flags;
        return run(v32::task_gate, policy);
    }
    void break_new_stack() { put<u16>(new_tss + 0x50, 0x0C); }
    static u32 exception(u32 vector, u32 with = v32::event_has_error_code) {
        return v32::event_valid | 3u << v32::event_type_shift | vector | with;
    }

    static bool reaches(TaskSwitch& self, u32 linear, u32 size, PageFault& fault) {
        if (linear < self.memory.size() && linear + size <= self.memory.size()) return true;
        fault = {0, linear};
        return false;
    }
    static bool read(void* self, u32 linear, void* to, u32 size, PageFault& fault) {
        TaskSwitch& t = *static_cast<TaskSwitch*>(self);
        if (!reaches(t, linear, size, fault)) return false;
        std::memcpy(to, &t.memory[linear], size);
        return true;
    }
    static bool write(void* self, u32 linear, const void* from, u32 size, PageFault& fault) {
        TaskSwitch& t = *static_cast<TaskSwitch*>(self);
        if (!reaches(t, linear, size, fault)) return false;
        std::memcpy(&t.memory[linear], from, size);
        return true;
    }
    static bool probe(void* self, u32 linear, u32 size, PageFault& fault) {
        return reaches(*static_cast<TaskSwitch*>(self), linear, size, fault);
    }
    static bool load_CR3(void* self, u32) { return static_cast<TaskSwitch*>(self)->good_CR3; }

    std::vector<u8> memory = std::vector<u8>(0x4000);
    v32::StateRecord guest = {};
    v32::ExitInformation exit = {};
    bool good_CR3 = true;
};

TEST_F(TaskSwitch, SavesTheVisibleIFAndLoadsIt) {
    for (const v32::IfPolicy policy : {v32::IF_TRAP, v32::IF_SHADOW}) {
        guest.segment[7] = {old_task, 0x8B, 0x67, old_tss};
        descriptor(new_task, new_tss, 0x67, 0x89, 0);
        guest.sif = 1;
        guest.eflags = 2; // the physical mask
        EXPECT_EQ(run(v32::task_JMP, policy).answer, Answer::Switched);
        EXPECT_EQ(get<u32>(old_tss + eflags_at), 2 | IF);
        EXPECT_EQ(guest.sif, 0);
        EXPECT_EQ(guest.eflags, 2);
    }
    put<u32>(new_tss + eflags_at, 2 | IF);
    guest.segment[7] = {old_task, 0x8B, 0x67, old_tss};
    descriptor(new_task, new_tss, 0x67, 0x89, 0);
    EXPECT_EQ(run(v32::task_JMP, v32::IF_DIRECT).answer, Answer::Switched);
    EXPECT_EQ(guest.sif, 1);
    EXPECT_EQ(guest.eflags, 2 | IF);
}

TEST_F(TaskSwitch, ResumesBehindTheInstructionOrAtTheFault) {
    run(v32::task_CALL);
    EXPECT_EQ(get<u32>(old_tss + eip_at), 0x5002);
    EXPECT_EQ(get<u16>(new_tss), old_task);
    EXPECT_NE(guest.eflags & NT, 0);
}

TEST_F(TaskSwitch, AFaultThroughAGateSavesRFAndItsOwnEIP) {
    exit.vectoring_error_code = 0x1'2345;
    EXPECT_EQ(deliver(v32::event_exception, 13 | v32::event_has_error_code).answer, Answer::Switched);
    EXPECT_EQ(get<u32>(old_tss + eip_at), 0x5000);
    EXPECT_NE(get<u32>(old_tss + eflags_at) & RF, 0);
    EXPECT_EQ(guest.gpr[4], stack_top - 4);
    EXPECT_EQ(get<u32>(stack_top - 4), 0x1'2345);
}

TEST_F(TaskSwitch, ADebugTrapSavesNoRFAndACodeBreakpointDoes) {
    guest.dr6 = 1;
    guest.dr7 = 1u << 16; // DR0 watches stores
    deliver(v32::event_exception, 1);
    EXPECT_EQ(get<u32>(old_tss + eflags_at) & RF, 0);
}

TEST_F(TaskSwitch, ACodeBreakpointSavesRF) {
    guest.dr6 = 1;
    guest.dr7 = 0;
    deliver(v32::event_exception, 1);
    EXPECT_NE(get<u32>(old_tss + eflags_at) & RF, 0);
}

TEST_F(TaskSwitch, INTResumesBehindItself) {
    deliver(v32::event_INT, 0x80 | 2u << v32::event_length_shift);
    EXPECT_EQ(get<u32>(old_tss + eip_at), 0x5002);
    EXPECT_EQ(get<u32>(old_tss + eflags_at) & RF, 0);
}

TEST_F(TaskSwitch, NMIBlocksAndIRETUnblocks) {
    guest.interruptibility = 3;
    deliver(v32::event_NMI, 2);
    EXPECT_EQ(guest.interruptibility, 4);
}

TEST_F(TaskSwitch, IRETUnblocksNMIEvenIfItFaults) {
    guest.interruptibility = 4;
    break_new_stack();
    EXPECT_EQ(run(v32::task_IRET).answer, Answer::Inject);
    EXPECT_EQ(guest.interruptibility, 0);
}

TEST_F(TaskSwitch, EXTTellsOutsideEventsFromTheProgramsOwn) {
    break_new_stack();
    TaskVerdict verdict = deliver(v32::event_external, 0x30);
    EXPECT_EQ(verdict.event, exception(10));
    EXPECT_EQ(verdict.error_code, 0x0D);
    EXPECT_EQ(guest.segment[7].selector, new_task); // the fault is the new task's
    EXPECT_EQ(guest.eip, 0x1234);
}

TEST_F(TaskSwitch, INTLeavesEXTClear) {
    break_new_stack();
    EXPECT_EQ(deliver(v32::event_INT, 0x80 | 2u << v32::event_length_shift).error_code, 0x0C);
}

TEST_F(TaskSwitch, FaultsOfADeliveryAddUp) {
    struct Row {
        u32 first;
        Answer answer;
        u32 event;
    };
    constexpr u32 with = v32::event_has_error_code;
    for (const Row& row : {Row{13 | with, Answer::Inject, exception(8)}, Row{14 | with, Answer::Inject, exception(8)},
                           Row{0, Answer::Inject, exception(8)}, Row{17 | with, Answer::Inject, exception(10)},
                           Row{6, Answer::Inject, exception(10)}, Row{8 | with, Answer::Shutdown, 0}}) {
        SCOPED_TRACE(row.first);
        guest.segment[7] = {old_task, 0x8B, 0x67, old_tss};
        guest.gdtr = {0x27, gdt};
        descriptor(new_task, new_tss, 0x67, 0x89, 0);
        break_new_stack();
        const TaskVerdict verdict = deliver(v32::event_exception, row.first);
        EXPECT_EQ(verdict.answer, row.answer);
        EXPECT_EQ(verdict.event, row.event);
    }
}

TEST_F(TaskSwitch, APageFaultOfADeliveryOfAPageFaultIsADoubleFault) {
    descriptor(new_task, 0x8000, 0x67, 0x89, 0); // nothing is there
    EXPECT_EQ(deliver(v32::event_exception, 14 | v32::event_has_error_code).event, exception(8));
    EXPECT_EQ(guest.cr2, 0x8000);
    EXPECT_EQ(deliver(v32::event_exception, 13 | v32::event_has_error_code).event, exception(14));
    EXPECT_EQ(guest.segment[7].selector, old_task);
}

TEST_F(TaskSwitch, TheTBitIsADebugTrapOfTheNewTask) {
    put<u16>(new_tss + 0x64, 1);
    const TaskVerdict verdict = run(v32::task_JMP);
    EXPECT_EQ(verdict.answer, Answer::Inject);
    EXPECT_EQ(verdict.event, exception(1, 0));
    EXPECT_NE(guest.dr6 & 1u << 15, 0);
    EXPECT_EQ(guest.eflags & RF, 0);
}

TEST_F(TaskSwitch, ABadCR3IsTheNewTasksFault) {
    guest.cr0 = 0x8000'0011;
    put<u32>(new_tss + 0x1C, 0x7000);
    good_CR3 = false;
    const TaskVerdict verdict = run(v32::task_JMP);
    EXPECT_EQ(verdict.event, exception(13));
    EXPECT_EQ(guest.segment[7].selector, new_task);
    EXPECT_EQ(guest.cr3, 0);
}

// What an entry refuses (docs/v32.md 7.1): no content of memory leads there.
TEST_F(TaskSwitch, LeavesARecordThatCanBeEntered) {
    std::mt19937 random(7);
    const v32::StateRecord start = guest;
    for (unsigned round = 0; round < 4'000; ++round) {
        guest = start;
        for (u32 at = 0; at < new_tss + 0x68; ++at)
            if (random() % 4 == 0) memory[at] = static_cast<u8>(random());
        descriptor(new_task, random() % 8 == 0 ? static_cast<u32>(random()) : new_tss, 0x67, random() % 2 ? 0x89 : 0x81,
                   0);
        if (random() % 4 != 0) {
            descriptor(code, 0, 0xF'FFFF, 0x9B, 0xC);
            descriptor(data, 0, 0xF'FFFF, 0x93, 0xC);
        }
        exit.vectoring_event = static_cast<u32>(random()) | v32::event_valid;
        exit.vectoring_error_code = static_cast<u32>(random());
        (void)run(static_cast<u32>(random() % 4) << 16);
        ASSERT_EQ(guest.segment[1].attributes & 0x8000, 0);
        ASSERT_EQ(guest.eflags & ~0x3F'7FD5u, 2u);
        ASSERT_LE(guest.cpl, 3u);
        ASSERT_EQ(guest.segment[7].attributes & 0x87, 0x83);
        for (unsigned n = 0; n < 7; ++n) {
            const v32::SegmentRecord& s = guest.segment[n];
            ASSERT_EQ(s.attributes & 0x7000, 0);
            if ((s.attributes & 0x8000) != 0) continue;
            ASSERT_NE(s.attributes & 0x80, 0);
            ASSERT_EQ((s.attributes & 0x10) != 0, n != 6);
            if ((guest.eflags & 1u << 17) == 0 || n == 6) continue;
            ASSERT_EQ(s.base, s.selector * 16u);
            ASSERT_EQ(s.limit, 0xFFFFu);
            ASSERT_EQ(s.attributes, 0xF3);
        }
        if ((guest.eflags & 1u << 17) != 0) {
            ASSERT_EQ(guest.cpl, 3u);
        }
    }
}

} // namespace
} // namespace vmm_test
