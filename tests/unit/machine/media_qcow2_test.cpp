#include "devices/block_medium.hpp"
#include "machine/media/open_medium.hpp"
#include "machine/media/qcow2_image.hpp"
#include "tests/unit/machine/media_bench.hpp"

#include <array>
#include <map>
#include <zlib.h>

namespace truering {
namespace {

using Cause = MediaError::Cause;
using Status = MediumStatus;

constexpr u64 cluster = 65536;

struct MediaQcow2 : MediaBench {
    OpenedMedium open(const std::string& name, const MediumOptions& options = {}) {
        return open_medium(name, options, sink);
    }
    OpenedMedium overlay(const std::string& base, const std::string& name) {
        MediumOptions options;
        options.mode = MediumMode::Overlay;
        options.overlay = path(name);
        return open(base, options);
    }
    // A base image in which every sector holds its number.
    std::string make_base(const std::string& name, u64 sectors) {
        std::vector<u8> bytes(sectors * 512);
        for (u64 i = 0; i < sectors; ++i)
            for (u64 j = 0; j < 512; j += 2) {
                bytes[i * 512 + j] = static_cast<u8>(i);
                bytes[i * 512 + j + 1] = static_cast<u8>(i >> 8);
            }
        return make(name, bytes);
    }
    static u32 number_in(BlockMedium& medium, u64 lba) {
        std::array<u8, 512> sector{};
        EXPECT_EQ(medium.read(lba, sector), Status::Ok);
        EXPECT_EQ(sector[510], sector[0]);
        return sector[0] | u32{sector[1]} << 8;
    }
    static std::vector<u8> filled(u64 sectors, u8 value) { return std::vector<u8>(sectors * 512, value); }

