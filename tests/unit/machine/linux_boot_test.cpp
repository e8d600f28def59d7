#include "tests/unit/machine/kernel_files.hpp"

namespace truering {
namespace {

class LinuxBootTest : public KernelBench {
  protected:
    static constexpr size_t setup_size = 3 * 512; // two setup sectors behind the boot sector
    static constexpr size_t body_size = 4096;

    static std::vector<u8> bz_image(u16 protocol = 0x20F) {
        std::vector<u8> bytes(setup_size + body_size, 0x90);
        std::fill(bytes.begin(), bytes.begin() + setup_size, u8{0});
        bytes[0x1F1] = 2;
        set_field_32(bytes, 0x1F4, body_size / 16);
        set_field_16(bytes, 0x1FE, 0xAA55);
        set_field_32(bytes, 0x202, 0x5372'6448);
        set_field_16(bytes, 0x206, protocol);
        bytes[0x211] = 1;                      // loaded high
        set_field_32(bytes, 0x22C, 0x7F'FFFF); // a ramdisk must end below 8 MiB
        set_field_32(bytes, 0x238, 255);
        set_field_32(bytes, 0x260, 0x20'0000); // init_size
        return bytes;
    }
};

TEST_F(LinuxBootTest, SetupBodyCommandLineAndEntry) {
    const auto kernel = open_kernel({put("bz", bz_image()), "console=ttyS0", {}});
    const KernelEntry entry = kernel->load(memory, map);
    EXPECT_EQ(entry.mode, KernelEntry::Mode::Real);
    EXPECT_EQ(entry.cs, entry.data_segments + 0x20) << "the setup code is one sector into its segment";
    EXPECT_EQ(entry.eip, 0u);
    const u64 setup = u64{entry.data_segments} * 16;
    EXPECT_EQ(memory.read(Physical{setup + 0x202}, 4), 0x5372'6448u);
    EXPECT_NE(memory.read(Physical{setup + 0x210}, 1), 0u) << "type_of_loader";
    EXPECT_EQ(memory.read(Physical{setup + 0x211}, 1), 0x81u) << "CAN_USE_HEAP";
    const u32 line = memory.read(Physical{setup + 0x228}, 4);
    const auto text = read(line, 14);
    EXPECT_EQ(std::string(text.begin(), text.end()), std::string("console=ttyS0\0", 14));
    EXPECT_EQ(read(0x10'0000, 2), (std::vector<u8>{0x90, 0x90}));
}

TEST_F(LinuxBootTest, TheRamdiskGoesHighButNotTooHigh) {
    const std::vector<u8> ramdisk(10'000, 0xAB);
    const auto kernel = open_kernel({put("bz", bz_image()), "", {put("rd", ramdisk)}});
    const KernelEntry entry = kernel->load(memory, map);
    const u64 setup = u64{entry.data_segments} * 16;
    const u32 at = memory.read(Physical{setup + 0x218}, 4);
    EXPECT_EQ(memory.read(Physical{setup + 0x21C}, 4), 10'000u);
    EXPECT_EQ(at % 4096, 0u);
    EXPECT_LE(at + 10'000, 0x80'0000u);
    EXPECT_GE(at, 0x10'0000u + 0x20'0000u) << "behind what the kernel needs to unpack itself";
    EXPECT_EQ(memory.read(Physical{at}, 4), 0xABAB'ABABu);
}

TEST_F(LinuxBootTest, NoRoomForTheRamdisk) {
    const std::vector<u8> ramdisk(7 << 20, 0xAB);
    const auto kernel = open_kernel({put("bz", bz_image()), "", {put("rd", ramdisk)}});
    EXPECT_THROW((void)kernel->load(memory, map), KernelError);
}

TEST_F(LinuxBootTest, BadHeaders) {
    std::vector<u8> truncated = bz_image();
    truncated.resize(setup_size + body_size / 2);
    EXPECT_NE(complaint({put("bz", truncated), "", {}}).find("truncated"), std::string::npos);
    EXPECT_NE(complaint({put("bz", bz_image(0x105)), "", {}}).find("older"), std::string::npos);
    std::vector<u8> low = bz_image();
    low[0x211] = 0;
    EXPECT_NE(complaint({put("bz", low), "", {}}).find("zImage"), std::string::npos);
    EXPECT_NE(complaint({put("bz", bz_image()), std::string(300, 'x'), {}}).find("command line"), std::string::npos);
}

} // namespace
} // namespace truering
