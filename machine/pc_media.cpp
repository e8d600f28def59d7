// What is in the drives: images to media, media to the places that were asked for or are free.
#include "machine/pc.hpp"

#include "devices/atapi_cdrom.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace truering {

namespace {

bool is_floppy(const Pc::Drive& drive) { return drive.opened.kind == MediumKind::Floppy; }

// The order in which drives without a wish are placed: disks from the primary master on, CDs from the secondary one.
constexpr unsigned disk_places[] = {0, 1, 2, 3};
constexpr unsigned cd_places[] = {2, 3, 0, 1};

} // namespace

void Pc::open_drives(const PcConfig& config, const MessageSink& messages) {
    // Those with a place of their own first, so that the others go around them.
    for (const bool wished : {true, false})
        for (const DriveRequest& request : config.drives) {
            if (request.index.has_value() != wished) continue;
            MediumOptions options;
            options.mode = request.mode;
            options.overlay = request.overlay;
            options.kind = request.kind;
            options.format = request.format;
            Drive drive{request.file, open_medium(request.file, options, messages), 0};
            place(drive, request);
            drives_.push_back(std::move(drive));
        }
    fdc = std::make_unique<Fdc82078>(clock, floppy_type(0), floppy_type(1));
    for (Drive& drive : drives_) {
        if (is_floppy(drive))
            fdc->drive(drive.index).insert(*drive.opened.medium);
        else
            plug_ide(drive);
    }
}

void Pc::place(Drive& drive, const DriveRequest& request) {
    const auto taken = [&](unsigned index) {
        return std::any_of(drives_.begin(), drives_.end(), [&](const Drive& other) {
            return is_floppy(other) == is_floppy(drive) && other.index == index;
        });
    };
    const auto full = [&](std::string_view why) {
        return MediaError(MediaError::Cause::Unsupported, request.file, std::string(why), "");
    };
    if (request.index) {
        drive.index = *request.index;
        if (is_floppy(drive) && drive.index > 1) throw full("there are two floppy drives, fd0 and fd1");
        if (taken(drive.index)) throw full("another image is in that drive already");
        return;
    }
    if (is_floppy(drive)) {
        drive.index = taken(0) ? 1 : 0;
        if (taken(drive.index)) throw full("both floppy drives are taken");
        return;
    }
    const auto& places = drive.opened.kind == MediumKind::CdRom ? cd_places : disk_places;
    const auto* const place = std::find_if_not(std::begin(places), std::end(places), taken);
    if (place == std::end(places)) throw full("all four IDE drives are taken");
    drive.index = *place;
}

void Pc::plug_ide(Drive& drive) {
    std::unique_ptr<IdeDrive> plugged;
    BlockMedium& medium = *drive.opened.medium;
    if (drive.opened.kind == MediumKind::CdRom) {
        auto cdrom = std::make_unique<AtapiCdrom>(clock);
        cdrom->insert(medium);
        plugged = std::move(cdrom);
    } else {
        AtaNames names;
        const std::string serial = fmt::format("TR{:05}", drive.index + 1);
        names.serial = serial;
        plugged = std::make_unique<AtaDisk>(clock, medium, drive.opened.geometry, names);
    }
    IdeChannel& channel = drive.index < 2 ? ide_primary_channel : ide_secondary_channel;
    channel.attach(drive.index % 2, plugged.get());
    ide_drives_.push_back(std::move(plugged));
}

// Drive A is always there, as in any PC that such guests have seen; drive B with an image.
FloppyDriveType Pc::floppy_type(unsigned number) const {
    for (const Drive& drive : drives_) {
        if (!is_floppy(drive) || drive.index != number) continue;
        const FloppyFormat* format = find_floppy_format(drive.opened.medium->sectors());
        if (format == nullptr || format->drive == FloppyDriveType::Inch3_720K) break;
        return format->drive;
    }
    const bool needed = number == 0 || std::any_of(drives_.begin(), drives_.end(), [&](const Drive& drive) {
                            return is_floppy(drive) && drive.index == number;
                        });
    return needed ? FloppyDriveType::Inch3_1440K : FloppyDriveType::None;
}

} // namespace truering
