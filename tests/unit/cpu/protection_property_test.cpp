// What must hold whatever the tables say: random descriptors, gates, TSSs and stacks, and random instructions and
// events on them. An instruction that faults has changed nothing, unless a task switch was past its commit point; what
// completes leaves CPL, CS and SS in agreement, and no segment register that its privilege could not have loaded.
#include "cpu/delivery.hpp"
#include "cpu/interpreter/dispatch.hpp"
#include "decoder/decoder.hpp"
#include "decoder/isa.hpp"
#include "protected_bench.hpp"

#include <random>

namespace truering::test {

namespace {

// What a program may see of the processor, apart from debug and interruptibility state.
struct Visible {
    u32 gpr[8];
    u32 eip, eflags;
    u8 cpl;
    u32 cr0, cr3, dr7;
    u16 selector[segment_count], attributes[segment_count];
    u32 base[segment_count], limit[segment_count];

    friend bool operator==(const Visible&, const Visible&) = default;
};

Visible visible(const Cpu& cpu) {
    Visible v{};
    for (unsigned n = 0; n < 8; ++n) v.gpr[n] = cpu.gpr[n];
    v.eip = cpu.eip;
    v.eflags = cpu.eflags();
    v.cpl = cpu.cpl;
    v.cr0 = cpu.cr0;
    v.cr3 = cpu.cr3;
    v.dr7 = cpu.dr7;
    for (unsigned n = 0; n < segment_count; ++n) {
        v.selector[n] = cpu.segment[n].selector;
        v.attributes[n] = cpu.segment[n].attributes;
        v.base[n] = cpu.segment[n].base;
        v.limit[n] = cpu.segment[n].limit;
    }
    return v;
}

class ProtectionProperties : public ProtectedBench {
  protected:
    static constexpr u32 table_entries = 128;

    u32 any() { return static_cast<u32>(random_()); }
    u32 below(u32 n) { return any() % n; }
    bool rarely() { return below(8) == 0; }

    u16 any_selector() {
        if (rarely()) return static_cast<u16>(any());
        return static_cast<u16>(below(table_entries + 4) << 3 | below(8));
    }

