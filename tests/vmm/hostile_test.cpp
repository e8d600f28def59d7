// A guest that wants out (hostile/) against Ringmaster, judged from outside of both.
//
// The guest boots from its disk, is reset many times, and goes on to its last attempt. Whatever it did, at the end
// - Ringmaster's code and constants (its GDT among them) in the hidden range are the bytes of its file;
// - the machine itself was never reset and its processor never shut down;
// - what the guest found to be no memory, by every kind of mapping, is the hidden range, exactly;
// - Ringmaster gives its account.
// Where the guest has switched the machine off, by chance or on purpose, the host leaves it on; where it has lost
// itself (a loop with interrupts off), the host pulses INIT as a person would press the button.
#include "tests/vmm/bench.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <regex>

namespace truering::vmm_tests {
namespace {

// Presses INIT when nothing has been said on COM1 for a while, the longest attempt and the firmware's own time before
// the boot included. It waits until the guest runs: INIT in root resets the processor, and the VMM is not in its way.
class Watchdog {
  public:
    explicit Watchdog(Bench& bench) : bench_(bench) { arm(patience); }

    void press() {
        pressed_ = true;
        arm(0);
    }
    unsigned presses = 0;

  private:
    static constexpr Nanoseconds patience = nanoseconds_per_second / 2, moment = 1000;

    void arm(Nanoseconds from_now) { bench_.pc().clock.arm(alarm_, bench_.pc().clock.now() + from_now); }
    void look() {
        const size_t said = bench_.serial().size();
        if (said == said_) pressed_ = true;
        if (pressed_ && !bench_.pc().cpu.in_v32()) return arm(moment);
        if (pressed_) {
            bench_.pc().cpu.init_signal();
            ++presses;
        }
        pressed_ = false;
        said_ = said;
        arm(patience);
    }

    Bench& bench_;
    Alarm alarm_ = Alarm::calling<&Watchdog::look>(*this);
    size_t said_ = 0;
    bool pressed_ = false;
};

std::vector<u8> part_of(Bench& bench, u64 begin, u64 size) {
    const std::span<const u8> ram = bench.memory();
    if (begin + size > ram.size()) return {};
    return {ram.begin() + static_cast<std::ptrdiff_t>(begin), ram.begin() + static_cast<std::ptrdiff_t>(begin + size)};
}

// The first byte that is not as in the file, or nothing.
std::string damage(Bench& bench, const ElfFile& ringmaster) {
    const u64 base = bench.hidden().begin;
    for (const ElfFile::Part& part : ringmaster.constant_parts()) {
        const std::vector<u8> now = part_of(bench, base + part.address - ringmaster_linear_base, part.bytes.size());
        if (now.size() != part.bytes.size()) return part.name + " is not in memory";
        for (size_t n = 0; n < now.size(); ++n)
            if (now[n] != part.bytes[n])
                return fmt::format("{} at {:08X} is {:02X}, not {:02X}", part.name, part.address + n, now[n],
                                   part.bytes[n]);
    }
    return {};
}

struct Case {
    const char* name;
    const char* options;
    const char* image;
};

class HostileTest : public ::testing::TestWithParam<Case> {};

TEST_P(HostileTest, RingmasterStandsFirm) {
    BenchSetup setup{.guest = {}, .vmm_options = GetParam().options, .memory = u64{32} << 20};
    DriveRequest disk;
    disk.file = image_path(GetParam().image);
    disk.kind = MediumKind::HardDisk;
    disk.mode = MediumMode::Snapshot;
    setup.drives.push_back(disk);
    setup.instructions = 400'000'000'000;
    Bench bench(setup);
    Watchdog watchdog(bench);
    const ElfFile ringmaster(ringmaster_path());

    constexpr u32 success = 0;
    std::string now = "no damage";
    End end;
    for (;;) {
        end = bench.run();
        now = damage(bench, ringmaster);
        const bool halted = end.reason == EndReason::Halted;
        const bool goes_on = halted || end.reason == EndReason::DebugExit || end.reason == EndReason::PowerOff;
        if (!goes_on || !now.empty() || bench.serial().find("VERDICT") != std::string::npos) break;
        if (halted) watchdog.press();
    }
    EXPECT_EQ(now, "");
    EXPECT_EQ(words(end), words({EndReason::DebugExit, success, {}})) << bench.console();
    const std::string said = bench.serial();
    EXPECT_NE(said.find("VERDICT passed"), std::string::npos) << said;
    EXPECT_EQ(said.find("FAIL"), std::string::npos) << said.substr(std::min(said.size(), said.find("FAIL")), 200);
    EXPECT_NE(bench.console().find("Ringmaster's account"), std::string::npos);

    const Range hidden = bench.hidden();
    static const std::regex found("NO MEMORY ([0-9A-F]{8})-([0-9A-F]{8}) (.*)");
    unsigned ways = 0;
    for (auto at = std::sregex_iterator(said.begin(), said.end(), found); at != std::sregex_iterator(); ++at, ++ways) {
        EXPECT_EQ(std::stoull((*at)[1], nullptr, 16), hidden.begin) << (*at)[3];
        EXPECT_EQ(std::stoull((*at)[2], nullptr, 16), hidden.end) << (*at)[3];
    }
    EXPECT_EQ(ways, 5u);

    // The judge sees a single bit.
    const u64 somewhere = hidden.begin + ringmaster.constant_parts()[0].address - ringmaster_linear_base + 1234;
    bench.pc().memory.write(Physical{somewhere}, bench.pc().memory.read(Physical{somewhere}, 1) ^ 0x10, 1);
    EXPECT_NE(damage(bench, ringmaster), "");
}

constexpr Case cases[] = {
    {"shadow", "if=shadow paging=shadow", "vmm/hostile.img"},
    {"trap", "if=trap paging=shadow", "vmm/hostile.img"},
    {"direct", "if=direct paging=shadow", "vmm/hostile.img"},
    {"long_shadow", "if=shadow paging=shadow", "vmm/hostile-long.img"},
    {"long_trap", "if=trap paging=shadow", "vmm/hostile-long.img"},
    {"long_direct", "if=direct paging=shadow", "vmm/hostile-long.img"},
};
INSTANTIATE_TEST_SUITE_P(Policies, HostileTest, ::testing::ValuesIn(cases),
                         [](const auto& c) { return std::string(c.param.name); });

} // namespace
} // namespace truering::vmm_tests
