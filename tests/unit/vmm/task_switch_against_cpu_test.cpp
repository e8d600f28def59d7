// The VMM's task switch against the emulator's own, on random tables, tasks and paging rights: the same memory, the
// same registers, the same faults.
#include "cpu/cpu.hpp"
#include "cpu/task_switch.hpp"
#include "memory/clock.hpp"
#include "memory/physical_memory.hpp"
#include "vmm/task_switch.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace vmm_test {
namespace {

using namespace truering;
using ringmaster::PageFault;
using ringmaster::TaskVerdict;

class StoppedClock final : public Clock {
  public:
    [[nodiscard]] Nanoseconds now() const override { return 0; }
    void arm(Alarm&, Nanoseconds) override {}
    void disarm(Alarm&) override {}
};

constexpr u32 compared_bytes = 0x8000; // GDT, LDT, task-state segments, stacks; paging is behind
constexpr u32 gdt_at = 0x1000, ldt_at = 0x1800, tss_at = 0x2F80, stacks_at = 0x6000;
constexpr u32 page_tables_at[2] = {0x10'0000, 0x10'2000};
constexpr u32 descriptors = 32, tasks = 6;
constexpr u32 pages = 1024; // that are mapped at all

class Pair {
  public:
    explicit Pair(unsigned seed)
        : random_(seed), memory_(0x40'0000), cpu_(*find_cpu_model("pentium4"), memory_, ports_, clock_) {}

    // One random switch on both; what they leave is compared.
    void run() {
        cpu_.reset();
        fill_memory();
        fill_record();
        fill_paging();
        choose_switch();
        copy_to_cpu();
        mirror_.assign(memory_.ram().begin(), memory_.ram().begin() + compared_bytes);
        const Outcome expected = run_cpu();
        const TaskVerdict verdict =
            ringmaster::switch_task(record_, exit_, policy_, {this, read, write, probe, load_CR3, write_as_user});
        compare(expected, verdict);
    }
    unsigned switched = 0, faults_before = 0, faults_behind = 0;

  private:
    u32 below(u32 n) { return static_cast<u32>(random_() % n); }
    bool chance(u32 percent) { return below(100) < percent; }
    template <class T> void put(u32 at, T value) { memory_.write({at}, value, sizeof value); }

    // ---- Random tables. Selectors 8 to 5*8 are TSSs, 6 an LDT; the rest is code and data, mostly sound.

    void descriptor(u32 at, u32 base, u32 limit, u32 access, u32 flags) {
        put<u32>(at, (limit & 0xFFFF) | base << 16);
        put<u32>(at + 4, (base >> 16 & 0xFF) | access << 8 | (limit & 0xF'0000) | flags << 20 | (base & 0xFF00'0000));
    }
    u32 tss_base(u32 n) const { return tss_at + n * 0x90; }
    u16 task_selector(u32 n) const { return static_cast<u16>((1 + n) * 8); }

    void fill_memory() {
        std::fill_n(memory_.ram().begin(), compared_bytes, u8{0});
        for (u32 n = 0; n < tasks; ++n) {
            u32 access = chance(50) ? 0x89 : 0x81;
            if (chance(30)) access |= 2;
            if (chance(3)) access ^= 1u << below(8);
            descriptor(gdt_at + task_selector(n), tss_base(n), chance(90) ? 0x67 : below(0x70), access, 0);
            fill_task(tss_base(n), access);
        }
        descriptor(gdt_at + 7 * 8, ldt_at, chance(90) ? 0xFF : below(0x100), chance(90) ? 0x82 : below(256), 0);
        for (u32 n = 8; n < descriptors; ++n) random_segment(gdt_at + n * 8);
        for (u32 n = 0; n < descriptors; ++n) random_segment(ldt_at + n * 8);
    }
    void random_segment(u32 at) {
        constexpr u32 kinds[] = {0x92, 0x92, 0x96, 0x90, 0x9A, 0x9A, 0x9E, 0x98};
        u32 access = kinds[below(8)] | (chance(50) ? 0x60 : below(4) << 5) | below(2);
        if (chance(3)) access ^= 1u << below(8);
        const u32 limit = chance(80) ? 0xF'FFFF : below(0x1'0000);
        descriptor(at, chance(70) ? 0 : below(0x4000), limit, access, chance(70) ? 0xC : below(16));
    }
    u16 any_selector() {
        if (chance(4)) return static_cast<u16>(below(4));
        if (chance(2)) return static_cast<u16>(random_());
        const u32 rpl = chance(60) ? 3 : below(4);
        return static_cast<u16>((8 + below(descriptors - 8)) << 3 | (chance(20) ? 4 : 0) | rpl);
    }
    // A selector of a segment of this kind and privilege, where one can be found.
    u16 suiting(u32 mask, u32 kind, u32 level) {
        for (unsigned tries = 0; tries < 60; ++tries) {
            const u32 n = 8 + below(descriptors - 8);
            const u32 access = static_cast<u32>(memory_.read({gdt_at + n * 8 + 5}, 1));
            if ((access & mask) == kind && (access >> 5 & 3) == level) return static_cast<u16>(n * 8 | level);
        }
        return any_selector();
    }
    void fill_task(u32 base, u32 access) {
        if ((access & 8) != 0)
            fill_task_32(base);
        else
            fill_task_16(base);
    }
    void fill_task_32(u32 base) {
        put<u32>(base + 0x1C, page_tables_at[below(2)] | (chance(5) ? 0x18 : 0));
        put<u32>(base + 0x20, chance(95) ? below(0x1'0000) : static_cast<u32>(random_()));
        const u32 VM = chance(15) ? 1u << 17 : 0;
        put<u32>(base + 0x24, (static_cast<u32>(random_()) & ~(1u << 17)) | VM);
        for (u32 n = 0; n < 8; ++n) put<u32>(base + 0x28 + n * 4, static_cast<u32>(random_()));
        put<u32>(base + 0x38, chance(90) ? stacks_at + below(0x2000) : static_cast<u32>(random_()));
        put<u16>(base + 0x60, any_ldt());
        put<u16>(base + 0x64, static_cast<u16>(chance(10) ? 1 : 0));
    }
    void fill_task_16(u32 base) {
        put<u16>(base + 14, static_cast<u16>(random_()));
        put<u16>(base + 16, static_cast<u16>(random_()));
        for (u32 n = 0; n < 8; ++n) put<u16>(base + 18 + n * 2, static_cast<u16>(random_()));
        put<u16>(base + 42, any_ldt());
    }
    u16 any_ldt() { return chance(50) ? u16{0} : chance(90) ? u16{7 * 8} : any_selector(); }
    void choose_selectors(u32 base, u32 type) {
        const u32 level = chance(50) ? 3 : below(4);
        const u16 stack = chance(90) ? suiting(0x9A, 0x92, level) : any_selector();
        const u16 code = chance(90) ? suiting(0x9C, 0x98, level) : any_selector();
        u16 selectors[6];
        for (u16& selector : selectors)
            selector = chance(30) ? u16{0} : chance(90) ? suiting(0x98, 0x90, 3) : any_selector();
        selectors[1] = code;
        selectors[2] = stack;
        const bool is_32 = (type & 8) != 0;
        for (u32 n = 0; n < (is_32 ? 6u : 4u); ++n) put<u16>(base + (is_32 ? 0x48 + n * 4 : 34 + n * 2), selectors[n]);
    }

    // ---- The task that is left

    void fill_record() {
        record_ = {};
        for (u32& gpr : record_.gpr) gpr = static_cast<u32>(random_());
        record_.eip = below(0x1'0000);
        record_.eflags = (static_cast<u32>(random_()) & 0x3F'7FD5 & ~0x2'0000u) | 2;
        record_.sif = below(2);
        record_.cr0 = 0x8001'0033;
        record_.cr3 = page_tables_at[0];
        record_.cr4 = 0;
        record_.dr6 = 0xFFFF'0FF0;
        record_.dr7 = 0x400 | (static_cast<u32>(random_()) & 0x3FF);
        for (unsigned n = 0; n < 6; ++n) record_.segment[n] = {any_selector(), 0xC93, ~u32{0}, 0};
        record_.segment[1].attributes = 0xC9B;
        record_.segment[6] = {0, v32::attributes_unusable, 0, 0};
        const u32 old = below(tasks);
        const u32 type = static_cast<u32>(memory_.read({gdt_at + task_selector(old) + 5}, 1));
        record_.segment[7] = {task_selector(old), static_cast<u16>((type & 8) | 0x83), chance(95) ? 0x67 : below(0x70),
                              tss_base(old)};
        record_.gdtr = {descriptors * 8 - 1, gdt_at};
        record_.interruptibility = below(8);
        record_.pending_debug = below(2);
        policy_ = static_cast<v32::IfPolicy>(below(3));
        if (policy_ == v32::IF_DIRECT)
            record_.eflags = (record_.eflags & ~u32{EFLAGS_IF}) | (record_.sif != 0 ? u32{EFLAGS_IF} : 0);
    }
    void fill_paging() {
        for (unsigned space = 0; space < 2; ++space) {
            put<u32>(page_tables_at[space], (page_tables_at[space] + 0x1000) | 7);
            for (u32 page = 0; page < pages; ++page) {
                u32 rights = 3 | (chance(50) ? 4u : 0);
                if (chance(2)) rights &= ~1u;
                if (chance(2)) rights &= ~2u;
                if (page == 2 || page == 3) rights = chance(85) ? 7 : rights;
                put<u32>(page_tables_at[space] + 0x1000 + page * 4, page << 12 | rights);
                rights_[space][page] = rights;
            }
        }
        space_ = 0;
    }
    void choose_switch() {
        exit_ = {};
        source_ = below(4);
        const u32 task = below(tasks);
        const u16 selector = chance(96) ? task_selector(task) : any_selector();
        const u32 at = gdt_at + (selector & 0xFFF8u) + 5;
        u8 type = static_cast<u8>(memory_.read({at}, 1));
        // Mostly as the source wants it.
        if (chance(90)) type = static_cast<u8>((type & ~2) | (source_ == 1 ? 2 : 0));
        if (at < gdt_at + tasks * 8 + 8) put<u8>(at, type);
        choose_selectors(tss_base(task), type);
        exit_.qualification = selector | source_ << 16;
        exit_.instruction_length = 1 + below(8);
        vectoring_type_ = 0;
        if (source_ != 3) return;
        constexpr u32 types[] = {v32::event_external, v32::event_NMI, v32::event_exception, v32::event_INT};
        vectoring_type_ = types[below(4)];
        u32 event = v32::event_valid | vectoring_type_ << v32::event_type_shift;
        if (vectoring_type_ == v32::event_NMI) event |= 2;
        if (vectoring_type_ == v32::event_INT) event |= 0x80 | 2u << v32::event_length_shift;
        if (vectoring_type_ == v32::event_exception) {
            const bool AC = chance(60); // a benign one with an error code, or one without
            event |= AC ? 17u | v32::event_has_error_code : 16u;
            exit_.vectoring_error_code = AC ? static_cast<u32>(random_()) : 0;
        }
        exit_.vectoring_event = event;
    }

    // ---- The emulator's side

    void copy_to_cpu() {
        const v32::StateRecord& r = record_;
        for (unsigned n = 0; n < 8; ++n) cpu_.gpr[n] = r.gpr[n];
        cpu_.eip = r.eip;
        cpu_.cr0 = r.cr0;
        cpu_.cr3 = r.cr3;
        cpu_.cr4 = r.cr4;
        cpu_.dr7 = r.dr7;
        cpu_.dr6 = r.dr6;
        cpu_.set_eflags(visible_eflags(r), EFLAGS_all);
        cpu_.interruptibility = static_cast<u8>(r.interruptibility);
        cpu_.gdtr = {.base = r.gdtr.base, .limit = r.gdtr.limit};
        for (unsigned n = 0; n < 8; ++n) {
            const v32::SegmentRecord& s = r.segment[n];
            cpu_.set_segment(static_cast<SegmentIndex>(n),
                             {.selector = s.selector, .attributes = s.attributes, .base = s.base, .limit = s.limit});
        }
        cpu_.set_cpl(0);
        cpu_.update_segments();
        cpu_.update_attention();
        cpu_.flush_both_sides();
    }
    static u32 visible_eflags(const v32::StateRecord& r) {
        return (r.eflags & ~u32{EFLAGS_IF}) | (r.sif != 0 ? u32{EFLAGS_IF} : 0);
    }
    Outcome run_cpu() {
        const bool INT = source_ == 3 && vectoring_type_ == v32::event_INT;
        const u32 length = source_ != 3 ? exit_.instruction_length : INT ? 2 : 0;
        const bool fault = source_ == 3 && vectoring_type_ == v32::event_exception;
        const Resume resume{record_.eip + length, visible_eflags(record_) | (fault ? u32{EFLAGS_RF} : 0)};
        const bool has_code = (exit_.vectoring_event & v32::event_has_error_code) != 0;
        return switch_task(cpu_, static_cast<u16>(exit_.qualification), static_cast<TaskSwitchSource>(source_), resume,
                           has_code ? &exit_.vectoring_error_code : nullptr);
    }

    // ---- The VMM's memory: identity-mapped pages with the rights of the present address space

    static bool reaches(Pair& self, u32 linear, u32 size, u32 wanted, PageFault& fault) {
        for (u32 n = 0; n < size; ++n) {
            const u32 page = (linear + n) >> 12;
            const u32 rights = page < pages ? self.rights_[self.space_][page] : 0;
            if ((rights & wanted) == wanted) continue;
            fault = {(rights & 1) | (wanted & 6), linear + n};
            return false;
        }
        return true;
    }
    static bool read(void* context, u32 linear, void* to, u32 size, PageFault& fault) {
        Pair& self = *static_cast<Pair*>(context);
        if (!reaches(self, linear, size, 1, fault)) return false;
        for (u32 n = 0; n < size; ++n)
            static_cast<u8*>(to)[n] = linear + n < compared_bytes ? self.mirror_[linear + n] : u8{0xFF};
        return true;
    }
    static bool write(void* context, u32 linear, const void* from, u32 size, PageFault& fault) {
        Pair& self = *static_cast<Pair*>(context);
        if (!reaches(self, linear, size, 3, fault)) return false;
        for (u32 n = 0; n < size; ++n)
            if (linear + n < compared_bytes) self.mirror_[linear + n] = static_cast<const u8*>(from)[n];
        return true;
    }
    static bool write_as_user(void* context, u32 linear, const void* from, u32 size, PageFault& fault) {
        return reaches(*static_cast<Pair*>(context), linear, size, 7, fault) &&
               write(context, linear, from, size, fault);
    }
    static bool probe(void* context, u32 linear, u32 size, PageFault& fault) {
        return reaches(*static_cast<Pair*>(context), linear, size, 3, fault);
    }
    static bool load_CR3(void* context, u32 value) {
        static_cast<Pair*>(context)->space_ = (value & ~u32{0xFFF}) == page_tables_at[1] ? 1 : 0;
        return true;
    }

    // ---- Comparing

    void compare(Outcome expected, const TaskVerdict& verdict) {
        const bool fault = expected == Outcome::Fault;
        const bool committed = (record_.cr0 & CR0_TS) != 0;
        if (!fault) {
            ++switched;
            const bool traps = (cpu_.pending_debug & DR6_BT) != 0;
            ASSERT_EQ(verdict.answer, traps ? TaskVerdict::Answer::Inject : TaskVerdict::Answer::Switched);
            if (traps) {
                EXPECT_EQ(verdict.event, 0x8000'0301u);
            }
            EXPECT_EQ((record_.dr6 & DR6_BT) != 0, traps);
        } else {
            ++(committed ? faults_behind : faults_before);
            ASSERT_EQ(verdict.answer, TaskVerdict::Answer::Inject)
                << "vector " << unsigned{cpu_.fault.vector} << " code " << cpu_.fault.error_code << " CR2 "
                << cpu_.fault.cr2;
            EXPECT_EQ(verdict.event, 0x8000'0B00u | cpu_.fault.vector);
            const bool EXT = source_ == 3 && vectoring_type_ != v32::event_INT && cpu_.fault.vector != 14;
            EXPECT_EQ(verdict.error_code, cpu_.fault.error_code | (EXT ? 1u : 0u));
            if (cpu_.fault.vector == 14) {
                EXPECT_EQ(record_.cr2 >> 12, cpu_.fault.cr2 >> 12); // which field is read first is nobody's business
            }
        }
        compare_registers(fault);
        const auto difference = std::mismatch(mirror_.begin(), mirror_.end(), memory_.ram().begin());
        EXPECT_EQ(difference.first, mirror_.end()) << "at " << std::hex << difference.first - mirror_.begin();
    }

    void compare_registers(bool fault) {
        for (unsigned n = 0; n < 8; ++n) EXPECT_EQ(record_.gpr[n], cpu_.gpr[n]) << n;
        EXPECT_EQ(record_.eip, cpu_.eip);
        const u32 RF = fault ? u32{EFLAGS_RF} : 0; // a fault's injection pushes it
        EXPECT_EQ(visible_eflags(record_) | RF, cpu_.eflags() | RF);
        EXPECT_EQ(record_.cr0, cpu_.cr0);
        EXPECT_EQ(record_.cr3, cpu_.cr3);
        EXPECT_EQ(record_.dr7, cpu_.dr7);
        for (unsigned n = 0; n < 8; ++n) {
            const Segment& s = cpu_.segment[n];
            EXPECT_EQ(record_.segment[n].selector, s.selector) << n;
            if (n == seg_CS && !s.usable()) { // a record's CS is never unusable
                EXPECT_TRUE(fault);
                EXPECT_EQ(record_.segment[n].attributes & attr_unusable, 0);
                continue;
            }
            if (n < 6 && (record_.eflags & EFLAGS_VM) != 0 && !s.usable()) { // nor has one in 8086 mode such segments
                EXPECT_EQ(record_.segment[n].attributes, 0xF3);
                continue;
            }
            EXPECT_EQ(record_.segment[n].attributes, s.attributes) << n;
            if (!s.usable()) continue;
            EXPECT_EQ(record_.segment[n].base, s.base) << n;
            EXPECT_EQ(record_.segment[n].limit, s.limit) << n;
        }
    }

    std::mt19937 random_;
    PhysicalMemory memory_;
    PortBus ports_;
    StoppedClock clock_;
    Cpu cpu_;
    v32::StateRecord record_ = {};
    v32::ExitInformation exit_ = {};
    v32::IfPolicy policy_ = v32::IF_SHADOW;
    u32 source_ = 0, vectoring_type_ = 0;
    u32 rights_[2][pages] = {};
    unsigned space_ = 0;
    std::vector<u8> mirror_;
};

TEST(TaskSwitchAgainstCpu, LeavesTheSameState) {
    Pair pair(1);
    for (unsigned n = 0; n < 4'000 && !testing::Test::HasFailure(); ++n) {
        SCOPED_TRACE(testing::Message() << "switch " << n);
        pair.run();
    }
    EXPECT_GT(pair.switched, 1'000u);
    EXPECT_GT(pair.faults_before, 300u);
    EXPECT_GT(pair.faults_behind, 300u);
}

} // namespace
} // namespace vmm_test
