#include "machine/media/detect.hpp"

#include "devices/floppy_format.hpp"
#include "machine/media/host_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace truering {

namespace {

struct Magic {
    size_t offset;
    std::string_view text;
    ImageFormat format;
};

using namespace std::string_view_literals;

constexpr std::array magics{
    Magic{0, "QFI\xFB"sv, ImageFormat::Qcow2},
    Magic{0, "conectix"sv, ImageFormat::Vhd}, // the copy of the footer in front of a dynamic image
    Magic{0, "vhdxfile"sv, ImageFormat::Vhdx},
    Magic{0, "KDMV"sv, ImageFormat::Vmdk},
    Magic{0, "COWD"sv, ImageFormat::Vmdk},
    Magic{0, "# Disk DescriptorFile"sv, ImageFormat::Vmdk},
    Magic{0x40, "\x7F\x10\xDA\xBE"sv, ImageFormat::Vdi},
    Magic{0, "<<< "sv, ImageFormat::Vdi}, // its text comes before the magic: refuse the first half as well
    Magic{0, "WithoutFreeSpace"sv, ImageFormat::Parallels},
    Magic{0, "WithouFreSpacExt"sv, ImageFormat::Parallels},
    Magic{0, "Bochs Virtual HD Image"sv, ImageFormat::Bochs},
    Magic{0, "OOOM"sv, ImageFormat::Cow},
};

bool has_text(std::span<const u8> bytes, size_t offset, std::string_view text) {
    return offset + text.size() <= bytes.size() && std::memcmp(bytes.data() + offset, text.data(), text.size()) == 0;
}

template <size_t n> std::array<u8, n> read_at(const HostFile& file, u64 offset) {
    std::array<u8, n> bytes{};
    if (const int error = file.read(offset, bytes); error != 0)
        throw MediaError(MediaError::Cause::Host, file.path(), "cannot be read: " + error_text(error), "");
    return bytes;
}

constexpr u64 volume_descriptor_block = 16;

bool is_volume_descriptor(const HostFile& file, u64 offset) { return has_text(read_at<8>(file, offset), 1, "CD001"sv); }

// The boot record is the second volume descriptor of a disc that has one.
bool has_el_torito(const HostFile& file, const ImageInfo& info) {
    const u64 offset = (volume_descriptor_block + 1) * info.cd_sector_size + info.cd_data_offset;
    const auto record = read_at<64>(file, offset);
    return record[0] == 0 && has_text(record, 1, "CD001"sv) && has_text(record, 7, "EL TORITO SPECIFICATION"sv);
}

bool detect_cd(const HostFile& file, ImageInfo& info) {
    struct Layout {
        u32 sector_size;
        u32 data_offset; // behind sync and header; mode 2 has a subheader as well
    };
    for (const Layout& layout : {Layout{2048, 0}, Layout{2352, 16}, Layout{2352, 24}}) {
        const u64 offset = volume_descriptor_block * layout.sector_size + layout.data_offset;
        if (!is_volume_descriptor(file, offset)) continue;
        info.kind = MediumKind::CdRom;
        info.cd_sector_size = layout.sector_size;
        info.cd_data_offset = layout.data_offset;
        info.bootable = has_el_torito(file, info);
        return true;
    }
    return false;
}

} // namespace

ImageFormat format_of_header(std::span<const u8> first_bytes) {
    for (const Magic& magic : magics)
        if (has_text(first_bytes, magic.offset, magic.text)) return magic.format;
    return ImageFormat::Raw;
}

// A fixed VHD has its footer at the end alone; it is told apart here and not by the guard, which sees sector 0.
ImageInfo detect_image(const HostFile& file) {
    ImageInfo info;
    const auto first = read_at<512>(file, 0);
    const u64 size = file.size();
    info.bootable = first[510] == 0x55 && first[511] == 0xAA;
    info.format = format_of_header(first);
    if (info.format != ImageFormat::Raw) return info;
    if (find_floppy_format(size / 512) != nullptr && size % 512 == 0) {
        info.kind = MediumKind::Floppy;
        return info;
    }
    if (size > 512 && has_text(read_at<8>(file, size - 512), 0, "conectix"sv)) info.format = ImageFormat::Vhd;
    if (detect_cd(file, info)) return info;
    return info;
}

std::string_view name_of(ImageFormat format) {
    switch (format) {
    case ImageFormat::Raw: return "raw";
    case ImageFormat::Qcow2: return "qcow2";
    case ImageFormat::Vhd: return "VHD";
    case ImageFormat::Vhdx: return "VHDX";
    case ImageFormat::Vmdk: return "VMDK";
    case ImageFormat::Vdi: return "VDI";
    case ImageFormat::Parallels: return "Parallels";
    case ImageFormat::Bochs: return "Bochs";
    case ImageFormat::Cow: return "COW";
    }
    return "unknown";
}

std::string_view name_of(MediumKind kind) {
    switch (kind) {
    case MediumKind::Floppy: return "floppy disk";
    case MediumKind::HardDisk: return "hard disk";
    case MediumKind::CdRom: return "CD-ROM";
    }
    return "unknown";
}

} // namespace truering
