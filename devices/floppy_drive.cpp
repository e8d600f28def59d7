#include "devices/floppy_drive.hpp"

#include <algorithm>

namespace truering {

bool FloppyDrive::insert(BlockMedium& medium) {
    eject();
    format_ = find_floppy_format(medium.sectors());
    if (format_ == nullptr) return false;
    medium_ = &medium;
    return true;
}

void FloppyDrive::eject() {
    if (medium_ != nullptr) static_cast<void>(medium_->flush());
    medium_ = nullptr;
    format_ = nullptr;
    disk_changed_ = true;
}

unsigned FloppyDrive::last_position() const {
    constexpr unsigned last_of_40_tracks = 41; // drives can go a little further than their formats
    constexpr unsigned last_of_80_tracks = 83;
    return type_ == FloppyDriveType::Inch5_360K ? last_of_40_tracks : last_of_80_tracks;
}

void FloppyDrive::step_in(unsigned steps) {
    if (!is_present() || steps == 0) return;
    position_ = std::min(position_ + steps, last_position());
    if (has_disk()) disk_changed_ = false;
}

void FloppyDrive::step_out(unsigned steps) {
    if (!is_present() || steps == 0) return;
    position_ -= std::min(position_, steps);
    if (has_disk()) disk_changed_ = false;
}

std::optional<u8> FloppyDrive::track() const {
    if (format_ == nullptr) return std::nullopt;
    const bool every_other = type_ == FloppyDriveType::Inch5_1200K && format_->cylinders == 40;
    const unsigned number = every_other ? position_ / 2 : position_;
    if (number >= format_->cylinders) return std::nullopt;
    return static_cast<u8>(number);
}

// A 1.2 MB drive turns at 360 instead of 300 revolutions a minute, and double-density disks with it.
FloppyRate FloppyDrive::rate() const {
    if (format_ == nullptr) return FloppyRate::Kbps500;
    const bool turns_faster = type_ == FloppyDriveType::Inch5_1200K;
    return turns_faster && format_->rate == FloppyRate::Kbps250 ? FloppyRate::Kbps300 : format_->rate;
}

u64 FloppyDrive::lba(u8 head, u8 sector) const {
    return (u64{track().value_or(0)} * format_->heads + head) * format_->sectors + sector - 1;
}

MediumStatus FloppyDrive::read(u8 head, u8 sector, std::span<u8> to) {
    return medium_ != nullptr ? medium_->read(lba(head, sector), to) : MediumStatus::OutOfRange;
}

MediumStatus FloppyDrive::write(u8 head, u8 sector, std::span<const u8> from) {
    return medium_ != nullptr ? medium_->write(lba(head, sector), from) : MediumStatus::OutOfRange;
}

} // namespace truering
