#include "machine/media/open_medium.hpp"

#include "devices/floppy_format.hpp"
#include "machine/media/geometry.hpp"
#include "machine/media/qcow2_image.hpp"
#include "machine/media/raw_cd.hpp"
#include "machine/media/raw_file.hpp"
#include "machine/media/snapshot.hpp"

#include <array>
#include <filesystem>
#include <fmt/core.h>

namespace truering {

namespace {

using Cause = MediaError::Cause;
namespace fs = std::filesystem;

constexpr u64 sectors_of_1440k = 2880;
constexpr unsigned most_backing_files = 16;

FileAccess access_for(MediumMode mode) {
    return mode == MediumMode::ReadWrite ? FileAccess::ReadWriteOrReadOnly : FileAccess::ReadOnly;
}

// An image smaller than a floppy disk, of no floppy's size and without partitions, is a boot sector with something
// behind it: the start of a 1.44 MB disk.
bool is_short_floppy(const HostFile& file) {
    std::array<u8, 512> first{};
    const u64 size = file.size();
    if (size == 0 || size >= sectors_of_1440k * 512 || file.read(0, first) != 0) return false;
    return !has_partitions(first, size / 512);
}

OpenedMedium open_raw(HostFile file, const ImageInfo& image, const MediumOptions& options,
                      const MessageSink& messages) {
    OpenedMedium opened;
    const bool short_floppy = image.kind == MediumKind::HardDisk && is_short_floppy(file);
    opened.kind = options.kind.value_or(short_floppy ? MediumKind::Floppy : image.kind);
    opened.bootable = image.bootable;
    if (options.mode == MediumMode::ReadWrite && !file.writable() && opened.kind != MediumKind::CdRom && messages)
        messages(file.path() + ": may not be written; opened write-protected");
    RawOptions raw;
    raw.guard = options.format ? HeaderGuard::Off : HeaderGuard::On;
    raw.write_protected = options.mode != MediumMode::ReadWrite || opened.kind == MediumKind::CdRom;
    const u64 size = file.size();
    if (opened.kind == MediumKind::Floppy && size != 0 && size < sectors_of_1440k * 512 &&
        find_floppy_format((size + 511) / 512) == nullptr)
        raw.minimum_sectors = sectors_of_1440k;
    opened.medium = std::make_unique<RawFile>(std::move(file), raw, messages);
    if (opened.kind == MediumKind::CdRom && image.cd_sector_size != cd_block_size)
        opened.medium = std::make_unique<RawCd>(std::move(opened.medium), size, image.cd_data_offset);
    return opened;
}

// What is in an image of another format: by size, by the volume descriptor of a CD, by the boot sector.
void describe(OpenedMedium& opened) {
    constexpr u64 volume_descriptor = u64{16} * sectors_per_cd_block;
    BlockMedium& medium = *opened.medium;
    std::array<u8, 512> sector{};
    if (find_floppy_format(medium.sectors()) != nullptr) {
        opened.kind = MediumKind::Floppy;
    } else if (medium.read(volume_descriptor, sector) == MediumStatus::Ok &&
               std::equal(sector.begin() + 1, sector.begin() + 6, "CD001")) {
        opened.kind = MediumKind::CdRom;
    }
    if (medium.read(0, sector) == MediumStatus::Ok) opened.bootable = sector[510] == 0x55 && sector[511] == 0xAA;
}

OpenedMedium open_image(const std::string& path, const MediumOptions& options, const MessageSink& messages,
                        unsigned depth);

std::unique_ptr<BlockMedium> open_backing(const std::string& image, const Qcow2Header& header,
                                          const MessageSink& messages, unsigned depth) {
    if (header.backing_file.empty()) return nullptr;
    if (depth >= most_backing_files)
        throw MediaError(Cause::Damaged, image, "has a chain of backing files without an end", "");
    MediumOptions options;
    options.mode = MediumMode::ReadOnly;
    if (header.backing_format == "raw") options.format = ImageFormat::Raw;
    if (header.backing_format == "qcow2") options.format = ImageFormat::Qcow2;
    options.kind = MediumKind::HardDisk; // no padding: the sizes are the header's
    const std::string path = (fs::path(image).parent_path() / header.backing_file).string();
    return open_image(path, options, messages, depth + 1).medium;
}

OpenedMedium open_qcow2(HostFile file, const MediumOptions& options, const MessageSink& messages, unsigned depth) {
    OpenedMedium opened;
    opened.format = ImageFormat::Qcow2;
    const Qcow2Header header = Qcow2Header::read(file);
    std::unique_ptr<BlockMedium> backing = open_backing(file.path(), header, messages, depth);
    opened.medium = std::make_unique<Qcow2Image>(std::move(file), header, std::move(backing), messages);
    describe(opened);
    if (options.kind) opened.kind = *options.kind;
    return opened;
}

OpenedMedium open_image(const std::string& path, const MediumOptions& options, const MessageSink& messages,
                        unsigned depth) {
    HostFile file = HostFile::open(path, access_for(options.mode));
    if (file.size() == 0) throw MediaError(Cause::Empty, path, "is empty", "give it a size, e.g. truncate -s 100M");
    const ImageInfo image = detect_image(file);
    const ImageFormat format = options.format.value_or(image.format);
    if (format == ImageFormat::Qcow2) return open_qcow2(std::move(file), options, messages, depth);
    if (format != ImageFormat::Raw)
        throw MediaError(Cause::Unsupported, path, fmt::format("is a {} image", name_of(format)),
                         "convert it to a raw or qcow2 image first");
    return open_raw(std::move(file), image, options, messages);
}

void create_overlay(const std::string& path, const OpenedMedium& base, const std::string& base_path) {
    HostFile file = HostFile::create(path);
    Qcow2Header::create(file, base.medium->sectors() * BlockMedium::sector_size, fs::absolute(base_path).string(),
                        std::string(name_of(base.format)));
}

// The overlay must have been made for this image, or the guest would see a mixture of two disks.
OpenedMedium open_overlay(const std::string& path, const OpenedMedium& base, const std::string& base_path,
                          const MessageSink& messages) {
    HostFile file = HostFile::open(path, FileAccess::ReadWrite);
    if (detect_image(file).format != ImageFormat::Qcow2)
        throw MediaError(Cause::NotAMedium, path, "is not an overlay (a qcow2 image)", "name another file");
    const Qcow2Header header = Qcow2Header::read(file);
    std::error_code error;
    if (!fs::equivalent(fs::path(path).parent_path() / header.backing_file, base_path, error) || error)
        throw MediaError(Cause::NotAMedium, path, "is an overlay for another image, '" + header.backing_file + "'",
                         "name that image or another overlay");
    if (header.size != base.medium->sectors() * BlockMedium::sector_size)
        throw MediaError(Cause::Damaged, path, "has another size than " + base_path, "the image below has changed");
    if (fs::last_write_time(base_path, error) > fs::last_write_time(path, error) && messages)
        messages(base_path + ": was changed after its overlay " + path + " was written; the guest may see a mixture");
    MediumOptions options;
    options.kind = base.kind;
    return open_qcow2(std::move(file), options, messages, 0);
}

} // namespace

OpenedMedium open_medium(const std::string& path, const MediumOptions& options, const MessageSink& messages) {
    OpenedMedium opened = open_image(path, options, messages, 0);
    const bool plain = options.mode == MediumMode::ReadWrite || options.mode == MediumMode::ReadOnly;
    if (!plain && opened.kind != MediumKind::CdRom) {
        if (options.mode == MediumMode::Snapshot) {
            opened.medium = std::make_unique<Snapshot>(std::move(opened.medium), messages);
        } else {
            if (options.overlay.empty()) throw MediaError(Cause::Missing, path, "its overlay has no name", "");
            if (!fs::exists(options.overlay)) create_overlay(options.overlay, opened, path);
            opened.medium = open_overlay(options.overlay, opened, path, messages).medium;
        }
    }
    if (opened.kind == MediumKind::HardDisk) opened.geometry = guess_geometry(*opened.medium);
    return opened;
}

} // namespace truering
