// A guest cannot tell Ringmaster from the bare machine: the same guest runs on both, under every policy; what it says
// on COM1 must be the same byte for byte, and all of its memory at the end.
//
// Compared from the host's side: all RAM but
// - the hidden range, which no guest has;
// - bytes that differ when the guest's image has been placed and that neither guest changes after that: the loader's
//   copy of Ringmaster at 1 MiB, where the bare machine's memory is still empty;
// - firmware_data below: the BIOS has been asked other things, at other times, before the guest began.
// A guest here must not depend on how fast its time passes, as exits take time; what it keeps of time all the same
// stands in Guest::timed.
#include "tests/vmm/bench.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace truering::vmm_tests {
namespace {

enum class Direct : u8 { Same, Differs };

struct Guest {
    const char* name;
    const char* image;
    const char* timed = nullptr;  // a symbol: the memory before it, as far as timed_bytes, depends on time
    Direct direct = Direct::Same; // under if=direct
};
constexpr u32 timed_bytes = 16384;

constexpr Guest guests[] = {
    // On its stack is a counter of how often it looked whether an interrupt has come. It looks at the 8259's IRR, and
    // if=direct shows there: Ringmaster takes every interrupt at once, so that none is ever seen waiting.
    {"debug", "conformance/debug.elf", "harness_stack_top", Direct::Differs},
    {"double_faults", "conformance/double_faults.elf"},
    {"faults", "conformance/faults.elf"},
    {"gates", "conformance/gates.elf"},
    {"paging", "conformance/paging.elf"},
    {"rare_instructions", "conformance/rare_instructions.elf"},
    {"real_mode", "conformance/real_mode.elf"},
    {"segments", "conformance/segments.elf"},
    {"self_modifying", "conformance/self_modifying.elf"},
    {"tasks", "conformance/tasks.elf"},
    {"v86", "conformance/v86.elf"},
    {"bios_calls", "vmm/bios_calls.elf"},
};

constexpr const char* policies[] = {
    "if=shadow paging=shadow", "if=shadow paging=guest",  "if=trap paging=shadow",
    "if=trap paging=guest",    "if=direct paging=shadow", "if=direct paging=guest",
};

struct Area {
    Range range;
    const char* why;
};
constexpr Area firmware_data[] = {
    {{0x0'0400, 0x0'0600}, "the BIOS's data area: its clock, its boot state"},
    {{0x0'7000, 0x0'7E00}, "the stack and the sector of boot code: Ringmaster's INT 18H in place of none"},
    {{0x9'0000, 0xA'0000}, "the extended BIOS data area, and the stack that the BIOS runs on"},
    {{0xC'0000, 0x10'0000}, "the BIOS's variables in its shadow RAM"},
};

bool is_firmware_data(u64 address, u64 ram) {
    constexpr u64 firmware_heap = 0x4'0000; // at the end of RAM
    if (address >= ram - firmware_heap) return true;
    for (const Area& area : firmware_data)
        if (area.range.contains(address)) return true;
    return false;
}

// The first difference that counts, and how many.
struct Difference {
    u64 first = 0, count = 0;
};

Difference compare(Bench& bare, Bench& guest, Range timed) {
    Difference difference;
    const std::span<const u8> a = bare.memory(), b = guest.memory();
    const std::vector<u8>&a_before = bare.memory_at_start(), &b_before = guest.memory_at_start();
    const Range hidden = guest.hidden();
    for (u64 at = 0; at < a.size(); ++at) {
        if (a[at] == b[at] || hidden.contains(at) || timed.contains(at) || is_firmware_data(at, a.size())) continue;
        if (a[at] == a_before[at] && b[at] == b_before[at]) continue;
        if (difference.count++ == 0) difference.first = at;
    }
    return difference;
}

Range timed_range(const Guest& guest) {
    if (guest.timed == nullptr) return {};
    const std::optional<ElfFile::Symbol> end = ElfFile(image_path(guest.image)).symbol(guest.timed);
    if (!end) throw std::runtime_error(fmt::format("{} has no {}", guest.image, guest.timed));
    return {end->address - timed_bytes, end->address};
}

std::string around(std::span<const u8> memory, u64 at) {
    std::string text;
    for (u64 n = at & ~u64{15}; n < (at & ~u64{15}) + 16 && n < memory.size(); ++n)
        text += fmt::format("{}{:02X}", n == at ? '>' : ' ', memory[n]);
    return text;
}

// The first line that is not the same, of both.
std::string line_difference(const std::string& bare, const std::string& guest) {
    size_t line_begin = 0;
    for (size_t at = 0; at < bare.size() && at < guest.size() && bare[at] == guest[at]; ++at)
        if (bare[at] == '\n') line_begin = at + 1;
    const auto line = [&](const std::string& text) {
        return text.substr(std::min(line_begin, text.size()), text.find('\n', line_begin) - line_begin);
    };
    return fmt::format("bare:  {}\nguest: {}", line(bare), line(guest));
}

class EquivalenceTest : public ::testing::TestWithParam<Guest> {};

TEST_P(EquivalenceTest, SameUnderEveryPolicy) {
    BenchSetup setup{.guest = image_path(GetParam().image), .vmm_options = {}};
    Bench bare(setup);
    const End bare_end = bare.run();
    ASSERT_EQ(bare_end.reason, EndReason::DebugExit) << words(bare_end) << "\n" << bare.serial();
    ASSERT_FALSE(bare.serial().empty());
    const Range timed = timed_range(GetParam());
    for (const char* const policy : policies) {
        if (GetParam().direct == Direct::Differs && std::string_view(policy).starts_with("if=direct")) continue;
        SCOPED_TRACE(policy);
        setup.vmm_options = policy;
        Bench guest(setup);
        const End end = guest.run();
        EXPECT_EQ(words(end), words(bare_end)) << guest.console();
        EXPECT_NE(guest.hidden().size(), 0u) << guest.console();
        EXPECT_TRUE(guest.serial() == bare.serial()) << line_difference(bare.serial(), guest.serial());
        const Difference difference = compare(bare, guest, timed);
        EXPECT_EQ(difference.count, 0u) << fmt::format(
            "bytes of memory differ, the first at {:08X}\nbare:  {}\nguest: {}", difference.first,
            around(bare.memory(), difference.first), around(guest.memory(), difference.first));
    }
}

INSTANTIATE_TEST_SUITE_P(Guests, EquivalenceTest, ::testing::ValuesIn(guests),
                         [](const auto& guest) { return std::string(guest.param.name); });

} // namespace
} // namespace truering::vmm_tests