    // Every cluster of the file must be counted exactly as often as something points to it.
    void check(const std::string& name) {
        const std::vector<u8> image = contents(name);
        auto load = [&](u64 at) { return at + 8 <= image.size() ? load_big_endian(image, at, 8) : 0; };
        std::map<u64, u64> uses;
        const u64 l1 = load(40);
        const u64 l1_entries = load_big_endian(image, 36, 4);
        const u64 refcounts = load(48);
        constexpr u64 mask = 0x00FF'FFFF'FFFF'FE00;
        ++uses[0];
        for (u64 i = 0; i * cluster < l1_entries * 8; ++i) ++uses[l1 / cluster + i];
        ++uses[refcounts / cluster];
        for (u64 i = 0; i < cluster / 8; ++i)
            if (const u64 block = load(refcounts + 8 * i) & mask; block != 0) ++uses[block / cluster];
        for (u64 i = 0; i < l1_entries; ++i) {
            const u64 l2 = load(l1 + 8 * i) & mask;
            if (l2 == 0) continue;
            ++uses[l2 / cluster];
            for (u64 j = 0; j < cluster / 8; ++j)
                if (const u64 data = load(l2 + 8 * j); (data & mask) != 0 && (data >> 62 & 1) == 0)
                    ++uses[(data & mask) / cluster];
        }
        for (u64 i = 0; i < (image.size() + cluster - 1) / cluster; ++i) {
            const u64 block = load(refcounts + i / (cluster / 2) * 8) & mask;
            const u64 count = block != 0 ? load_big_endian(image, block + i % (cluster / 2) * 2, 2) : 0;
            EXPECT_EQ(count, uses[i]) << "cluster " << i;
        }
    }
};

TEST_F(MediaQcow2, OverlayKeepsTheBaseAndSurvivesARestart) {
    const std::string base = make_base("base.img", 5000);
    const std::vector<u8> before = contents("base.img");
    {
        const OpenedMedium opened = overlay(base, "over.qcow2");
        EXPECT_EQ(opened.kind, MediumKind::HardDisk);
        EXPECT_TRUE(opened.medium->writable());
        EXPECT_EQ(opened.medium->sectors(), 5000u);
        EXPECT_EQ(number_in(*opened.medium, 4999), 4999u);
        EXPECT_EQ(opened.medium->write(100, filled(1, 0xAB)), Status::Ok);
        EXPECT_EQ(opened.medium->write(250, filled(300, 0xCD)), Status::Ok); // across clusters
        EXPECT_EQ(opened.medium->write(4999, filled(1, 0xEF)), Status::Ok);
        EXPECT_EQ(opened.medium->write(4999, filled(2, 0xEF)), Status::OutOfRange);
        EXPECT_EQ(opened.medium->flush(), Status::Ok);
    }
    EXPECT_EQ(contents("base.img"), before);
    check("over.qcow2");
    OpenedMedium again = overlay(base, "over.qcow2");
    media_error(Cause::InUse, [&] { overlay(base, "over.qcow2"); });
    for (u64 lba = 0; lba < 5000; ++lba) {
        const u32 expected = lba == 100                ? 0xABABu
                             : lba >= 250 && lba < 550 ? 0xCDCDu
                             : lba == 4999             ? 0xEFEFu
                                                       : static_cast<u32>(lba);
        ASSERT_EQ(number_in(*again.medium, lba), expected) << lba;
    }
    again.medium.reset();
    // By itself, the overlay finds its base; above another overlay it is a base.
    EXPECT_EQ(number_in(*open(path("over.qcow2")).medium, 251), 0xCDCDu);
    const OpenedMedium third = overlay(path("over.qcow2"), "third.qcow2");
    EXPECT_EQ(number_in(*third.medium, 251), 0xCDCDu);
    EXPECT_EQ(number_in(*third.medium, 3), 3u);
    EXPECT_TRUE(messages.empty());
}

TEST_F(MediaQcow2, OverlayBelongsToOneImage) {
    const std::string base = make_base("base.img", 5000);
    const std::string other = make_base("other.img", 5000);
    overlay(base, "over.qcow2");
    media_error(Cause::NotAMedium, [&] { overlay(other, "over.qcow2"); });
    make("foreign", std::vector<u8>(4096));
    media_error(Cause::NotAMedium, [&] { overlay(base, "foreign"); });
    std::filesystem::resize_file(base, 6000 * 512);
    media_error(Cause::Damaged, [&] { overlay(base, "over.qcow2"); });
    std::filesystem::remove(base);
    media_error(Cause::Missing, [&] { open(path("over.qcow2")); });
}

TEST_F(MediaQcow2, ImageWithoutBaseIsZeroUntilWritten) {
    {
        HostFile file = HostFile::create(path("disk.qcow2"));
        Qcow2Header::create(file, u64{3} << 30, "", ""); // more than one L2 table
    }
    {
        const OpenedMedium opened = open(path("disk.qcow2"));
        EXPECT_EQ(opened.format, ImageFormat::Qcow2);
        EXPECT_EQ(number_in(*opened.medium, 6'000'000), 0u);
        EXPECT_EQ(opened.medium->write(6'000'000, filled(8, 0x31)), Status::Ok);
        EXPECT_EQ(opened.medium->write(5, filled(1, 0x32)), Status::Ok);
        EXPECT_EQ(opened.medium->write(5, filled(1, 0x33)), Status::Ok); // in place
    }
    check("disk.qcow2");
    EXPECT_LT(contents("disk.qcow2").size(), 9 * cluster);
    const OpenedMedium again = open(path("disk.qcow2"));
    EXPECT_EQ(number_in(*again.medium, 6'000'007), 0x3131u);
    EXPECT_EQ(number_in(*again.medium, 6'000'008), 0u);
    EXPECT_EQ(number_in(*again.medium, 5), 0x3333u);
}

TEST_F(MediaQcow2, CompressedClustersAreReadAndCopiedOnWrite) {
    {
        HostFile file = HostFile::create(path("disk.qcow2"));
        Qcow2Header::create(file, 16 * cluster, "", "");
    }
    { // makes an L2 table
        const OpenedMedium opened = open(path("disk.qcow2"));
        EXPECT_EQ(opened.medium->write(0, filled(1, 0x01)), Status::Ok);
    }
    std::vector<u8> image = contents("disk.qcow2");
    std::vector<u8> plain(cluster);
    for (size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<u8>(i / 512);
    std::vector<u8> packed(cluster);
    z_stream stream{};
    ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -12, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = plain.data();
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = packed.data();
    stream.avail_out = static_cast<uInt>(packed.size());
    ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    const u64 length = stream.total_out;
    deflateEnd(&stream);
    const u64 at = image.size() + 100; // compressed clusters start anywhere
    image.resize(image.size() + cluster);
    std::copy_n(packed.begin(), length, image.begin() + static_cast<std::ptrdiff_t>(at));
    const u64 l2 = load_big_endian(image, load_big_endian(image, 40, 8), 8) & 0x00FF'FFFF'FFFF'FE00;
    const u64 more_sectors = (at + length - 1) / 512 - at / 512;
    store_big_endian(image, l2 + 3 * 8, 8, u64{1} << 62 | more_sectors << 54 | at);
    make("disk.qcow2", image);
    const OpenedMedium opened = open(path("disk.qcow2"));
    const u64 first = 3 * cluster / 512;
    for (u64 i : {u64{0}, u64{77}, u64{127}}) {
        std::array<u8, 512> sector{};
        EXPECT_EQ(opened.medium->read(first + i, sector), Status::Ok);
        EXPECT_EQ(sector[0], i);
        EXPECT_EQ(sector[511], i);
    }
    EXPECT_EQ(opened.medium->write(first + 1, filled(1, 0x99)), Status::Ok);
    EXPECT_EQ(number_in(*opened.medium, first + 1), 0x9999u);
    EXPECT_EQ(number_in(*opened.medium, first + 2), 0x0202u);
}

TEST_F(MediaQcow2, FailureToWriteReachesGuestAndUserAndLeavesTheImageWhole) {
    HostFile made = HostFile::create(path("disk.qcow2"));
    Qcow2Header::create(made, 64 * cluster, "", "");
    const Qcow2Header header = Qcow2Header::read(made);
    // The same image, but what is written goes nowhere.
    Qcow2Image medium(HostFile::open(path("disk.qcow2"), FileAccess::ReadOnly), header, nullptr, sink);
    EXPECT_EQ(medium.write(0, filled(1, 1)), Status::WriteProtected);
    EXPECT_TRUE(messages.empty());
    Qcow2Header full_header = header;
    full_header.l1_entries = 0;
    full_header.refcount_table_clusters = 1;
    Qcow2Image full(HostFile::open_device("/dev/full", FileAccess::ReadWrite), full_header, nullptr, sink);
    EXPECT_EQ(full.write(0, filled(1, 1)), Status::HostError);
    EXPECT_EQ(full.write(1, filled(1, 1)), Status::HostError);
    EXPECT_EQ(messages.size(), 1u);
    EXPECT_NE(messages[0].find("No space left"), std::string::npos);
}

TEST_F(MediaQcow2, DamagedHeadersAreRefused) {
    {
        HostFile file = HostFile::create(path("good.qcow2"));
        Qcow2Header::create(file, 64 * cluster, "", "");
    }
    const std::vector<u8> good = contents("good.qcow2");
    struct Damage {
        size_t at, bytes;
        u64 value;
        Cause cause;
    };
    for (const Damage& damage :
         {Damage{4, 4, 1, Cause::Unsupported}, Damage{20, 4, 40, Cause::Damaged}, Damage{20, 4, 3, Cause::Damaged},
          Damage{24, 8, ~u64{0}, Cause::Damaged}, Damage{32, 4, 1, Cause::Unsupported},
          Damage{36, 4, 0xFFFF'FFFF, Cause::Damaged}, Damage{40, 8, 123, Cause::Damaged},
          Damage{48, 8, 0, Cause::Damaged}, Damage{56, 4, 0xFFFF'FFFF, Cause::Damaged},
          Damage{72, 8, 0x10, Cause::Unsupported}, Damage{96, 4, 99, Cause::Damaged}}) {
        std::vector<u8> bad = good;
        store_big_endian(bad, damage.at, damage.bytes, damage.value);
        media_error(damage.cause, [&] { open(make("bad.qcow2", bad)); });
    }
    std::vector<u8> dirty = good;
    dirty[79] = 1;
    const OpenedMedium opened = open(make("dirty.qcow2", dirty));
    EXPECT_FALSE(opened.medium->writable());
    EXPECT_EQ(messages.size(), 1u);
}

TEST_F(MediaQcow2, ImageThatIsItsOwnBaseEnds) {
    {
        HostFile file = HostFile::create(path("loop.qcow2"));
        Qcow2Header::create(file, 64 * cluster, "loop.qcow2", "qcow2");
    }
    media_error(Cause::Damaged, [&] { open(path("loop.qcow2")); });
}

TEST_F(MediaQcow2, RandomDamageDoesNoHarm) {
    const std::string base = make_base("base.img", 300);
    {
        const OpenedMedium opened = overlay(base, "over.qcow2");
        EXPECT_EQ(opened.medium->write(17, filled(200, 0x44)), Status::Ok);
    }
    const std::vector<u8> good = contents("over.qcow2");
    u32 seed = 11;
    auto random = [&seed] { return seed = seed * 1664525 + 1013904223, seed >> 8; };
    const u64 places[] = {0, cluster, 2 * cluster, 3 * cluster, 4 * cluster, 5 * cluster};
    for (int round = 0; round < 300; ++round) {
        std::vector<u8> bad = good;
        for (int i = 0; i < 4; ++i) {
            const u64 at = places[random() % std::size(places)] + random() % 64;
            if (at < bad.size()) bad[at] = static_cast<u8>(random());
        }
        make("bad.qcow2", bad);
        try {
            const OpenedMedium opened = open(path("bad.qcow2"));
            std::vector<u8> all(std::min<u64>(opened.medium->sectors(), 300) * 512);
            static_cast<void>(opened.medium->read(0, all));
            static_cast<void>(opened.medium->write(0, std::span(all).first(all.size() / 1024 * 512)));
            static_cast<void>(opened.medium->read(0, all));
        } catch (const MediaError&) {
        }
    }
}

} // namespace
} // namespace truering
