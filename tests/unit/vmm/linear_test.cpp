// The guest's linear memory as the VMM uses it: across pages, with faults, where nothing answers.
#include "tests/unit/vmm/shadow_machine.hpp"
#include "vmm/shadow/linear.hpp"

namespace vmm_test {
namespace {

using ringmaster::LinearMemory;
using ringmaster::LinearOutcome;
using ringmaster::Privilege;

constexpr u32 first = 0x12, second = 0x13, border = 0x1'3000; // two frames, one behind the other
constexpr u32 directory = 0x10, table = 0x11;

class Linear : public testing::Test {
  protected:
    void start_paging(u32 second_page) {
        machine.memory.store(directory << 12, table << 12 | 7, 4);
        machine.memory.store((table << 12) + first * 4, first << 12 | 7, 4);
        machine.memory.store((table << 12) + second * 4, second_page, 4);
        ASSERT_EQ(machine.shadow.load_CR3(directory << 12), ringmaster::Load::Done);
        ASSERT_EQ(machine.shadow.load_CR0(0x8001'0000), ringmaster::Load::Done);
    }
    u32 entry(u32 page) { return static_cast<u32>(machine.memory.read((table << 12) + page * 4, 4)); }

    ShadowMachine machine{128};
    LinearMemory supervisor{machine.shadow, Privilege::Supervisor}, user{machine.shadow, Privilege::User};
    u32 value = 0x4433'2211;
};

TEST_F(Linear, CrossesPages) {
    EXPECT_EQ(supervisor.write(border - 1, &value, 4), LinearOutcome::Done);
    EXPECT_EQ(machine.memory.bytes(first)[0xFFF], 0x11);
    EXPECT_EQ(machine.memory.bytes(second)[2], 0x44);
    u32 read = 0;
    EXPECT_EQ(user.read(border - 1, &read, 4), LinearOutcome::Done);
    EXPECT_EQ(read, value);
}

TEST_F(Linear, ReadsOnesWhereNothingAnswers) {
    u32 read = 0;
    EXPECT_EQ(supervisor.write(TableMemory::hidden_first << 12, &value, 4), LinearOutcome::Done);
    EXPECT_EQ(supervisor.read(TableMemory::hidden_first << 12, &read, 4), LinearOutcome::Done);
    EXPECT_EQ(read, ~u32{0});
}

TEST_F(Linear, AFaultNamesItsPageAndStopsThere) {
    start_paging(second << 12 | 5); // read-only
    EXPECT_EQ(supervisor.write(border - 1, &value, 4), LinearOutcome::Faulted);
    EXPECT_EQ(supervisor.fault().linear, border);
    EXPECT_EQ(supervisor.fault().error_code, 3u);
    EXPECT_EQ(machine.memory.bytes(first)[0xFFF], 0x11);
    EXPECT_EQ(machine.memory.bytes(second)[0], 0);
    EXPECT_EQ(entry(first) & 0x60, 0x60u);
    EXPECT_EQ(entry(second) & 0x60, 0u);
}

TEST_F(Linear, PrivilegeCounts) {
    start_paging(second << 12 | 3);
    EXPECT_EQ(supervisor.probe_write(border - 1, 4), LinearOutcome::Done);
    EXPECT_EQ(user.probe_write(border - 1, 4), LinearOutcome::Faulted);
    EXPECT_EQ(user.fault().error_code, 7u);
    EXPECT_EQ(machine.memory.bytes(first)[0xFFF], 0);
}

// A store of the VMM into a table counts as one of the guest.
TEST_F(Linear, AStoreToATableShowsBehindAFlush) {
    start_paging(table << 12 | 7);
    EXPECT_EQ(machine.access(first << 12, Kind::Read, Ring::User).frame, first);
    const u32 other = 0x14 << 12 | 0x67;
    EXPECT_EQ(supervisor.write((second << 12) + first * 4, &other, 4), LinearOutcome::Done);
    machine.shadow.invalidate(first << 12);
    EXPECT_EQ(machine.access(first << 12, Kind::Read, Ring::User).frame, 0x14u);
}

} // namespace
} // namespace vmm_test
