#include "machine/media/open_medium.hpp"

#include "devices/floppy_format.hpp"
#include "machine/media/geometry.hpp"
#include "machine/media/raw_cd.hpp"
#include "machine/media/raw_file.hpp"
#include "machine/media/snapshot.hpp"

#include <array>
#include <fmt/core.h>

namespace truering {

namespace {

using Cause = MediaError::Cause;

constexpr u64 sectors_of_1440k = 2880;

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

std::unique_ptr<BlockMedium> open_raw(HostFile file, const OpenedMedium& info, const ImageInfo& image,
                                      const MediumOptions& options, const MessageSink& messages) {
    RawOptions raw;
    raw.guard = options.format ? HeaderGuard::Off : HeaderGuard::On;
    raw.write_protected = options.mode == MediumMode::ReadOnly || info.kind == MediumKind::CdRom;
    const u64 size = file.size();
    if (info.kind == MediumKind::Floppy && size != 0 && size < sectors_of_1440k * 512 &&
        find_floppy_format((size + 511) / 512) == nullptr)
        raw.minimum_sectors = sectors_of_1440k;
    auto bytes = std::make_unique<RawFile>(std::move(file), raw, messages);
    if (info.kind != MediumKind::CdRom || image.cd_sector_size == cd_block_size) return bytes;
    return std::make_unique<RawCd>(std::move(bytes), size, image.cd_data_offset);
}

} // namespace

OpenedMedium open_medium(const std::string& path, const MediumOptions& options, const MessageSink& messages) {
    HostFile file = HostFile::open(path, access_for(options.mode));
    if (file.size() == 0) throw MediaError(Cause::Empty, path, "is empty", "give it a size, e.g. truncate -s 100M");
    const ImageInfo image = detect_image(file);
    OpenedMedium opened;
    opened.format = options.format.value_or(image.format);
    opened.bootable = image.bootable;
    const bool short_floppy =
        opened.format == ImageFormat::Raw && image.kind == MediumKind::HardDisk && is_short_floppy(file);
    opened.kind = options.kind.value_or(short_floppy ? MediumKind::Floppy : image.kind);
    if (opened.format != ImageFormat::Raw)
        throw MediaError(Cause::Unsupported, path, fmt::format("is a {} image", name_of(opened.format)),
                         "convert it to a raw image first");
    if (options.mode == MediumMode::ReadWrite && !file.writable() && opened.kind != MediumKind::CdRom && messages)
        messages(path + ": may not be written; opened write-protected");
    opened.medium = open_raw(std::move(file), opened, image, options, messages);
    if (options.mode == MediumMode::Snapshot && opened.kind != MediumKind::CdRom)
        opened.medium = std::make_unique<Snapshot>(std::move(opened.medium), messages);
    if (opened.kind == MediumKind::HardDisk) opened.geometry = guess_geometry(*opened.medium);
    return opened;
}

} // namespace truering
