// A processor, memory, and a small VMM laid out in it, for tests that run V32ENTER on the host's side at full speed;
// and control areas and guest code made at random, from valid to noise.
#pragma once

#include "base/control_area.h"
#include "cpu/cpu.hpp"

#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

namespace truering::test {

using v32::ControlArea, v32::SegmentRecord;

// ---- The machine: eight MiB, a guest's things at the bottom, the VMM's at the top

enum Place : u32 {
    guest_directory = 0x1'0000,
    guest_tables = 0x1'1000, // two
    guest_pointers = 0x1'3000,
    guest_large_pages = 0x1'4000,
    guest_gdt = 0x1'5000,
    guest_idt = 0x1'6000,
    guest_tss = 0x1'8000,
    guest_io_bitmap = 0x1'C000,
    guest_code = 0x2'0000, // four pages of noise
    guest_code_end = 0x2'4000,
    guest_stack = 0x3'0000,
    control_area = 0x60'0000,
    root_first = 0x61'0000, // what is put back before each entry
    root_directory = 0x61'0000,
    root_idt = 0x61'1000,
    root_gdt = 0x61'2000,
    root_handlers = 0x61'3000, // HLT for each vector, a byte each
    root_code = 0x61'4000,
    root_stack = 0x61'6000,
    root_end = 0x61'7000,
    memory_end = 0x80'0000,
};

inline constexpr u32 other_task = 0x50,
                     task_gate_vector = 0x21; // a TSS that may be jumped to, and a gate that leads there

class FakeClock final : public Clock {
  public:
    Nanoseconds now() const override { return ++time; }
    void arm(Alarm&, Nanoseconds) override {}
    void disarm(Alarm&) override {}
    mutable Nanoseconds time = 0;
};

class FakeController final : public InterruptSource {
  public:
    u8 acknowledge_interrupt() override { return vector; }
    u8 vector = 0x70;
};

using Random = std::mt19937;

// What a run is asked to do by the environment, or what it does by itself.
inline u64 from_environment(const char* name, u64 otherwise) {
    const char* wanted = std::getenv(name);
    return wanted ? std::strtoull(wanted, nullptr, 10) : otherwise;
}
inline u32 seed_of_run() { return static_cast<u32>(from_environment("TRUERING_RANDOM_SEED", 20)); }

class Machine {
  public:
    Machine() : memory(memory_end), cpu(*find_cpu_model("pentium4"), memory, ports, clock) {
        cpu.connect_interrupts(controller);
        make_root();
        make_guest();
        cpu.reset();
    }

    PhysicalMemory memory;
    PortBus ports;
    FakeClock clock;
    FakeController controller;
    Cpu cpu;

    u8* at(u32 address) { return memory.ram().data() + address; }
    template <class T> void put(u32 address, T value) { std::memcpy(at(address), &value, sizeof value); }
    template <class T> T get(u32 address) {
        T value;
        std::memcpy(&value, at(address), sizeof value);
        return value;
    }
    ControlArea area() { return get<ControlArea>(control_area); }

    // Everything of root as at the beginning, and the guest's tables.
    void restore() {
        restore_memory(root_first, root_copy_);
        restore_memory(guest_directory, guest_copy_);
        enter_root();
    }

    // The guest's tables as they are now are those that restore() puts back.
    void keep_guest_tables() { guest_copy_.assign(at(guest_directory), at(guest_code)); }

    // The guest has not written on what root works with (but for its stack).
    bool root_is_whole() {
        constexpr u32 accessed_and_dirty = 0x60, tables = root_idt - root_first, stack = root_code + page_size;
        for (u32 n = 0; n < tables; n += 4) {
            u32 was;
            std::memcpy(&was, root_copy_.data() + n, sizeof was);
            if ((get<u32>(root_first + n) | accessed_and_dirty) != (was | accessed_and_dirty)) return false;
        }
        return std::memcmp(at(root_idt), root_copy_.data() + tables, stack - root_idt) == 0;
    }

    void enter_root_again() { enter_root(); }

    RunResult execute_V32ENTER() { return cpu.run(1); }

  private:
    std::vector<u8> root_copy_, guest_copy_;

