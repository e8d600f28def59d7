#include "machine/media/open_medium.hpp"
#include "machine/media/raw_cd.hpp"
#include "machine/media/raw_file.hpp"
#include "machine/media/snapshot.hpp"
#include "tests/unit/machine/media_bench.hpp"

#include <array>

namespace truering {
namespace {

using Cause = MediaError::Cause;
using Status = MediumStatus;

struct MediaRaw : MediaBench {
    std::array<u8, 512> buffer{};
    const std::vector<u8> ones = std::vector<u8>(512, 0x11);

    std::unique_ptr<RawFile> raw(const std::string& name, const RawOptions& options = {}) {
        return std::make_unique<RawFile>(HostFile::open(name, FileAccess::ReadWriteOrReadOnly), options, sink);
    }
};

TEST_F(MediaRaw, SectorsAreWhereTheyBelong) {
    const auto medium = raw(make_sized("disk", 5 * 512));
    EXPECT_EQ(medium->sectors(), 5u);
    EXPECT_EQ(medium->write(3, ones), Status::Ok);
    EXPECT_EQ(contents("disk")[3 * 512 - 1], 0);
    EXPECT_EQ(contents("disk")[3 * 512], 0x11);
    EXPECT_EQ(contents("disk")[4 * 512 - 1], 0x11);
    EXPECT_EQ(contents("disk")[4 * 512], 0);
    EXPECT_EQ(medium->read(5, buffer), Status::OutOfRange);
    EXPECT_EQ(medium->write(~u64{0}, ones), Status::OutOfRange);
    EXPECT_EQ(contents("disk").size(), 5u * 512);
    EXPECT_TRUE(messages.empty());
}

TEST_F(MediaRaw, OddSizeIsPaddedAndSaid) {
    const auto medium = raw(make("disk", std::vector<u8>(700, 0xEE)));
    EXPECT_EQ(medium->sectors(), 2u);
    EXPECT_EQ(messages.size(), 1u);
    EXPECT_EQ(medium->read(1, buffer), Status::Ok);
    EXPECT_EQ(buffer[187], 0xEE);
    EXPECT_EQ(buffer[188], 0);
    EXPECT_EQ(medium->write(1, ones), Status::Ok);
    EXPECT_EQ(contents("disk").size(), 1024u);
}

TEST_F(MediaRaw, LargeSparseFileHas64BitOffsets) {
    const std::string name = path("large");
    make("large", {});
    std::error_code error;
    std::filesystem::resize_file(name, u64{6} << 30, error);
    if (error) GTEST_SKIP() << "no room for a sparse file";
    const auto medium = raw(name);
    const u64 last = (u64{6} << 30) / 512 - 1;
    EXPECT_EQ(medium->write(last, ones), Status::Ok);
    EXPECT_EQ(medium->read(last, buffer), Status::Ok);
    EXPECT_EQ(buffer[5], 0x11);
    EXPECT_EQ(medium->read(last & 0x7F'FFFF, buffer), Status::Ok);
    EXPECT_EQ(buffer[5], 0);
}

TEST_F(MediaRaw, FullHostDiskIsToldToGuestAndOnceToUser) {
    HostFile full = HostFile::open_device("/dev/full", FileAccess::ReadWrite);
    RawOptions options;
    options.minimum_sectors = 100;
    RawFile medium(std::move(full), options, sink);
    EXPECT_EQ(medium.write(1, ones), Status::HostError);
    EXPECT_EQ(medium.write(2, ones), Status::HostError);
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_NE(messages[0].find("No space left on device"), std::string::npos);
    EXPECT_NE(messages[0].find("/dev/full"), std::string::npos);
    EXPECT_EQ(medium.read(1, buffer), Status::Ok);
}

TEST_F(MediaRaw, ReadOnlyDescriptorAndOptionProtect) {
    const std::string name = make_sized("disk", 1024);
    RawFile medium(HostFile::open(name, FileAccess::ReadOnly), {}, sink);
    EXPECT_FALSE(medium.writable());
    EXPECT_EQ(medium.write(0, ones), Status::WriteProtected);
    RawOptions options;
    options.write_protected = true;
    EXPECT_EQ(raw(name, options)->write(0, ones), Status::WriteProtected);
    EXPECT_EQ(contents("disk"), std::vector<u8>(1024));
}

TEST_F(MediaRaw, FileWithoutWritePermissionOpensProtected) {
    const std::string name = make_sized("disk", 1024 * 1024);
    std::filesystem::permissions(name, std::filesystem::perms::owner_read);
    if (::access(name.c_str(), W_OK) == 0) GTEST_SKIP() << "permissions do not bind this user";
    const OpenedMedium opened = open_medium(name, {}, sink);
    EXPECT_FALSE(opened.medium->writable());
    EXPECT_EQ(messages.size(), 1u);
}

TEST_F(MediaRaw, GuardRefusesForeignHeadersInSectorZeroOnly) {
    for (const std::string_view magic :
         {"QFI\xFB", "conectix", "KDMV", "<<< Oracle VM VirtualBox", "COWD", "vhdxfile"}) {
        messages.clear();
        std::vector<u8> header(512);
        std::copy(magic.begin(), magic.end(), header.begin());
        const std::string name = make_sized("disk", 4096);
        auto guarded = raw(name);
        EXPECT_EQ(guarded->write(0, header), Status::WriteProtected) << magic;
        EXPECT_EQ(guarded->write(0, header), Status::WriteProtected) << magic;
        EXPECT_EQ(messages.size(), 1u) << magic;
        EXPECT_EQ(guarded->write(1, header), Status::Ok);
        EXPECT_EQ(guarded->write(0, ones), Status::Ok);
        guarded.reset();
        RawOptions options;
        options.guard = HeaderGuard::Off;
        EXPECT_EQ(raw(name, options)->write(0, header), Status::Ok);
    }
}

TEST_F(MediaRaw, ErrorsNameCauseAndCure) {
    const std::string missing = media_error(Cause::Missing, [&] { open_medium(path("nothing"), {}, sink); });
    EXPECT_NE(missing.find("nothing: no such file; "), std::string::npos) << missing;
    media_error(Cause::Directory, [&] { open_medium(directory.string(), {}, sink); });
    media_error(Cause::Empty, [&] { open_medium(make("empty", {}), {}, sink); });
    media_error(Cause::NotAMedium, [&] { open_medium("/dev/null", {}, sink); });
    media_error(Cause::Missing, [&] { open_medium(make_sized("file", 512) + "/inside", {}, sink); });
    media_error(Cause::Exists, [&] { HostFile::create(make_sized("file", 512)); });
}

TEST_F(MediaRaw, OneWriterAtATime) {
    const std::string name = make_sized("disk", 4096);
    {
        const auto first = raw(name);
        const std::string error = media_error(Cause::InUse, [&] { raw(name); });
        EXPECT_NE(error.find("another machine"), std::string::npos);
        RawOptions protect;
        protect.write_protected = true;
        EXPECT_FALSE(raw(name, protect)->writable()); // readers may look on
    }
    EXPECT_TRUE(raw(name)->writable());
}

TEST_F(MediaRaw, SnapshotKeepsTheImageAsItWas) {
    std::vector<u8> image(20 * 512 + 512);
    for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<u8>(i / 512);
    const std::string name = make("disk", image);
    Snapshot medium(raw(name), sink);
    EXPECT_EQ(medium.write(3, ones), Status::Ok);  // part of a cluster
    EXPECT_EQ(medium.write(20, ones), Status::Ok); // the last, partial cluster
    EXPECT_EQ(medium.write(21, ones), Status::OutOfRange);
    EXPECT_EQ(medium.write(7, std::vector<u8>(10 * 512, 0x22)), Status::Ok); // across three clusters
    std::vector<u8> all(21 * 512);
    EXPECT_EQ(medium.read(0, all), Status::Ok);
    for (size_t sector = 0; sector < 21; ++sector) {
        const u8 expected = sector == 3 || sector == 20   ? 0x11
                            : sector >= 7 && sector <= 16 ? 0x22
                                                          : static_cast<u8>(sector);
        EXPECT_EQ(all[sector * 512], expected) << sector;
        EXPECT_EQ(all[sector * 512 + 511], expected) << sector;
    }
    EXPECT_EQ(contents("disk"), image);
}

TEST_F(MediaRaw, RawCdShowsTheDataOfItsSectors) {
    std::vector<u8> image(5 * 2352);
    for (size_t block = 0; block < 5; ++block)
        for (size_t i = 0; i < 2048; ++i) image[block * 2352 + 16 + i] = static_cast<u8>(block * 50 + i / 512);
    RawCd medium(raw(make("cd", image)), image.size(), 16);
    EXPECT_EQ(medium.sectors(), 20u);
    std::vector<u8> all(20 * 512);
    EXPECT_EQ(medium.read(0, all), Status::Ok);
    for (size_t sector = 0; sector < 20; ++sector) {
        const u8 expected = static_cast<u8>(sector / 4 * 50 + sector % 4);
        EXPECT_EQ(std::count(all.begin() + static_cast<std::ptrdiff_t>(sector * 512),
                             all.begin() + static_cast<std::ptrdiff_t>(sector * 512 + 512), expected),
                  512);
    }
}

} // namespace
} // namespace truering
