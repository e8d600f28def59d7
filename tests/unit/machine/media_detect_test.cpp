#include "devices/block_medium.hpp"
#include "machine/media/geometry.hpp"
#include "machine/media/open_medium.hpp"
#include "tests/unit/machine/media_bench.hpp"

#include <cstring>

namespace truering {
namespace {

using Cause = MediaError::Cause;

struct MediaDetect : MediaBench {
    OpenedMedium open(const std::string& name, const MediumOptions& options = {}) {
        return open_medium(name, options, sink);
    }
};

void put(std::vector<u8>& bytes, size_t at, std::string_view text) {
    std::memcpy(&bytes[at], text.data(), text.size());
}

TEST_F(MediaDetect, EveryFloppySizeIsAFloppy) {
    for (u64 kilobytes : {160, 180, 320, 360, 720, 1200, 1440, 1680, 1722, 2880}) {
        const OpenedMedium opened = open(make_sized("floppy", kilobytes * 1024));
        EXPECT_EQ(opened.kind, MediumKind::Floppy) << kilobytes;
        EXPECT_EQ(opened.medium->sectors(), kilobytes * 2);
    }
}

TEST_F(MediaDetect, BootSectorAloneIsAPaddedFloppy) {
    std::vector<u8> sector(512);
    sector[510] = 0x55;
    sector[511] = 0xAA;
    OpenedMedium opened = open(make("boot", sector));
    EXPECT_EQ(opened.kind, MediumKind::Floppy);
    EXPECT_TRUE(opened.bootable);
    EXPECT_EQ(opened.medium->sectors(), 2880u);
    std::array<u8, 512> buffer{1};
    EXPECT_EQ(opened.medium->read(2879, buffer), MediumStatus::Ok);
    EXPECT_EQ(buffer[0], 0);
    opened.medium.reset();
    MediumOptions as_disk;
    as_disk.kind = MediumKind::HardDisk;
    EXPECT_EQ(open(path("boot"), as_disk).medium->sectors(), 1u);
}

TEST_F(MediaDetect, PartitionsMakeAHardDiskOfAnySize) {
    std::vector<u8> image(1000 * 512);
    image[510] = 0x55;
    image[511] = 0xAA;
    image[446 + 4] = 6;
    image[446 + 8] = 17;
    image[446 + 12] = 200;
    EXPECT_EQ(open(make("disk", image)).kind, MediumKind::HardDisk);
}

TEST_F(MediaDetect, Iso9660IsReadOnlyAndElToritoBootable) {
    std::vector<u8> image(20 * 2048);
    put(image, 0x8001, "CD001");
    OpenedMedium opened = open(make("iso", image));
    EXPECT_EQ(opened.kind, MediumKind::CdRom);
    EXPECT_FALSE(opened.bootable);
    EXPECT_FALSE(opened.medium->writable());
    put(image, 17 * 2048 + 1, "CD001");
    put(image, 17 * 2048 + 7, "EL TORITO SPECIFICATION");
    EXPECT_TRUE(open(make("iso", image)).bootable);
}

TEST_F(MediaDetect, RawCdImageIsSeenThroughItsSectors) {
    std::vector<u8> image(20 * 2352);
    put(image, 16 * 2352 + 16 + 1, "CD001");
    const OpenedMedium opened = open(make("bin", image));
    EXPECT_EQ(opened.kind, MediumKind::CdRom);
    EXPECT_EQ(opened.medium->sectors(), 80u);
    std::array<u8, 512> buffer{};
    EXPECT_EQ(opened.medium->read(64, buffer), MediumStatus::Ok);
    EXPECT_EQ(std::memcmp(&buffer[1], "CD001", 5), 0);
}

TEST_F(MediaDetect, OtherFormatsAreNamedAndNotTakenForRaw) {
    std::vector<u8> image(1 << 21);
    put(image, 0, "KDMV");
    const std::string error = media_error(Cause::Unsupported, [&] { open(make("vmdk", image)); });
    EXPECT_NE(error.find("VMDK"), std::string::npos);
    MediumOptions as_raw;
    as_raw.format = ImageFormat::Raw;
    EXPECT_EQ(open(path("vmdk"), as_raw).medium->sectors(), 4096u);
}

TEST_F(MediaDetect, GeometryFollowsThePartitionTable) {
    std::vector<u8> image(615 * 4 * 17 * 512);
    OpenedMedium opened = open(make("disk", image));
    EXPECT_EQ(opened.geometry, (DiskGeometry{41, 16, 63}));
    opened.medium.reset();
    image[510] = 0x55;
    image[511] = 0xAA;
    image[446 + 4] = 4;
    image[446 + 5] = 3;                  // heads 0 to 3
    image[446 + 6] = 17;                 // sector 17
    image[446 + 8] = 17;                 // starts on the second track
    const u32 count = 615 * 4 * 17 - 17; // ends with the last cylinder
    image[446 + 12] = static_cast<u8>(count);
    image[446 + 13] = static_cast<u8>(count >> 8);
    opened = open(make("disk", image));
    EXPECT_EQ(opened.geometry, (DiskGeometry{615, 4, 17}));
}

} // namespace
} // namespace truering
