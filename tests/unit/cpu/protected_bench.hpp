// A processor with small hand-made tables, for the tests of protection: flat 32-bit segments of levels 0 and 3, a TSS
// with inner stacks, and a gate for every exception whose handler is at a known place.
#pragma once

#include "cpu/cpu.hpp"
#include "cpu/segmentation.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>

namespace truering::test {

// Selectors of the table that every bench begins with; the rest of the GDT is the test's.
inline constexpr u16 code_0 = 0x08, data_0 = 0x10, code_3 = 0x1B, data_3 = 0x23, tss_main = 0x28, conforming_0 = 0x30,
                     code_1 = 0x39, data_1 = 0x41, first_free = 0x80;

// Access bytes: P, DPL 0, S, type.
inline constexpr u8 access_code = 0x9A, access_data = 0x92, access_conforming = 0x9E, access_execute_only = 0x98,
                    access_read_only = 0x90, access_ldt = 0x82, access_tss16 = 0x81, access_tss32 = 0x89;
constexpr u8 at_dpl(u8 access, unsigned dpl) { return static_cast<u8>(access | dpl << 5); }
constexpr u8 absent(u8 access) { return access & 0x7F; }

class ProtectedBench : public ::testing::Test {
  public:
    static constexpr u32 gdt = 0x1000, idt = 0x2000, tss = 0x3000, ldt = 0x3800, tss_other = 0x4000, handlers = 0x8000,
                         code = 0x1'0000, stack_0 = 0x2'0000, stack_1 = 0x2'4000, stack_3 = 0x2'8000, data = 0x3'0000;

    enum class Size : u8 { Bits16, Bits32 };

    ProtectedBench() : memory(0x40'0000), cpu(*find_cpu_model("pentium4"), memory, ports, clock) {
        cpu.reset();
        make_tables();
        enter_level(0);
    }

    // ---- Tables

    void descriptor(u16 selector, u32 base, u32 limit, u8 access, Size size = Size::Bits32, u32 table = gdt) {
        const bool pages = limit > 0xF'FFFF;
        const u32 raw = pages ? limit >> 12 : limit;
        const u32 flags = (pages ? 0x80'0000u : 0u) | (size == Size::Bits32 ? 0x40'0000u : 0u);
        put<u32>(table + (selector & 0xFFF8u), (raw & 0xFFFF) | base << 16);
        put<u32>(table + (selector & 0xFFF8u) + 4,
                 (base >> 16 & 0xFF) | u32{access} << 8 | (raw & 0xF'0000) | flags | (base & 0xFF00'0000));
    }
    [[nodiscard]] u8 access_byte(u16 selector) { return get<u8>(gdt + (selector & 0xFFF8u) + 5); }

