// Ways of running a guest that must come to the same.
//
// By single steps and freely: STEP_EXIT, and with it a whole exit and entry between any two instructions, is
// transparent. Two machines get the same area, the same memory. One is entered once and runs; the other is entered anew
// after each instruction. After the same number of instructions and deliveries, or at the first exit of another reason,
// their guest records, exit information and memories must be equal: whatever entry or exit loses or invents shows as a
// difference.
//
// In V32 mode and bare: with every event its own, a guest does up to its first exit what a program in root does.
#include "cpu/paging.hpp"
#include "cpu/v32/record.hpp"
#include "tests/v32/random_machine.hpp"

#include <gtest/gtest.h>

namespace truering::test {
namespace {

constexpr u32 hidden_first = 0x60'0000; // the VMM's memory is not in the guest's address space

class Side {
  public:
    Side() {
        for (u32 page = hidden_first / 0x1000; page < memory_end / 0x1000; ++page)
            machine.put<u32>(guest_tables + 4 * page, 0);
        machine.put<u64>(guest_large_pages + 8 * (hidden_first >> 21), 0);
        machine.keep_guest_tables();
        machine.restore();
        machine.cpu.write_v32_vca(control_area | V32_VCA_ENABLE);
    }

    Machine machine;
    u64 units = 0; // instructions and deliveries of the guest

    void begin(const ControlArea& area) {
        machine.restore();
        machine.cpu.write_v32_vca(control_area | V32_VCA_ENABLE);
        for (u32& dr : machine.cpu.dr) dr = 0;
        units = 0;
        write(area);
    }

    void copy_memory(Side& other) {
        for (u32 page = 0; page < control_area; page += page_size)
            if (std::memcmp(machine.at(page), other.machine.at(page), page_size) != 0)
                machine.memory.write(Physical{page}, {other.machine.at(page), page_size});
    }

    // At most `most` units, then NMI, which stands behind all that the guest itself brings about.
    void run_freely(u64 most) {
        machine.execute_V32ENTER();
        if (!cpu().in_v32()) return;
        units = cpu().run(most).executed;
        if (!cpu().in_v32()) return;
        cpu().set_nmi_line(0, true);
        cpu().set_nmi_line(0, false);
        cpu().run(3);
    }

    // One by one up to an exit; a guest that does not come to one is ended by NMI. `units` does not count the exit.
    void run_counted(u64 most) {
        machine.execute_V32ENTER();
        while (cpu().in_v32() && units < most) {
            const u64 executed = cpu().run(1).executed;
            if (executed == 0) break; // halted
            if (cpu().in_v32()) units += executed;
        }
        if (!cpu().in_v32()) return;
        cpu().set_nmi_line(0, true);
        cpu().set_nmi_line(0, false);
        cpu().run(3);
    }

    // The guest's state in root, as if there were no mode.
    void run_bare(const v32::StateRecord& state, u64 wanted) {
        v32::load_state(cpu(), state);
        ASSERT_TRUE((state.cr4 & CR4_PAE) == 0 || read_pdptes(cpu(), state.cr3, cpu().pdpte));
        cpu().flush_tlb();
        cpu().update_segments();
        cpu().update_view();
        cpu().update_attention();
        while (units < wanted) {
            const u64 executed = cpu().run(wanted - units).executed;
            if (executed == 0) return;
            units += executed;
        }
    }

    // As many units as the other side did, or up to an exit that is no STEP.
    void run_by_steps(u64 wanted) {
        for (;;) {
            machine.execute_V32ENTER();
            for (u32 patience = 0; cpu().in_v32() && patience < 3; ++patience) cpu().run(1);
            if (cpu().in_v32() || reason() != v32::Reason::STEP) return;
            if (++units >= wanted) return;
            const ControlArea area = machine.area();
            machine.enter_root_again();
            write(area);
        }
    }

    [[nodiscard]] v32::Reason reason() { return static_cast<v32::Reason>(machine.area().exit.exit_reason); }

