#include "machine/boot_rom.hpp"

#include "decoder/decoder.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace truering {
namespace {

TEST(BootRom, IsAnOptionRomWithABootEntry) {
    const std::vector<u8> rom = make_boot_rom();
    ASSERT_EQ(rom.size(), 512u * rom[2]);
    EXPECT_EQ(rom[0], 0x55);
    EXPECT_EQ(rom[1], 0xAA);
    EXPECT_EQ(std::accumulate(rom.begin(), rom.end(), 0u) & 0xFF, 0u);
    const size_t header = rom[0x1A];
    EXPECT_EQ(std::string(rom.begin() + static_cast<std::ptrdiff_t>(header),
                          rom.begin() + static_cast<std::ptrdiff_t>(header) + 4),
              "$PnP");
    EXPECT_EQ(std::accumulate(rom.begin() + static_cast<std::ptrdiff_t>(header),
                              rom.begin() + static_cast<std::ptrdiff_t>(header) + 32, 0u) &
                  0xFF,
              0u);
    EXPECT_NE(rom[header + 0x1A] | rom[header + 0x1B] << 8, 0) << "boot entry vector";
}

TEST(BootRom, JumpsGoToInstructions) {
    const std::vector<u8> rom = make_boot_rom();
    const FeatureSet features;
    std::vector<size_t> starts, targets;
    size_t at = 0x40;
    while (rom[at] != 0) {
        const Decoded decoded = decode(std::span<const u8>(rom).subspan(at), CodeSize::Bits16, features);
        ASSERT_EQ(decoded.status, DecodeStatus::Complete) << at;
        starts.push_back(at);
        const bool jump = rom[at] == 0xE3 || (rom[at] & 0xF0) == 0x70;
        at += decoded.instruction.length;
        if (jump) targets.push_back(at + static_cast<size_t>(static_cast<i64>(static_cast<i8>(rom[at - 1]))));
    }
    EXPECT_EQ(targets.size(), 5u);
    for (const size_t target : targets)
        EXPECT_NE(std::find(starts.begin(), starts.end(), target), starts.end()) << target;
}

} // namespace
} // namespace truering
