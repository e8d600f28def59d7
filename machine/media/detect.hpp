// What an image file is, by its content and size: the user never has to say it, and is never guessed into harm.
//
// Idea: formats with a magic number are known by it; an ISO 9660 volume by its descriptor; a floppy by its exact size;
// whatever is left is a raw hard disk. Raw is thus a guess by exclusion, and a guest that could write another format's
// magic into sector 0 would make the next start open the image as that format (and, through a backing file's name,
// read any file of the host). `looks_like_container` is the guard against it.
#pragma once

#include "base/types.hpp"

#include <span>
#include <string_view>

namespace truering {

class HostFile;

enum class ImageFormat : u8 { Raw, Qcow2, Vhd, Vhdx, Vmdk, Vdi, Parallels, Bochs, Cow };
enum class MediumKind : u8 { Floppy, HardDisk, CdRom };

struct ImageInfo {
    ImageFormat format = ImageFormat::Raw;
    MediumKind kind = MediumKind::HardDisk;
    u32 cd_sector_size = 2048; // of a raw CD image: 2048, or 2352 with all that surrounds the data
    u32 cd_data_offset = 0;    // where in such a sector the 2048 bytes of data start
    bool bootable = false;     // 55AAH at the end of sector 0, or an El Torito boot record
};

// Reads a few sectors; throws MediaError if they cannot be read.
ImageInfo detect_image(const HostFile& file);

// The format whose header starts so; Raw for no known one. 64 bytes suffice.
ImageFormat format_of_header(std::span<const u8> first_bytes);

// Would a file that starts with these bytes be taken for something else than a raw image at the next start?
inline bool looks_like_container(std::span<const u8> first_bytes) {
    return format_of_header(first_bytes) != ImageFormat::Raw;
}

// "qcow2", for messages.
std::string_view name_of(ImageFormat format);
std::string_view name_of(MediumKind kind);

} // namespace truering
