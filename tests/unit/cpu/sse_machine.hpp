// A processor with a little memory, in flat 32-bit protected mode at CPL 0, for the MMX and SSE tests.
#pragma once

#include "cpu/cpu.hpp"

#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace truering::test {

class StoppedClock final : public Clock {
  public:
    [[nodiscard]] Nanoseconds now() const override { return 0; }
    void arm(Alarm&, Nanoseconds) override {}
    void disarm(Alarm&) override {}
};

class SseMachine {
  public:
    static constexpr u32 ram_bytes = 0x40'0000;

    explicit SseMachine(std::string_view model = "pentium4")
        : memory(ram_bytes), cpu(*find_cpu_model(model), memory, ports, clock) {
        enter_flat_mode();
    }

    void enter_flat_mode() {
        cpu.reset();
        cpu.cr0 = CR0_PE | CR0_ET | CR0_NE;
        cpu.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
        const u16 data = attr_P | attr_S | attr_writable | attr_accessed | attr_DB | attr_G;
        for (const SegmentIndex n : {seg_ES, seg_SS, seg_DS, seg_FS, seg_GS, seg_CS}) {
            Segment segment;
            segment.selector = n == seg_CS ? 8 : 16;
            segment.attributes = n == seg_CS ? data | attr_code : data;
            segment.limit = 0xFFFF'FFFF;
            segment.refresh(true);
            cpu.set_segment(n, segment);
        }
        set_tables();
        cpu.set_cpl(0);
        cpu.update_segments();
        cpu.update_view();
        cpu.update_attention();
        cpu.flush_tlb();
    }

    void write(u32 address, std::span<const u8> bytes) { memory.write(Physical{address}, bytes); }
    template <class T> T read(u32 address) {
        T value;
        memory.read(Physical{address}, {reinterpret_cast<u8*>(&value), sizeof(T)});
        return value;
    }
    template <class T> void put(u32 address, const T& value) {
        write(address, {reinterpret_cast<const u8*>(&value), sizeof(T)});
    }

    // Executes `count` instructions at `address`. The vector of a fault, if there was one: it has just been delivered.
    std::optional<Vector> run(u32 address, std::span<const u8> code, u64 count) {
        write(address, code);
        cpu.eip = address;
        cpu.halted = false;
        cpu.update_attention();
        cpu.run(count);
        if (cpu.eip == address + code.size()) return std::nullopt;
        return static_cast<Vector>((cpu.eip - handlers_at) / handler_bytes);
    }

  private:
    static constexpr u32 gdt_at = 0x500, idt_at = 0x600, stack_at = 0x7000, handlers_at = 0x8000, handler_bytes = 16;

    // Every vector has a handler of its own, that halts.
    void set_tables() {
        cpu.gdtr = {gdt_at, 0x17};
        put(gdt_at + 8, u64{0x00CF'9B00'0000'FFFF});
        put(gdt_at + 16, u64{0x00CF'9300'0000'FFFF});
        cpu.idtr = {idt_at, 0xFF};
        for (u32 vector = 0; vector < 32; ++vector) {
            const u32 handler = handlers_at + vector * handler_bytes;
            put(idt_at + 8 * vector, u64{0x0000'8E00'0008'0000} | handler);
            put(handler, u8{0xF4});
        }
        cpu.gpr[reg_ESP] = stack_at;
    }

  public:
    PhysicalMemory memory;
    PortBus ports;
    StoppedClock clock;
    Cpu cpu;
};

} // namespace truering::test
