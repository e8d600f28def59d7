// V32 mode from the host's side: what the images of tests/v32 cannot see of it. The rules themselves are proven there.
#include "base/control_area.h"
#include "cpu/interpreter/block_cache.hpp"
#include "tests/unit/cpu/protected_bench.hpp"

#include <cstring>

namespace truering::test {
namespace {

using namespace v32;

class V32 : public ProtectedBench {
  protected:
    static constexpr u32 area_at = 0x10'0000, directory = 0x10'1000, guest_code = 0x5'0000, vmm_code = code;

    V32() {
        // One large page, one to one, for both sides.
        put<u32>(directory, 0x83);
        cpu.cr3 = directory;
        cpu.cr4 = CR4_PSE;
        cpu.cr0 |= CR0_PG;
        cpu.flush_tlb();
        gate(V32_VECTOR_VT, type_InterruptGate32, 0, code_0, handler(V32_VECTOR_VT));
        cpu.write_v32_vca(area_at | V32_VCA_ENABLE);
        area = {};
        area.revision = revision;
        area.controls = IF_SHADOW;
        area.guest = flat_guest();
    }

    // The guest has the bench's segments, its own EIP and the same tables.
    StateRecord flat_guest() {
        StateRecord g{};
        g.eip = guest_code;
        g.eflags = EFLAGS_fixed;
        g.cr0 = CR0_PG | CR0_PE | CR0_ET;
        g.cr3 = directory;
        g.cr4 = CR4_PSE;
        for (unsigned n = 0; n < segment_count; ++n) {
            const Segment& s = cpu.segment[n];
            g.segment[n] = {s.selector, s.attributes, s.limit, s.base};
        }
        g.segment[seg_TR].attributes |= 2; // busy
        g.segment[seg_LDTR] = {0, attributes_unusable, 0, 0};
        g.gpr[reg_ESP] = stack_1;
        g.gdtr = {0x3FF, gdt};
        g.idtr = {0x7FF, idt};
        return g;
    }

    void guest_program(std::initializer_list<u8> bytes) {
        const std::vector<u8> image(bytes);
        memory.write(Physical{guest_code}, image);
    }

    // Executes V32ENTER at the VMM's EIP, and `count` instructions of the guest.
    void enter(u64 count) {
        memory.write(Physical{area_at}, {reinterpret_cast<const u8*>(&area), sizeof area});
        cpu.eip = vmm_code;
        cpu.gpr[reg_ESP] = stack_0;
        run({0x0F, 0x04, 0xC0}, 1 + count);
        memory.read(Physical{area_at}, {reinterpret_cast<u8*>(&area), sizeof area});
    }