  private:
    Cpu& cpu() { return machine.cpu; }
    void write(const ControlArea& area) {
        machine.memory.write(Physical{control_area}, {reinterpret_cast<const u8*>(&area), sizeof area});
    }
};

// Nothing that depends on time.
ControlArea quiet_area(Random& random) {
    ControlArea area = valid_area(random);
    area.controls &= ~u32{v32::STEP_EXIT};
    area.controls |= v32::RDTSC_EXIT | u32{v32::RDPMC_EXIT};
    if (chance(random, 4)) make_8086(area, random);
    if (chance(random, 3)) area.guest.cr4 |= static_cast<u32>(random()) & 0x1DF & ~u32{CR4_PAE};
    if (chance(random, 4)) { // nobody finds the PDPTEs, which entry alone loads again
        area.guest.cr4 |= CR4_PAE;
        area.guest.cr3 = guest_pointers;
    }
    if (chance(random, 4)) make_event(area, random);
    if (chance(random, 4)) area.guest.interruptibility = below(random, 8);
    if (chance(random, 6)) area.guest.pending_debug = static_cast<u32>(random()) & 0x400F;
    const u32 given = below(random, 4); // of four guests one is given nothing that the noise of valid_area() denies
    for (u8& byte : area.redirect_events) byte = given ? 0xFF : byte;
    for (u8& byte : area.redirect_software) byte = given ? 0xFF : byte;
    area.redirect_events[0] &= ~u8{1u << 2}; // NMI ends the free run
    return area;
}

class Pair {
  public:
    explicit Pair(u32 seed) : random_(seed) {}

    void go() {
        ControlArea area = quiet_area(random_);
        const u32 seed = static_cast<u32>(random_());
        const u64 most = 1 + below(random_, 40);
        begin(whole_, area, seed);
        whole_.run_freely(most);
        const bool finished = whole_.reason() == v32::Reason::NMI;
        area.controls |= v32::STEP_EXIT;
        begin(stepped_, area, seed);
        stepped_.run_by_steps(whole_.units + (finished ? 0 : 50)); // the exit comes well before
        if (finished && whole_.units == 0) return; // refused at entry, or injected and exited: nothing to compare
        compare(finished);
    }

    u64 finished_count = 0, exited_count = 0, units = 0;

    // The same memory, code by this seed, the same registers.
    static void begin(Side& side, const ControlArea& area, u32 seed) {
        side.begin(area);
        Random code(seed);
        const u32 linear = area.guest.segment[seg_CS].base + area.guest.eip;
        if (linear < guest_directory - 64 || linear >= guest_code) write_code(side.machine, linear, code);
        write_code(side.machine, guest_code + 16 * below(code, 0x300), code);
    }

  private:
    Random random_;
    Side whole_, stepped_;

