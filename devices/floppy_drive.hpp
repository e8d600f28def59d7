// A floppy drive: a head over a track, a disk that can be changed, and the sensors that the controller reads.
//
// The head moves by steps; the disk change latch is set when a disk leaves or enters and falls with a step pulse while
// a disk lies in the drive. A 40-track disk in an 80-track drive passes under the head at every other step.
//
// Source: Teac FD-235 and FD-55 series specifications (sensors and latch).
#pragma once

#include "devices/block_medium.hpp"
#include "devices/floppy_format.hpp"

#include <optional>

namespace truering {

class FloppyDrive {
  public:
    explicit FloppyDrive(FloppyDriveType type) : type_(type) {}

    // Puts a disk in; what lay there is taken out. False, and an empty drive, for a medium of no floppy's size.
    // The medium must stay alive until it is ejected.
    bool insert(BlockMedium& medium);
    void eject();

    [[nodiscard]] FloppyDriveType type() const { return type_; }
    [[nodiscard]] bool is_present() const { return type_ != FloppyDriveType::None; }
    [[nodiscard]] bool has_disk() const { return medium_ != nullptr; }
    [[nodiscard]] bool disk_changed() const { return disk_changed_; }
    [[nodiscard]] bool at_track_0() const { return is_present() && position_ == 0; }
    [[nodiscard]] bool write_protected() const { return medium_ == nullptr || !medium_->writable(); }

    // Moves the head by that many steps, inwards (to higher cylinders) or outwards; it stops at both ends.
    void step_in(unsigned steps);
    void step_out(unsigned steps);

    // The track under the head, as its ID fields call it; nothing without a disk or beyond its last track.
    [[nodiscard]] std::optional<u8> track() const;
    // Null without a disk.
    [[nodiscard]] const FloppyFormat* format() const { return format_; }
    // The rate at which the bits of the disk pass the head of this drive. Meaningful with a disk.
    [[nodiscard]] FloppyRate rate() const;

    // One sector of the present track, which exists; `sector` counts from 1.
    MediumStatus read(u8 head, u8 sector, std::span<u8> to);
    MediumStatus write(u8 head, u8 sector, std::span<const u8> from);

  private:
    [[nodiscard]] u64 lba(u8 head, u8 sector) const;
    [[nodiscard]] unsigned last_position() const;

    FloppyDriveType type_;
    BlockMedium* medium_ = nullptr;
    const FloppyFormat* format_ = nullptr;
    unsigned position_ = 0; // steps from track 0
    bool disk_changed_ = true;
};

} // namespace truering
