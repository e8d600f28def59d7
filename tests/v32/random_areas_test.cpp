// V32ENTER on control areas filled at random: from nearly valid ones to pure noise, with guests of random code and page
// tables, random interrupts, and a VMM whose every structure the guest may overwrite.
//
// What must hold for each: the entry fails by the check of 7.1 that an oracle in this file finds (written from the
// contract, apart from the processor's own), with nothing else changed; or the guest runs, and comes to an exit that is
// written as 4.3 and 8 say when INIT ends it. Never a crash: the same program runs under the sanitizers.
//
// TRUERING_RANDOM_AREAS is the number of areas, TRUERING_RANDOM_SEED the seed; a failure says both.
#include "tests/v32/random_machine.hpp"

#include <gtest/gtest.h>

#include <set>

namespace truering::test {
namespace {

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
    }

    void go() {
        machine_.restore();
        // Written only when lost (a root that the guest had destroyed was reset): a write drops translations.
        constexpr u64 enabled = control_area | u64{V32_VCA_ENABLE};
        if (cpu().v32.vca != enabled) cpu().write_v32_vca(enabled);
        before_ = random_area(random_);
        write_code(machine_, guest_code + 16 * below(random_, 0x300), random_);
        const u32 linear = before_.guest.segment[seg_CS].base + before_.guest.eip;
        if (linear < guest_directory - 64 || (linear >= guest_code && linear < guest_stack))
            write_code(machine_, linear, random_);
        const u32 error = Oracle(machine_, before_).first_error();
        machine_.memory.write(Physical{control_area}, {reinterpret_cast<const u8*>(&before_), sizeof before_});
        for (u32 n = 0; n < 8; ++n)
            if (n != reg_ESP) cpu().gpr[n] = static_cast<u32>(random_());
        root_ = cpu();
        machine_.execute_V32ENTER();
        if (error != 0)
            failed_entry(error);
        else
            run_guest();
    }

    // The control area where root has its code, IDT, stack or page tables, or anywhere: root may perish, no more.
    void go_anywhere() {
        machine_.restore();
        const u32 place = chance(random_, 2) ? below(random_, memory_end) & ~0xFFFu
                                             : root_first + (below(random_, root_end - root_first) & ~0xFFFu);
        cpu().write_v32_vca(place | V32_VCA_ENABLE);
        before_ = random_area(random_);
        machine_.memory.write(Physical{place}, {reinterpret_cast<const u8*>(&before_), sizeof before_});
        machine_.execute_V32ENTER();
        for (u32 slice = 0; slice < 4; ++slice)
            if (cpu().run(1 + below(random_, 30)).reason == StopReason::Shutdown) break;
        cpu().reset(); // in the mode or not
        EXPECT_FALSE(cpu().in_v32());
        EXPECT_EQ(cpu().v32.vca, 0u);
    }

    u64 entered = 0, refused = 0, exits[v32::reason_count] = {};

  private:
    Machine machine_;
    Random random_;
    ControlArea before_;
    CpuState root_; // at V32ENTER

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

    // In a handler, whatever the guest was and did.
    void judge_root() {
        EXPECT_LE(cpu().eip - root_handlers, 256u);
        for (u32 n = 0; n < 8; ++n) EXPECT_TRUE(n == reg_ESP || cpu().gpr[n] == root_.gpr[n]) << "register " << n;
        EXPECT_LE(root_.gpr[reg_ESP] - cpu().gpr[reg_ESP], 28u); // the exit's event, an NMI upon it
        EXPECT_EQ(cpu().cr0, root_.cr0);
        EXPECT_EQ(cpu().cr4, root_.cr4);
        EXPECT_EQ(cpu().efer, root_.efer);
        EXPECT_EQ(cpu().dr6, root_.dr6);
        EXPECT_EQ(cpu().dr7, root_.dr7);
        EXPECT_EQ(cpu().gdtr.base, root_.gdtr.base);
        EXPECT_EQ(cpu().idtr.limit, root_.idtr.limit);
        EXPECT_EQ(cpu().cpl, 0);
        EXPECT_EQ(cpu().interruptibility & 3, 0);
        EXPECT_EQ(cpu().pending_debug, 0u);
        for (unsigned n = 0; n < segment_count; ++n) {
            EXPECT_EQ(cpu().segment[n].base, root_.segment[n].base);
            EXPECT_EQ(cpu().segment[n].limit, root_.segment[n].limit);
            EXPECT_EQ(cpu().segment[n].attributes, root_.segment[n].attributes);
        }
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
        if (machine_.root_is_whole()) judge_root();
        if (cpu().attention & attention_shutdown) cpu().reset();
    }
};

} // namespace

TEST(RandomAreas, EachFailsByItsCheckOrRuns) {
    const u32 seed = seed_of_run();
    Trial trial(seed);
    const u64 count = from_environment("TRUERING_RANDOM_AREAS", 1'000'000);
    for (u64 n = 0; n < count; ++n) {
        n % 64 == 63 ? trial.go_anywhere() : trial.go();
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

} // namespace truering::test