    void gate_at(u32 address, unsigned type, unsigned dpl, u16 selector, u32 offset, unsigned parameters = 0) {
        put<u32>(address, (offset & 0xFFFF) | u32{selector} << 16);
        put<u32>(address + 4, (offset & 0xFFFF'0000) | 0x8000u | dpl << 13 | type << 8 | parameters);
    }
    void gate(unsigned vector, unsigned type, unsigned dpl, u16 selector, u32 offset) {
        gate_at(idt + vector * 8, type, dpl, selector, offset);
    }
    void make_gate_absent(unsigned vector) { put<u8>(idt + vector * 8 + 5, get<u8>(idt + vector * 8 + 5) & 0x7F); }
    static constexpr u32 handler(unsigned vector) { return handlers + vector * 16; }
    static constexpr u32 handler(Vector vector) { return handler(static_cast<unsigned>(vector)); }

    void inner_stack(unsigned level, u16 selector, u32 esp) {
        put<u32>(tss + 4 + 8 * level, esp);
        put<u16>(tss + 8 + 8 * level, selector);
    }

    // ---- State

    void load(SegmentIndex index, u16 selector) {
        bool found = false;
        Descriptor d;
        u32 linear = 0;
        ASSERT_EQ(try_read_descriptor(cpu, selector, found, d, linear), Outcome::Done);
        ASSERT_TRUE(found);
        d.high |= 0x100;
        cpu.set_segment(index, d.to_segment(selector));
    }

    void enter_level(unsigned level) {
        const u16 data_selector = level == 0 ? data_0 : level == 1 ? data_1 : data_3;
        cpu.cr0 |= CR0_PE;
        cpu.update_segments();
        load(seg_CS, level == 0 ? code_0 : level == 1 ? code_1 : code_3);
        for (const SegmentIndex index : {seg_SS, seg_DS, seg_ES, seg_FS, seg_GS}) load(index, data_selector);
        cpu.set_cpl(static_cast<u8>(level));
        cpu.gpr[reg_ESP] = level == 0 ? stack_0 : level == 1 ? stack_1 : stack_3;
        cpu.eip = code;
    }

    // Virtual-8086 mode at 1000:0000, stack at 2000:8000.
    void enter_v86(unsigned iopl) {
        cpu.set_eflags(EFLAGS_VM | iopl << 12, EFLAGS_VM | EFLAGS_IOPL);
        cpu.set_cpl(3);
        load_segment_real(cpu, seg_CS, 0x1000);
        load_segment_real(cpu, seg_SS, 0x2000);
        for (const SegmentIndex index : {seg_DS, seg_ES, seg_FS, seg_GS})
            load_segment_real(cpu, index, static_cast<u16>(0x3000 + index));
        cpu.gpr[reg_ESP] = 0x8000;
        cpu.eip = 0;
    }

    void enter_real() {
        cpu.cr0 &= ~u32{CR0_PE};
        cpu.set_cpl(0);
        cpu.update_segments();
        for (const SegmentIndex index : {seg_ES, seg_CS, seg_SS, seg_DS, seg_FS, seg_GS}) {
            Segment s;
            s.attributes = 0x93;
            s.limit = 0xFFFF;
            cpu.set_segment(index, s);
        }
        load_segment_real(cpu, seg_CS, 0x1000);
        load_segment_real(cpu, seg_SS, 0x2000);
        cpu.gpr[reg_ESP] = 0x8000;
        cpu.eip = 0;
        cpu.idtr = {0, 0x3FF};
    }

    // ---- Memory

    template <class T> T get(u32 address) {
        T value;
        memory.read(Physical{address}, {reinterpret_cast<u8*>(&value), sizeof(T)});
        return value;
    }
    template <class T> void put(u32 address, T value) {
        memory.write(Physical{address}, {reinterpret_cast<const u8*>(&value), sizeof(T)});
    }
    // The nth doubleword, or word, from the top of the stack.
    [[nodiscard]] u32 stack(unsigned n) { return get<u32>(stack_top() + 4 * n); }
    [[nodiscard]] u16 stack_16(unsigned n) { return get<u16>(stack_top() + 2 * n); }
    [[nodiscard]] u32 stack_top() const { return cpu.segment[seg_SS].base + (cpu.gpr[reg_ESP] & cpu.stack_mask()); }

    // ---- Execution

    // Executes `count` instructions from the bytes, put at CS:EIP.
    void run(std::initializer_list<u8> bytes, u64 count = 1) {
        const std::vector<u8> image(bytes);
        memory.write(Physical{cpu.segment[seg_CS].base + cpu.eip}, image);
        start_eip = cpu.eip;
        last = cpu.run(count);
    }

    // Is the processor at the first instruction of an exception's handler, with this error code on the stack?
    void expect_fault(Vector vector, std::optional<u32> error_code = std::nullopt) {
        ASSERT_EQ(cpu.eip, handler(vector)) << "at vector " << (cpu.eip - handlers) / 16;
        if (error_code) {
            EXPECT_EQ(stack(0), *error_code);
        }
    }
    // The same, and the fault left the program where it was.
    void expect_fault_of_instruction(Vector vector, u32 error_code) {
        expect_fault(vector, error_code);
        EXPECT_EQ(stack(1), start_eip);
        EXPECT_NE(stack(3) & EFLAGS_RF, 0u);
    }

    class StoppedClock final : public Clock {
      public:
        [[nodiscard]] Nanoseconds now() const override { return 0; }
        void arm(Alarm&, Nanoseconds) override {}
        void disarm(Alarm&) override {}
    };

    PhysicalMemory memory;
    PortBus ports;
    StoppedClock clock;
    Cpu cpu;
    u32 start_eip = 0;
    RunResult last{};

  private:
    void make_tables() {
        descriptor(code_0, 0, 0xFFFF'FFFF, access_code);
        descriptor(data_0, 0, 0xFFFF'FFFF, access_data);
        descriptor(code_1, 0, 0xFFFF'FFFF, at_dpl(access_code, 1));
        descriptor(data_1, 0, 0xFFFF'FFFF, at_dpl(access_data, 1));
        descriptor(code_3, 0, 0xFFFF'FFFF, at_dpl(access_code, 3));
        descriptor(data_3, 0, 0xFFFF'FFFF, at_dpl(access_data, 3));
        descriptor(conforming_0, 0, 0xFFFF'FFFF, access_conforming);
        descriptor(tss_main, tss, 0x67 + 0x40, access_tss32 | 2, Size::Bits16);
        cpu.gdtr = {gdt, 0x3FF};
        cpu.idtr = {idt, 0x7FF};
        for (unsigned vector = 0; vector < 32; ++vector) {
            gate(vector, type_InterruptGate32, 0, code_0, handler(vector));
            put<u8>(handler(vector), 0xF4); // HLT
        }
        inner_stack(0, data_0, stack_0);
        inner_stack(1, data_1, stack_1);
        cpu.cr0 |= CR0_PE;
        cpu.update_segments();
        load(seg_TR, tss_main);
        cpu.set_segment(seg_LDTR, null_segment());
    }
};

} // namespace truering::test