    ControlArea area;
};

TEST_F(V32, EntryAndExit) {
    guest_program({0xB8, 0x78, 0x56, 0x34, 0x12, 0x0F, 0xA2}); // mov eax, 12345678h; cpuid
    enter(2);
    EXPECT_EQ(area.instruction_error, 0u);
    EXPECT_EQ(area.exit.exit_reason, static_cast<u32>(Reason::CPUID));
    EXPECT_EQ(area.exit.instruction_length, 2u);
    EXPECT_EQ(area.exit.instruction_bytes[1], 0xA2);
    EXPECT_EQ(area.guest.gpr[reg_EAX], 0x1234'5678u);
    EXPECT_EQ(area.guest.eip, guest_code + 5);
    EXPECT_FALSE(cpu.in_v32());
    expect_fault(Vector::VT, static_cast<u32>(Reason::CPUID));
    EXPECT_EQ(stack(1), vmm_code + 3);
}

TEST_F(V32, DecodedBlocksOfBothSidesSurviveExits) {
    guest_program({0x40, 0x0F, 0xA2}); // inc eax; cpuid
    enter(2);
    const auto block_at = [&](u32 physical) {
        return cpu.blocks().find(BlockCache::key_of(physical, CodeSize::Bits32));
    };
    const Block* const of_guest = block_at(guest_code);
    const Block* const of_vmm = block_at(vmm_code);
    ASSERT_NE(of_guest, nullptr);
    ASSERT_NE(of_vmm, nullptr);
    area.guest = flat_guest();
    memory.write(Physical{area_at}, {reinterpret_cast<const u8*>(&area), sizeof area});
    cpu.eip = vmm_code; // the code is there: it is not written again
    cpu.run(3);
    EXPECT_EQ(block_at(guest_code), of_guest);
    EXPECT_EQ(block_at(vmm_code), of_vmm);
}

TEST_F(V32, TranslationsOfBothSidesSurviveExits) {
    guest_program({0x8B, 0x05, 0, 0, 3, 0, 0x0F, 0xA2}); // mov eax, [30000h]; cpuid
    enter(2);
    const auto knows = [&](TlbSide side) {
        cpu.tlb.select(side);
        const bool known = cpu.tlb.view(false)->has(0x3'0000, tlb_present);
        cpu.tlb.select(TlbSide::Root);
        return known;
    };
    EXPECT_TRUE(knows(TlbSide::Guest));
    EXPECT_FALSE(knows(TlbSide::Root)) << "the sides are apart";
    area.guest = flat_guest();
    guest_program({0x0F, 0xA2});
    enter(1);
    EXPECT_TRUE(knows(TlbSide::Guest));
    area.tlb_drop = drop_all;
    area.guest = flat_guest();
    enter(1);
    EXPECT_FALSE(knows(TlbSide::Guest));
}

TEST_F(V32, InitInRootLeavesTheArea) {
    cpu.init_signal();
    cpu.run(1);
    EXPECT_EQ(cpu.v32.vca, area_at | V32_VCA_ENABLE);
    EXPECT_EQ(cpu.segment[seg_CS].base, 0xFFFF'0000u);
    cpu.reset();
    EXPECT_EQ(cpu.v32.vca, 0u);
}

TEST_F(V32, InitInTheModeIsAnExit) {
    guest_program({0xEB, 0xFE}); // jmp $
    enter(3);
    ASSERT_TRUE(cpu.in_v32());
    cpu.init_signal();
    cpu.run(1);
    memory.read(Physical{area_at}, {reinterpret_cast<u8*>(&area), sizeof area});
    EXPECT_EQ(area.exit.exit_reason, static_cast<u32>(Reason::INIT));
    EXPECT_EQ(area.guest.eip, guest_code);
}

TEST_F(V32, ResetInTheModeEndsIt) {
    guest_program({0xEB, 0xFE});
    enter(3);
    ASSERT_TRUE(cpu.in_v32());
    cpu.reset();
    EXPECT_FALSE(cpu.in_v32());
    EXPECT_EQ(cpu.v32.vca, 0u);
}

TEST_F(V32, TheA20LineIsIgnoredWhileTheAreaIsEnabled) {
    cpu.set_a20_line(0, false);
    EXPECT_EQ(cpu.a20_mask, ~u64{0});
    cpu.write_v32_vca(area_at);
    EXPECT_EQ(cpu.a20_mask, ~u64{0x10'0000});
    cpu.write_v32_vca(area_at | V32_VCA_ENABLE);
    EXPECT_EQ(cpu.a20_mask, ~u64{0});
}

TEST_F(V32, ABudgetMayEndBetweenEntryAndInjection) {
    area.guest.idtr = {0x7FF, idt};
    area.inject_event = event_valid | event_exception << event_type_shift | static_cast<u32>(Vector::UD);
    guest_program({0xEB, 0xFE});
    enter(0);
    ASSERT_TRUE(cpu.in_v32());
    EXPECT_EQ(cpu.eip, guest_code);
    cpu.run(1);
    EXPECT_EQ(cpu.eip, handler(Vector::UD));
}

} // namespace
} // namespace truering::test
