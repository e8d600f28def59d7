// V32ENTER on control areas filled at random: from nearly valid ones to pure noise, with guests of random code and page
// tables, random interrupts, and a VMM whose every structure the guest may overwrite.
//
// What must hold for each: the entry fails by the check of 7.1 that an oracle in this file finds (written from the
// contract, apart from the processor's own), with nothing else changed; or the guest runs, and comes to an exit that is
// written as 4.3 and 8 say when INIT ends it. Never a crash: the same program runs under the sanitizers.
//
// TRUERING_RANDOM_AREAS is the number of areas; a seed that fails is printed with the number of its area.
#include "base/control_area.h"
#include "cpu/cpu.hpp"
#include "cpu/paging.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <set>

namespace truering {
namespace {

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

constexpr u32 other_task = 0x50, task_gate_vector = 0x21; // a TSS that may be jumped to, and a gate that leads there

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
        guest_copy_.assign(at(guest_directory), at(guest_code));
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

u32 below(Random& random, u32 limit) { return static_cast<u32>(random() % limit); }
bool chance(Random& random, u32 one_in) { return below(random, one_in) == 0; }

// A piece of code: what the mode restricts, with random operands, among noise.
void write_code(Machine& machine, u32 to, Random& random) {
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

SegmentRecord flat(u32 selector, u32 attributes) {
    return {static_cast<u16>(selector), static_cast<u16>(attributes), 0xFFFF'FFFF, 0};
}

ControlArea valid_area(Random& random) {
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

void make_8086(ControlArea& area, Random& random) {
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

void make_event(ControlArea& area, Random& random) {
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
void mutate(ControlArea& area, Random& random) {
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

ControlArea random_area(Random& random) {
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

// ---- The oracle: docs/v32.md 7.1 once more

class Oracle {
  public:
    Oracle(Machine& machine, const ControlArea& area) : machine_(machine), area_(area), g_(area.guest) {}

    u32 first_error() {
        const bool failed[] = {false,
                               area_.revision != 1,
                               (area_.controls >> 12) != 0,
                               policy() == 3 || (policy() == 2 && !(area_.controls & 4)),
                               CR0(),
                               (g_.cr4 & ~u32{0x87FF}) != 0,
                               PDPTEs(),
                               EFLAGS(),
                               segments(),
                               (area_.inject_event >> 31) != 0 && event(),
                               bitmap(),
                               state(),
                               (g_.gdtr.limit >> 16) != 0 || (g_.idtr.limit >> 16) != 0,
                               g_.efer[1] != 0 || (g_.efer[0] & ~u32{0x800}) != 0,
                               area_.tlb_drop > 3};
        for (u32 n = 1; n <= 14; ++n)
            if (failed[n]) return n;
        return 0;
    }

  private:
    Machine& machine_;
    const ControlArea& area_;
    const v32::StateRecord& g_;

    u32 policy() const { return area_.controls & 3; }
    bool PE() const { return (g_.cr0 & 1) != 0; }
    bool VM() const { return (g_.eflags >> 17 & 1) != 0; }

    bool CR0() const {
        const bool nw = (g_.cr0 >> 29 & 1) != 0, cd = (g_.cr0 >> 30 & 1) != 0, pg = (g_.cr0 >> 31) != 0;
        return !pg || (nw && !cd) || (g_.cr0 & 0x1FFA'FFC0) != 0;
    }

    bool PDPTEs() {
        if (!(g_.cr4 & 0x20)) return false;
        for (u32 n = 0; n < 4; ++n) {
            const u32 address = (g_.cr3 & ~31u) + 8 * n;
            u64 entry = ~u64{0}; // nobody answers
            if (address + 8 <= memory_end) entry = machine_.get<u64>(address);
            if ((entry & 1) && (entry & 0xFFFF'FFF0'0000'01E6)) return true;
        }
        return false;
    }

    bool EFLAGS() const { return !(g_.eflags & 2) || (g_.eflags & 0xFFC0'8028) != 0 || (VM() && !PE()); }

    bool segments() const {
        for (u32 n = 0; n < 8; ++n) {
            const u32 a = g_.segment[n].attributes;
            const bool is_LDTR = n == 6, is_TR = n == 7;
            if (a & 0x7000) return true;
            if (a & 0x8000) {
                if (n == 1) return true;
                continue;
            }
            if (!(a & 0x80)) return true;
            if (((a & 0x10) != 0) == (is_LDTR || is_TR)) return true;
            if (is_LDTR && (a & 15) != 2) return true;
            if (is_TR && (a & 15) != 3 && (a & 15) != 11) return true;
        }
        if (!PE() && g_.cpl != 0) return true;
        if (!VM()) return false;
        for (u32 n = 0; n < 6; ++n) {
            const v32::SegmentRecord& s = g_.segment[n];
            if (s.base != s.selector * 16u || s.limit != 0xFFFF || s.attributes != 0xF3) return true;
        }
        return g_.cpl != 3;
    }

    bool event() const {
        const u32 e = area_.inject_event, vector = e & 0xFF, type = e >> 8 & 7, length = e >> 12 & 15;
        const bool coded = (e & 0x800) != 0;
        if (e & 0x7FFF'0000) return true;
        switch (type) {
        case 0: {
            const bool visible = policy() == 2 ? (g_.eflags & 0x200) != 0 : g_.sif != 0;
            return coded || length || !visible || (g_.interruptibility & 3) || g_.pending_debug;
        }
        case 2: return coded || length || vector != 2;
        case 3: {
            const std::set<u32> with_code{8, 10, 11, 12, 13, 14, 17};
            return length || vector > 31 || vector == 20 || vector == 2 || coded != (with_code.count(vector) != 0);
        }
        case 4: return coded || !length;
        case 6: return coded || !length || (vector != 3 && vector != 4);
        default: return true;
        }
    }

    bool bitmap() const {
        return area_.io_bitmap != 0 && ((area_.io_bitmap & 0xFFF) || area_.io_bitmap > memory_end - 0x2000);
    }

    bool state() const {
        return g_.cpl > 3 || g_.activity > 1 || g_.sif > 1 || (g_.interruptibility & ~7u) ||
               (g_.pending_debug & ~0x400Fu);
    }
};

// ---- One area

constexpr u32 vector_GP = 13;

class Trial {
  public:
    explicit Trial(u32 seed) : random_(seed) {
        machine_.restore();
        for (u32 at = guest_code; at < guest_code_end; at += 16) write_code(machine_, at, random_);
        machine_.cpu.write_v32_vca(control_area | V32_VCA_ENABLE);
    }

    void go() {
        machine_.restore();
        before_ = random_area(random_);
        write_code(machine_, guest_code + 16 * below(random_, 0x300), random_);
        const u32 linear = before_.guest.segment[seg_CS].base + before_.guest.eip;
        if (linear < guest_directory - 64 || (linear >= guest_code && linear < guest_stack))
            write_code(machine_, linear, random_);
        const u32 error = Oracle(machine_, before_).first_error();
        machine_.memory.write(Physical{control_area}, {reinterpret_cast<const u8*>(&before_), sizeof before_});
        machine_.execute_V32ENTER();
        if (error != 0)
            failed_entry(error);
        else
            run_guest();
    }

    u64 entered = 0, refused = 0, exits[v32::reason_count] = {};

  private:
    Machine machine_;
    Random random_;
    ControlArea before_;

    Cpu& cpu() { return machine_.cpu; }

    void failed_entry(u32 error) {
        ++refused;
        EXPECT_FALSE(cpu().in_v32()) << "by check " << error;
        if (cpu().in_v32()) return end_guest();
        EXPECT_EQ(machine_.area().instruction_error, error);
        EXPECT_EQ(cpu().eip, root_handlers + vector_GP);
        before_.instruction_error = error;
        const ControlArea now = machine_.area();
        EXPECT_EQ(std::memcmp(&now, &before_, sizeof now), 0) << "by check " << error;
    }

    // It runs for a while, or has come back already; then INIT fetches it.
    void run_guest() {
        ++entered;
        EXPECT_TRUE(cpu().in_v32() || cpu().eip != root_handlers + vector_GP ||
                    machine_.area().exit.exit_reason == static_cast<u32>(v32::Reason::EXCEPTION))
            << "check " << machine_.area().instruction_error << " where there is no error";
        machine_.controller.vector = static_cast<u8>(random_());
        cpu().set_interrupt_line(0, chance(random_, 4));
        cpu().set_nmi_line(0, chance(random_, 8));
        for (u32 slice = 0; slice < 4 && cpu().in_v32(); ++slice) {
            EXPECT_NE(cpu().cr0 & CR0_PG, 0u);
            EXPECT_LE(cpu().cpl, 3);
            if (cpu().run(1 + below(random_, 30)).reason == StopReason::Shutdown) break;
        }
        end_guest();
    }

    void end_guest() {
        cpu().set_interrupt_line(0, false);
        cpu().set_nmi_line(0, false);
        static_cast<void>(cpu().take_nmi()); // one that the guest's blocking held back would be root's
        if (cpu().in_v32()) {
            cpu().init_signal();
            cpu().run(3);
        }
        if (!cpu().in_v32()) return judge_exit();
        ADD_FAILURE() << "INIT does not end the guest";
        cpu().reset();
    }

    // The guest may have overwritten root's memory, and so made anything of the delivery: but not of the exit
    // information, unless it found the area as well, which it may after the exit only by way of root.
    void judge_exit() {
        const v32::ExitInformation exit = machine_.area().exit;
        if (exit.exit_reason < v32::reason_count) ++exits[exit.exit_reason];
        EXPECT_LE(exit.instruction_length, 15u);
        EXPECT_EQ(v32::wide(exit.exit_count), v32::wide(before_.exit.exit_count) + 1);
        for (u32 n = exit.instruction_length; n < 16; ++n) EXPECT_EQ(exit.instruction_bytes[n], 0);
        EXPECT_EQ(machine_.area().guest.cr4 & CR4_V32, 0u);
        EXPECT_EQ(cpu().cr4 & CR4_V32, 0u);
        EXPECT_EQ(cpu().cr3, u32{root_directory});
        if (cpu().attention & attention_shutdown) cpu().reset();
    }
};

u64 count_of_areas() {
    const char* wanted = std::getenv("TRUERING_RANDOM_AREAS");
    return wanted ? std::strtoull(wanted, nullptr, 10) : 1'000'000;
}

} // namespace

TEST(RandomAreas, EachFailsByItsCheckOrRuns) {
    constexpr u32 seed = 20;
    Trial trial(seed);
    const u64 count = count_of_areas();
    for (u64 n = 0; n < count; ++n) {
        trial.go();
        ASSERT_FALSE(HasFailure()) << "seed " << seed << ", area " << n;
    }
    // Both happen often, and the exits are of many kinds.
    EXPECT_GT(trial.entered, count / 10);
    EXPECT_GT(trial.refused, count / 10);
    u32 kinds = 0;
    for (const u64 exits : trial.exits) kinds += exits != 0;
    EXPECT_GE(kinds, 23u);
    RecordProperty("entered", std::to_string(trial.entered));
    RecordProperty("refused", std::to_string(trial.refused));
    std::string reasons;
    for (u32 n = 0; n < v32::reason_count; ++n)
        if (trial.exits[n]) reasons += " " + std::to_string(n) + ":" + std::to_string(trial.exits[n]);
    std::puts(("entered " + std::to_string(trial.entered) + ", refused " + std::to_string(trial.refused) +
               ", exits by reason" + reasons)
                  .c_str());
}

} // namespace truering
