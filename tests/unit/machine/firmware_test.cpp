#include "machine/firmware.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace truering {
namespace {

namespace fs = std::filesystem;

class FirmwareTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "firmware-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
    }
    void TearDown() override { fs::remove_all(folder); }

    fs::path put(const std::string& name, std::vector<u8> start, size_t size) {
        start.resize(size);
        std::ofstream file(folder / name, std::ios::binary);
        file.write(reinterpret_cast<const char*>(start.data()), static_cast<std::streamsize>(size));
        return folder / name;
    }

    fs::path folder;
};

TEST_F(FirmwareTest, TheEnvironmentsFolderComesFirst) {
    put("bios-256k.bin", {1}, 256 * 1024);
    put("vgabios-stdvga.bin", {0x55, 0xAA}, 32 * 1024);
    const FirmwareSearch search((":" + folder.string()).c_str());
    const Firmware firmware = search.load({}, {});
    EXPECT_EQ(firmware.system.path, folder / "bios-256k.bin");
    EXPECT_EQ(firmware.system.bytes.size(), 256u * 1024);
    EXPECT_EQ(firmware.video.path, folder / "vgabios-stdvga.bin");
}

TEST_F(FirmwareTest, ANamedFileWinsAndIsChecked) {
    const fs::path odd = put("odd.bin", {}, 70'000);
    const fs::path video = put("vga.bin", {0x55, 0xAA}, 1024);
    const fs::path no_rom = put("text.bin", {'a', 'b'}, 1024);
    const fs::path good = put("bios.bin", {}, 128 * 1024);
    const FirmwareSearch search(nullptr);
    EXPECT_THROW((void)search.load(odd, video), FirmwareError);
    EXPECT_THROW((void)search.load(good, no_rom), FirmwareError);
    EXPECT_THROW((void)search.load(folder, video), FirmwareError);
    EXPECT_THROW((void)search.load(folder / "absent", video), FirmwareError);
    EXPECT_EQ(search.load(good, video).system.path, good);
}

} // namespace
} // namespace truering