    // By the bus: code that was decoded there is forgotten.
    void restore_memory(u32 first, const std::vector<u8>& copy) {
        if (std::memcmp(at(first), copy.data(), copy.size()) != 0) memory.write(Physical{first}, copy);
    }

    static u64 descriptor(u32 access) { return 0x00CF'0000'0000'FFFF | u64{access} << 40; }

    void gates(u32 table, u32 handlers, u32 step, u32 dpl) {
        for (u32 n = 0; n < 256; ++n) {
            const u32 handler = handlers + step * n;
            put<u32>(table + 8 * n, (handler & 0xFFFF) | 0x8'0000);
            put<u32>(table + 8 * n + 4, (handler & 0xFFFF'0000) | 0x8E00 | dpl << 13);
        }
    }

    void make_root() {
        for (u32 n = 0; n < 2; ++n) put<u32>(root_directory + 4 * n, n << 22 | 0x83);
        gates(root_idt, root_handlers, 1, 0);
        put<u64>(root_gdt + 8, descriptor(0x9B));
        put<u64>(root_gdt + 16, descriptor(0x93));
        std::memset(at(root_handlers), 0xF4, 256);
        constexpr u8 enter[] = {0x0F, 0x04, 0xC0, 0xF4};
        std::memcpy(at(root_code), enter, sizeof enter);
        root_copy_.assign(at(root_first), at(root_end));
    }

    void make_guest() {
        for (u32 n = 0; n < 2; ++n) put<u32>(guest_directory + 4 * n, (guest_tables + n * 0x1000) | 7);
        for (u32 n = 0; n < 2048; ++n) put<u32>(guest_tables + 4 * n, n << 12 | 7);
        put<u64>(guest_pointers, guest_large_pages | 1);
        for (u32 n = 0; n < 4; ++n) put<u64>(guest_large_pages + 8 * n, u64{n} << 21 | 0x87);
        for (u32 ring = 0; ring < 4; ++ring) {
            put<u64>(guest_gdt + 8 + 16 * ring, descriptor(0x9B | ring << 5));
            put<u64>(guest_gdt + 16 + 16 * ring, descriptor(0x93 | ring << 5));
        }
        put<u64>(guest_gdt + 0x48, 0x0000'8B00'0000'2068 | u64{guest_tss} << 16);
        put<u64>(guest_gdt + other_task, 0x0000'E900'0000'2068 | u64{guest_tss} << 16);
        gates(guest_idt, guest_code, 16, 3);
        put<u64>(guest_idt + 8 * task_gate_vector, 0xE500'0000'0000 | u64{other_task} << 16);
        for (u32 ring = 0; ring < 3; ++ring) {
            put<u32>(guest_tss + 4 + 8 * ring, guest_stack + 0x800 * (ring + 1));
            put<u32>(guest_tss + 8 + 8 * ring, (0x10 + 0x10 * ring) | ring);
        }
        put<u16>(guest_tss + 0x66, 0x68);
        keep_guest_tables();
    }

    void set_flat(SegmentIndex index, u16 selector, u16 attributes) {
        Segment s;
        s.selector = selector;
        s.attributes = attributes;
        s.limit = 0xFFFF'FFFF;
        cpu.set_segment(index, s);
    }

    // In ring 0 with paging, at V32ENTER.
    void enter_root() {
        cpu.halted = false;
        cpu.interruptibility = 0;
        cpu.pending_debug = 0;
        cpu.pending_fault.reset();
        cpu.cr0 = CR0_PG | CR0_NE | CR0_ET | CR0_PE;
        cpu.cr3 = root_directory;
        cpu.cr4 = CR4_PSE;
        cpu.efer = 0;
        cpu.dr7 = DR7_fixed;
        cpu.set_eflags(EFLAGS_fixed, ~u32{0});
        cpu.gdtr = {root_gdt, 23};
        cpu.idtr = {root_idt, 0x7FF};
        cpu.update_segments();
        set_flat(seg_CS, 0x08, 0xC9B);
        for (const SegmentIndex index : {seg_SS, seg_DS, seg_ES, seg_FS, seg_GS}) set_flat(index, 0x10, 0xC93);
        cpu.set_cpl(0);
        cpu.gpr[reg_ESP] = root_stack;
        cpu.eip = root_code;
        cpu.flush_tlb();
        cpu.update_view();
        cpu.update_attention();
    }
};

// ---- Code and areas

inline u32 below(Random& random, u32 limit) { return static_cast<u32>(random() % limit); }
inline bool chance(Random& random, u32 one_in) { return below(random, one_in) == 0; }

// A piece of code: what the mode restricts, with random operands, among noise.
inline void write_code(Machine& machine, u32 to, Random& random) {
    static const std::vector<std::vector<u8>> beginnings = {{0x0F, 0x20},
                                                            {0x0F, 0x22},
                                                            {0x0F, 0x21},
                                                            {0x0F, 0x23},
                                                            {0x0F, 0x30},
                                                            {0x0F, 0x32},
                                                            {0x0F, 0xA2},
                                                            {0x0F, 0x08},
                                                            {0x0F, 0x09},
                                                            {0x0F, 0x31},
                                                            {0x0F, 0x33},
                                                            {0x0F, 0x06},
                                                            {0x0F, 0x00},
                                                            {0x0F, 0x01},
                                                            {0x0F, 0x04, 0xC0},
                                                            {0x0F, 0x04, 0xC1},
                                                            {0xF4},
                                                            {0xFA},
                                                            {0xFB},
                                                            {0x9C, 0x9D},
                                                            {0x9D},
                                                            {0xCF},
                                                            {0xCD},
                                                            {0xCC},
                                                            {0xCE},
                                                            {0xF1},
                                                            {0xE4},
                                                            {0xE7},
                                                            {0xEC},
                                                            {0xEF},
                                                            {0x6C},
                                                            {0x6F},
                                                            {0xF3, 0x6D},
                                                            {0xF3, 0x6E},
                                                            {0xF3, 0xA4},
                                                            {0x8E},
                                                            {0x17},
                                                            {0x0F, 0x34},
                                                            {0x0F, 0x35},
                                                            {0x0F, 0x02},
                                                            {0xC8},
                                                            {0xF3, 0xAB},
                                                            {0x9A},
                                                            {0xEA},
                                                            {0xCB},
                                                            {0xEA, 0, 0, 0, 0, other_task, 0},
                                                            {0xCD, task_gate_vector},
                                                            {0x0F, 0xAE},
                                                            {0xDD},
                                                            {0x0F, 0x6F}};
    std::vector<u8> code;
    while (code.size() < 48) {
        const auto& beginning = beginnings[below(random, static_cast<u32>(beginnings.size()))];
        if (!chance(random, 3)) code.insert(code.end(), beginning.begin(), beginning.end());
        for (u32 more = below(random, 3); more > 0; --more) code.push_back(static_cast<u8>(random()));
        if (chance(random, 2)) code.insert(code.end(), {0x40, 0x90});
    }
    machine.memory.write(Physical{to}, code);
}

inline SegmentRecord flat(u32 selector, u32 attributes) {
    return {static_cast<u16>(selector), static_cast<u16>(attributes), 0xFFFF'FFFF, 0};
}

inline ControlArea valid_area(Random& random) {
    ControlArea area{};
    area.revision = v32::revision;
    const u32 step = chance(random, 8) ? u32{v32::STEP_EXIT} : 0;
    constexpr u32 policies[] = {v32::IF_TRAP, v32::IF_SHADOW, v32::IF_DIRECT | u32{v32::EXTINT_EXIT}};
    area.controls = policies[below(random, 3)] | (static_cast<u32>(random()) & 0xFEC) | step;
    if (chance(random, 2)) area.io_bitmap = guest_io_bitmap;
    for (u8& byte : area.redirect_events) byte = static_cast<u8>(random());
    for (u8& byte : area.redirect_software) byte = static_cast<u8>(random());
    area.tlb_drop = below(random, 4);
    area.tlb_address = static_cast<u32>(random());
    v32::StateRecord& g = area.guest;
    for (u32& r : g.gpr) r = chance(random, 2) ? below(random, memory_end) : static_cast<u32>(random());
    g.gpr[reg_ESP] = guest_stack + 0x4000;
    g.eip = guest_code + below(random, 0x3000);
    g.eflags = 2 | (chance(random, 2) ? static_cast<u32>(random()) & 0x247FD5 & ~0x20u : 0);
    g.cr0 = 0x8000'0031;
    g.cr3 = guest_directory;
    g.dr6 = 0xFFFF'0FF0;
    g.dr7 = 0x400;
    const u32 ring = below(random, 4);
    for (auto& s : g.segment) s = flat(0x10 + 0x10 * ring + ring, 0xC93 | ring << 5);
    g.segment[seg_CS] = flat(8 + 0x10 * ring + ring, 0xC9B | ring << 5);
    g.segment[seg_LDTR] = {0, 0x8000, 0, 0};
    g.segment[seg_TR] = {0x48, 0x8B, 0x2068, guest_tss};
    g.cpl = ring;
    g.gdtr = {0xFF, guest_gdt};
    g.idtr = {0x7FF, guest_idt};
    g.sif = below(random, 2);
    return area;
}

inline void make_8086(ControlArea& area, Random& random) {
    v32::StateRecord& g = area.guest;
    const bool v86 = chance(random, 2);
    for (unsigned n = 0; n <= seg_GS; ++n) {
        const u32 selector = below(random, 0x6000);
        g.segment[n] = {static_cast<u16>(selector), static_cast<u16>(v86 ? 0xF3 : 0x93), 0xFFFF, selector * 16};
    }
    g.eip = below(random, 0x8000);
    if (v86) {
        g.eflags |= EFLAGS_VM;
        g.cpl = 3;
    } else {
        g.cr0 &= ~u32{CR0_PE};
        g.eflags &= ~u32{EFLAGS_VM};
        g.cpl = 0;
        g.idtr = {0x3FF, 0};
    }
}

inline void make_event(ControlArea& area, Random& random) {
    constexpr u32 types[] = {0, 2, 3, 4, 6};
    const u32 type = types[below(random, 5)];
    u32 vector = type == 3 ? below(random, 32) : below(random, 256);
    if (type == 2) vector = 2;
    if (type == 6) vector = 3 + below(random, 2);
    const bool coded = type == 3 && (vector == 8 || (vector >= 10 && vector <= 14) || vector == 17);
    area.inject_event = v32::event_valid | vector | type << 8 | (coded ? u32{v32::event_has_error_code} : 0) |
                        (type >= 4 ? (1 + below(random, 15)) << 12 : 0);
    area.inject_error_code = static_cast<u32>(random());
}

// A word of the header or the guest record becomes something else.
inline void mutate(ControlArea& area, Random& random) {
    auto* const words = reinterpret_cast<u32*>(&area);
    const u32 header = 0x68 / 4, guest = V32_OFFSET_GUEST / 4, record = sizeof(v32::StateRecord) / 4;
    const u32 n = below(random, header + 3 * record);
    u32& word = words[n < header ? n : guest + (n - header) % record];
    switch (below(random, 6)) {
    case 0: word = static_cast<u32>(random()); break;
    case 1: word ^= 1u << below(random, 32); break;
    case 2: word = 0; break;
    case 3: word = ~u32{0}; break;
    case 4: word += below(random, 9) - 4; break;
    default: word = below(random, 2); break;
    }
}

inline ControlArea random_area(Random& random) {
    ControlArea area = valid_area(random);
    if (chance(random, 4)) make_8086(area, random);
    if (chance(random, 4)) {
        area.guest.cr4 |= CR4_PAE;
        area.guest.cr3 = guest_pointers;
    }
    if (chance(random, 3)) area.guest.cr4 |= static_cast<u32>(random()) & 0x1DF;
    if (chance(random, 3)) make_event(area, random);
    const u32 kind = below(random, 16);
    if (kind == 0) {
        auto* const words = reinterpret_cast<u32*>(&area);
        for (u32 n = 0; n < v32::area_size / 4; ++n) words[n] = static_cast<u32>(random());
        if (chance(random, 2)) area.revision = v32::revision;
        return area;
    }
    for (u32 n = kind < 8 ? 0 : below(random, kind); n > 0; --n) mutate(area, random);
    return area;
}

} // namespace truering::test
