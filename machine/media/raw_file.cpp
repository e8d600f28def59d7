#include "machine/media/raw_file.hpp"

#include "machine/media/detect.hpp"

#include <algorithm>
#include <fmt/core.h>

namespace truering {

namespace {

constexpr u64 maximum_sectors = u64{1} << 48;

} // namespace

RawFile::RawFile(HostFile file, const RawOptions& options, MessageSink messages)
    : file_(std::move(file)), messages_(std::move(messages)), writable_(file_.writable() && !options.write_protected),
      guarded_(options.guard == HeaderGuard::On) {
    if (writable_) file_.lock_for_writing();
    const u64 size = file_.size();
    const u64 excess = size % sector_size;
    sectors_ = std::max(size / sector_size + (excess != 0 ? 1 : 0), options.minimum_sectors);
    if (sectors_ == 0)
        throw MediaError(MediaError::Cause::Empty, path(), "is empty", "give it a size, e.g. with truncate -s 100M");
    if (sectors_ > maximum_sectors)
        throw MediaError(MediaError::Cause::TooLarge, path(), "is larger than 128 PiB", "no disk is addressed so far");
    if (excess != 0)
        say(fmt::format("{}: size {} is not a multiple of 512; the last sector is padded with {} zero bytes (was the "
                        "file truncated?)",
                        path(), size, sector_size - excess));
}

MediumStatus RawFile::read(u64 lba, std::span<u8> to) {
    if (!holds(lba, to.size() / sector_size)) return MediumStatus::OutOfRange;
    return outcome("read", lba, file_.read(lba * sector_size, to), last_read_error_);
}

MediumStatus RawFile::write(u64 lba, std::span<const u8> from) {
    if (!writable_) return MediumStatus::WriteProtected;
    if (!holds(lba, from.size() / sector_size)) return MediumStatus::OutOfRange;
    if (lba == 0 && guarded_ && looks_like_container(from)) {
        if (!guard_has_spoken_)
            say(fmt::format("{}: refused the guest's write of a {} header to sector 0, because the image was taken "
                            "for raw by guess; say format=raw to allow it",
                            path(), name_of(format_of_header(from))));
        guard_has_spoken_ = true;
        return MediumStatus::WriteProtected;
    }
    return outcome("write", lba, file_.write(lba * sector_size, from), last_write_error_);
}

MediumStatus RawFile::flush() { return outcome("flush", 0, file_.flush(), last_flush_error_); }

MediumStatus RawFile::outcome(const char* action, u64 lba, int error, int& last_error) {
    if (error != 0 && error != last_error)
        say(fmt::format("{}: cannot {} (sector {}): {}; the guest sees a disk error", path(), action, lba,
                        error_text(error)));
    last_error = error;
    return error == 0 ? MediumStatus::Ok : MediumStatus::HostError;
}

void RawFile::say(const std::string& line) const {
    if (messages_) messages_(line);
}

} // namespace truering