    u32 any_address() { return rarely() ? any() : below(0x4'0000); }

    // Mostly well-formed, of every kind.
    void any_descriptor(u32 address, bool of_idt) {
        const unsigned dpl = below(4);
        const u8 present = rarely() ? 0 : 0x80;
        if (of_idt || below(3) == 0) {
            gate_at(address, of_idt ? gate_types[below(5)] : below(16), dpl, any_selector(), any_address(), below(32));
            put<u8>(address + 5, static_cast<u8>((get<u8>(address + 5) & 0x7F) | present));
            return;
        }
        const u32 limit = rarely() ? below(0x100) : below(2) != 0 ? 0xFFFF'FFFF : 0xFFFF;
        const u8 access = static_cast<u8>(present | dpl << 5 | (below(5) != 0 ? 0x10 : 0) | below(16));
        descriptor(0, rarely() ? any() : 0, limit, access, below(4) != 0 ? Size::Bits32 : Size::Bits16, address);
    }

    void make_random_tables() {
        for (u32 n = 1; n < table_entries; ++n) any_descriptor(gdt + 8 * n, false);
        for (u32 n = 0; n < 16; ++n) any_descriptor(ldt + 8 * n, false);
        for (u32 n = 0; n < 256; ++n) any_descriptor(idt + 8 * n, true);
        // TSSs and stacks, full of selectors and small numbers.
        for (u32 at = tss; at < tss + 0x100; at += 4) put<u32>(at, below(2) != 0 ? any_selector() : any_address());
        for (u32 at = tss_other; at < tss_other + 0x100; at += 4)
            put<u32>(at, below(2) != 0 ? any_selector() : any_address());
        for (const u32 top : {stack_0, stack_1, stack_3, 0x2'8000u})
            for (u32 at = top - 0x40; at < top + 0x80; at += 4)
                put<u32>(at, below(2) != 0 ? any_selector() : any_address());
        for (u32 n = 0; n < 4; ++n)
            descriptor(static_cast<u16>(0x300 + 8 * n), n < 2 ? tss : tss_other, 0x90, at_dpl(access_tss32, below(4)),
                       Size::Bits16);
        descriptor(0x320, tss_other, 0x90, at_dpl(access_tss16, below(4)), Size::Bits16);
        descriptor(0x328, tss_other, 0x90, access_tss32 | 2, Size::Bits16);
        cpu.gdtr = {gdt, table_entries * 8 - 1};
        cpu.idtr = {idt, 0x7FF};
    }

    Segment segment_of(u16 selector, u16 attributes) {
        Segment s;
        s.selector = selector;
        s.attributes = attributes;
        s.limit = 0xFFFF'FFFF;
        return s;
    }

    // A state in which CPL, CS and SS agree, as they do on a processor.
    void make_random_state() {
        cpu.reset();
        cpu.cr0 |= CR0_PE;
        cpu.cr4 = rarely() ? 0 : CR4_VME | CR4_PVI;
        cpu.sysenter_cs = any_selector();
        cpu.update_segments();
        make_random_tables();
        for (unsigned n = 0; n < 8; ++n) cpu.gpr[n] = rarely() ? any() : any_selector();
        const unsigned level = below(4);
        const u16 access = static_cast<u16>(attr_P | attr_S | attr_accessed | attr_writable | level << 5 | attr_G);
        const u16 size = below(4) != 0 ? attr_DB : 0;
        cpu.set_segment(seg_CS, segment_of(static_cast<u16>(8 | level), access | attr_code | attr_DB));
        for (const SegmentIndex n : {seg_SS, seg_DS, seg_ES, seg_FS, seg_GS})
            cpu.set_segment(n, segment_of(static_cast<u16>(16 | level), access | size));
        cpu.set_segment(seg_TR, {.selector = 0x300, .attributes = 0x8B, .base = tss, .limit = below(2) * 0x40 + 0x60});
        if (below(2) != 0)
            cpu.set_segment(seg_LDTR, {.selector = 0x330, .attributes = 0x82, .base = ldt, .limit = 0x7F});
        cpu.set_cpl(static_cast<u8>(level));
        cpu.set_eflags(any() & ~u32{EFLAGS_VM | EFLAGS_TF}, EFLAGS_all);
        if (below(4) != 0) cpu.set_eflags(0, EFLAGS_NT);
        const u32 tops[] = {stack_0, stack_1, 0x2'8000, stack_3};
        cpu.gpr[reg_ESP] = rarely() ? any() : tops[level] - 4 * below(4);
        cpu.eip = code;
        const u32 mode = below(8);
        if (mode == 0) {
            enter_v86(below(4));
        } else if (mode == 1) {
            enter_real();
            cpu.idtr.limit = below(0x400);
        }
    }

    void expect_agreement(const char* what, u64 round) {
        if (!cpu.protected_mode()) {
            EXPECT_EQ(cpu.cpl, 0);
            return;
        }
        if (cpu.v86_mode()) {
            EXPECT_EQ(cpu.cpl, 3) << what << round;
            for (const SegmentIndex n : {seg_ES, seg_CS, seg_SS, seg_DS, seg_FS, seg_GS})
                EXPECT_EQ(cpu.segment[n].attributes, 0xF3) << what << round;
            return;
        }
        EXPECT_EQ(cpu.segment[seg_CS].rpl(), cpu.cpl) << what << round;
        EXPECT_TRUE(cpu.segment[seg_CS].is_code()) << what << round;
        EXPECT_TRUE(cpu.segment[seg_SS].usable()) << what << round;
        EXPECT_EQ(cpu.segment[seg_SS].rpl(), cpu.cpl) << what << round;
        EXPECT_EQ(cpu.segment[seg_SS].dpl(), cpu.cpl) << what << round;
        EXPECT_LE(cpu.eip, cpu.segment[seg_CS].limit) << what << round;
        if (std::string_view(what) == "SYSEXIT") return; // which leaves inner segments where they are
        for (const SegmentIndex n : {seg_ES, seg_DS, seg_FS, seg_GS}) {
            const Segment& s = cpu.segment[n];
            const bool conforming = s.is_code() && (s.attributes & attr_conforming) != 0;
            const bool open = !s.usable() || conforming || s.dpl() >= cpu.cpl;
            EXPECT_TRUE(open) << what << round << " segment " << int{n};
        }
    }

    std::vector<u8> any_instruction() {
        const auto selector = [this](std::vector<u8> bytes) {
            const u16 s = any_selector();
            bytes.insert(bytes.end(), {static_cast<u8>(s), static_cast<u8>(s >> 8)});
            return bytes;
        };
        const u8 modrm_eax = static_cast<u8>(0xC0 | below(6) << 3 | below(8));
        switch (below(16)) {
        case 0: return {0x8E, modrm_eax};
        case 1: return {0x07};
        case 2: return {0x17};
        case 3: return {0xCF};
        case 4: return {0x66, 0xCF};
        case 5: return {0xCB};
        case 6: return {0x66, 0xCB};
        case 7: return {0xCA, 0x08, 0x00};
        case 8: return selector({0xEA, 0, 0x90, 0, 0});
        case 9: return selector({0x9A, 0, 0x90, 0, 0});
        case 10: return {0xCD, static_cast<u8>(any())};
        case 11: return {0xCC};
        case 12: return {0x0F, 0x00, static_cast<u8>(0xD0 | below(16))}; // LLDT, LTR
        case 13: return {static_cast<u8>(0xFA + below(2))};
        case 14: return {static_cast<u8>(0x9C + below(2))};
        default: return {0x0F, static_cast<u8>(0x34 + below(2))};
        }
    }

    static constexpr unsigned gate_types[5] = {type_TaskGate, type_InterruptGate16, type_TrapGate16,
                                               type_InterruptGate32, type_TrapGate32};
    std::mt19937 random_{20'26};
};

TEST_F(ProtectionProperties, AnInstructionThatFaultsHasChangedNothing) {
    unsigned completed = 0, switched = 0;
    for (u64 round = 0; round < 6'000; ++round) {
        make_random_state();
        const std::vector<u8> bytes = any_instruction();
        const Decoded decoded = decode(bytes, cpu.code_size(), cpu.model.features);
        if (decoded.status != DecodeStatus::Complete || decoded.instruction.row >= row_count) continue;
        const Visible before = visible(cpu);
        const Outcome outcome = single_handler(decoded.instruction)(cpu, decoded.instruction);
        if (failed(outcome)) {
            const bool behind_commit =
                cpu.segment[seg_TR].selector != before.selector[seg_TR] || (cpu.cr0 & CR0_TS) != (before.cr0 & CR0_TS);
            switched += behind_commit ? 1 : 0;
            EXPECT_TRUE(behind_commit || visible(cpu) == before)
                << isa[decoded.instruction.row].mnemonic << " round " << round;
        } else {
            ++completed;
            expect_agreement(isa[decoded.instruction.row].mnemonic.data(), round);
        }
        if (HasFailure()) return;
    }
    EXPECT_GT(completed, 600u); // the tables are not so bad that nothing works
    EXPECT_GT(switched, 6u);
}

TEST_F(ProtectionProperties, EveryDeliveryEnds) {
    unsigned arrived = 0, shut_down = 0;
    for (u64 round = 0; round < 3'000; ++round) {
        make_random_state();
        const EventType types[] = {EventType::ExternalInterrupt, EventType::NMI, EventType::Exception};
        Event event{.vector = static_cast<u8>(below(32)), .type = types[below(3)]};
        event.has_error_code =
            event.type == EventType::Exception && pushes_error_code(static_cast<Vector>(event.vector));
        cpu.event_delivered = false;
        deliver(cpu, event);
        if ((cpu.attention & attention_shutdown) != 0) {
            ++shut_down;
            EXPECT_GE(cpu.fault_chain().count, 2u);
        } else if (cpu.event_delivered) {
            ++arrived;
            expect_agreement("delivery ", round);
        }
        if (HasFailure()) return;
    }
    EXPECT_GT(arrived, 150u);
    EXPECT_GT(shut_down, 150u);
}

} // namespace
} // namespace truering::test
