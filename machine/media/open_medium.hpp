// From the name of an image to a medium that a drive can hold: detection, padding, snapshot and overlay in one call.
#pragma once

#include "devices/ata_disk.hpp"
#include "machine/media/detect.hpp"
#include "machine/media/media_error.hpp"

#include <memory>
#include <optional>
#include <string>

namespace truering {

class BlockMedium;

enum class MediumMode : u8 {
    ReadWrite, // read-only where the host does not allow more
    ReadOnly,
    Snapshot, // writes are forgotten
    Overlay,  // writes go to another file, made when it does not exist
};

struct MediumOptions {
    MediumMode mode = MediumMode::ReadWrite;
    std::string overlay;               // the file for MediumMode::Overlay
    std::optional<MediumKind> kind;    // forced by the user, or detected
    std::optional<ImageFormat> format; // the same; Raw, said explicitly, takes the header guard away
};

struct OpenedMedium {
    std::unique_ptr<BlockMedium> medium;
    MediumKind kind = MediumKind::HardDisk;
    ImageFormat format = ImageFormat::Raw;
    DiskGeometry geometry; // of a hard disk
    bool bootable = false;
};

// Throws MediaError. Warnings, and failures while the guest runs, go to `messages` (also from later calls of the
// medium's functions).
OpenedMedium open_medium(const std::string& path, const MediumOptions& options, const MessageSink& messages);

} // namespace truering