    void compare(bool finished) {
        const ControlArea a = whole_.machine.area(), b = stepped_.machine.area();
        ++(finished ? finished_count : exited_count);
        units += stepped_.units;
        EXPECT_EQ(a.instruction_error, b.instruction_error);
        const auto *x = reinterpret_cast<const u32*>(&a.guest), *y = reinterpret_cast<const u32*>(&b.guest);
        for (u32 n = 0; n < sizeof a.guest / 4; ++n)
            EXPECT_EQ(x[n], y[n]) << "guest record, offset " << std::hex << 4 * n;
        if (!finished) {
            const size_t size = offsetof(v32::ExitInformation, exit_count);
            EXPECT_EQ(std::memcmp(&a.exit, &b.exit, size), 0)
                << "exits " << a.exit.exit_reason << " and " << b.exit.exit_reason;
        }
        for (u32 n = 0; n < 4; ++n) EXPECT_EQ(whole_.machine.cpu.dr[n], stepped_.machine.cpu.dr[n]) << "DR" << n;
        EXPECT_EQ(std::memcmp(whole_.machine.at(0), stepped_.machine.at(0), control_area), 0) << "memory";
    }
};

} // namespace

// INIT at the boundary behind CLI, STI, POPF and IRET under TRAP: what they attempted has not been done.
TEST(Steps, InitTakesAnAttemptBack) {
    constexpr u8 attempts[][2] = {{0xFA, 0x90}, {0xFB, 0x90}, {0x9D, 0x90}, {0xCF, 0x90}};
    for (const auto& code : attempts)
        for (const u32 sif : {0u, 1u}) {
            Side side;
            Random random(1);
            ControlArea area = valid_area(random);
            area.controls = v32::IF_TRAP;
            area.guest.eflags = EFLAGS_fixed;
            area.guest.cpl = 0;
            for (unsigned n = 0; n <= seg_GS; ++n) area.guest.segment[n] = flat(0x10, 0xC93);
            area.guest.segment[seg_CS] = flat(0x08, 0xC9B);
            area.guest.eip = guest_code;
            area.guest.sif = sif;
            const u32 frame[3] = {guest_code + 1, 0x08, EFLAGS_fixed | (sif ? 0u : u32{EFLAGS_IF})};
            for (u32 n = 0; n < 3; ++n) side.machine.put<u32>(area.guest.gpr[reg_ESP] + 4 * n, frame[n]);
            if (code[0] == 0x9D) side.machine.put<u32>(area.guest.gpr[reg_ESP], frame[2]);
            side.begin(area);
            side.machine.memory.write(Physical{guest_code}, code);
            side.machine.execute_V32ENTER();
            ASSERT_TRUE(side.machine.cpu.in_v32());
            side.machine.cpu.run(1);
            side.machine.cpu.init_signal();
            side.machine.cpu.run(3);
            EXPECT_EQ(side.reason(), v32::Reason::INIT) << std::hex << u32{code[0]};
            EXPECT_EQ(side.machine.area().guest.sif, sif) << std::hex << u32{code[0]};
        }
}

namespace {

// The tables aside: what the exiting instruction itself looked at (a TSS's descriptor) has its accessed bits there.
bool same_memory(Machine& a, Machine& b) {
    return std::memcmp(a.at(0), b.at(0), guest_directory) == 0 &&
           std::memcmp(a.at(guest_gdt), b.at(guest_gdt), control_area - guest_gdt) == 0;
}

} // namespace

// All events are the guest's, and its IF too: only what the mode always restricts exits. Up to there a guest in V32
// mode is in no way different from a program in root. (Paged real mode has no like there.)
TEST(Guest, DoesTheSameAsOnABareProcessor) {
    const u32 seed = seed_of_run();
    Random random(seed);
    Side guest, bare;
    u64 units = 0;
    const u64 count = from_environment("TRUERING_RANDOM_STEPS", 6'000);
    for (u64 n = 0; n < count; ++n) {
        ControlArea area = quiet_area(random);
        if ((area.guest.cr0 & CR0_PE) == 0) continue;
        area.controls = v32::IF_DIRECT | u32{v32::EXTINT_EXIT} | u32{v32::RDTSC_EXIT} | u32{v32::RDPMC_EXIT};
        area.inject_event = 0;
        area.io_bitmap = guest_io_bitmap;
        for (u8& byte : area.redirect_software) byte = 0xFF;
        for (u8& byte : area.redirect_events) byte = 0xFF;
        area.redirect_events[0] = 0xFB; // NMI ends the run
        const u32 code = static_cast<u32>(random());
        Pair::begin(guest, area, code);
        guest.run_counted(1 + below(random, 40));
        const ControlArea after = guest.machine.area();
        const v32::Reason reason = guest.reason();
        if (after.instruction_error != 0 || reason == v32::Reason::SHUTDOWN) {
            bare.copy_memory(guest); // what the guest did before is not for comparison
            continue;
        }
        Pair::begin(bare, area, code);
        bare.run_bare(area.guest, guest.units);
        units += guest.units;
        const v32::StateRecord root = v32::save_state(bare.machine.cpu);
        const auto *x = reinterpret_cast<const u32*>(&after.guest), *y = reinterpret_cast<const u32*>(&root);
        for (u32 word = 0; word < sizeof root / 4; ++word) {
            // An exiting instruction has its RF behind it.
            const u32 ignored = word == offsetof(v32::StateRecord, eflags) / 4 ? u32{EFLAGS_RF} : 0;
            EXPECT_EQ(x[word] | ignored, y[word] | ignored) << "offset " << std::hex << 4 * word;
        }
        EXPECT_TRUE(same_memory(guest.machine, bare.machine));
        ASSERT_FALSE(HasFailure()) << "seed " << seed << ", guest " << n << ", exit " << static_cast<u32>(reason)
                                   << " behind " << guest.units << " units";
    }
    EXPECT_GT(units, count * 3);
}

TEST(Steps, ComeToTheSameAsAFreeRun) {
    const u32 seed = seed_of_run();
    Pair pair(seed);
    const u64 count = from_environment("TRUERING_RANDOM_STEPS", 6'000);
    for (u64 n = 0; n < count; ++n) {
        pair.go();
        ASSERT_FALSE(HasFailure()) << "seed " << seed << ", guest " << n;
    }
    EXPECT_GT(pair.finished_count, count / 20);
    EXPECT_GT(pair.exited_count, count / 20);
    std::puts(("ran to the end " + std::to_string(pair.finished_count) + ", exited " +
               std::to_string(pair.exited_count) + ", steps " + std::to_string(pair.units))
                  .c_str());
}

} // namespace truering::test
