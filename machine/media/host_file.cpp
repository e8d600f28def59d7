#include "machine/media/host_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace truering {

namespace {

using Cause = MediaError::Cause;

[[noreturn]] void throw_open_error(const std::string& path, int error_number, FileAccess access) {
    switch (error_number) {
    case ENOENT:
    case ENOTDIR: throw MediaError(Cause::Missing, path, "no such file", "check the name");
    case EISDIR: throw MediaError(Cause::Directory, path, "is a directory", "name an image file");
    case EACCES:
    case EPERM:
    case EROFS:
        throw MediaError(Cause::NoPermission, path,
                         access == FileAccess::ReadOnly ? "may not be read" : "may not be written",
                         "change its permissions or open it read-only");
    case EEXIST: throw MediaError(Cause::Exists, path, "exists already", "remove it or choose another name");
    default: throw MediaError(Cause::Host, path, "cannot be opened: " + error_text(error_number), "");
    }
}

int open_descriptor(const std::string& path, int flags) {
    int descriptor = -1;
    do descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

bool is_refusal(int error_number) { return error_number == EACCES || error_number == EROFS || error_number == EPERM; }

} // namespace

std::string error_text(int error_number) { return std::generic_category().message(error_number); }

HostFile HostFile::open_device(const std::string& path, FileAccess access) {
    bool writable = access != FileAccess::ReadOnly;
    int descriptor = open_descriptor(path, writable ? O_RDWR : O_RDONLY);
    if (descriptor < 0 && access == FileAccess::ReadWriteOrReadOnly && is_refusal(errno)) {
        writable = false;
        descriptor = open_descriptor(path, O_RDONLY);
    }
    if (descriptor < 0) throw_open_error(path, errno, writable ? access : FileAccess::ReadOnly);
    return {descriptor, path, writable};
}

// The kind is asked before the file is opened: opening a FIFO or a terminal could wait for ever.
HostFile HostFile::open(const std::string& path, FileAccess access) {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) throw_open_error(path, errno, access);
    if (S_ISDIR(about.st_mode)) throw_open_error(path, EISDIR, access);
    if (!S_ISREG(about.st_mode) && !S_ISBLK(about.st_mode))
        throw MediaError(Cause::NotAMedium, path, "is neither a regular file nor a block device", "name an image file");
    return open_device(path, access);
}

// File systems without locks offer no such protection.
void HostFile::lock_for_writing() {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    throw MediaError(Cause::InUse, path_, "is being written by another machine",
                     "end that one, or forget or divert what this one writes (snapshot or overlay)");
}

HostFile HostFile::create(const std::string& path) {
    const int descriptor = open_descriptor(path, O_RDWR | O_CREAT | O_EXCL);
    if (descriptor < 0) throw_open_error(path, errno, FileAccess::ReadWrite);
    return {descriptor, path, true};
}

HostFile HostFile::temporary() {
    const char* directory = std::getenv("TMPDIR");
    std::string name = std::string(directory != nullptr && *directory != 0 ? directory : "/tmp") + "/truering-XXXXXX";
    const int descriptor = ::mkstemp(name.data());
    if (descriptor < 0) throw_open_error(name, errno, FileAccess::ReadWrite);
    ::unlink(name.c_str());
    return {descriptor, "temporary file", true};
}

HostFile::HostFile(HostFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)), writable_(other.writable_) {}

HostFile& HostFile::operator=(HostFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(path_, other.path_);
    std::swap(writable_, other.writable_);
    return *this;
}

HostFile::~HostFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

// By seeking and not by fstat, which knows nothing of the size of a block device.
u64 HostFile::size() const {
    const off_t end = ::lseek(descriptor_, 0, SEEK_END);
    if (end < 0) throw MediaError(Cause::Host, path_, "its size cannot be told: " + error_text(errno), "");
    return static_cast<u64>(end);
}

int HostFile::read(u64 offset, std::span<u8> to) const {
    while (!to.empty()) {
        const ssize_t count = ::pread(descriptor_, to.data(), to.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno;
        if (count == 0) {
            std::fill(to.begin(), to.end(), u8{0});
            return 0;
        }
        to = to.subspan(static_cast<size_t>(count));
        offset += static_cast<u64>(count);
    }
    return 0;
}

int HostFile::write(u64 offset, std::span<const u8> from) {
    if (!writable_) return EROFS;
    while (!from.empty()) {
        const ssize_t count = ::pwrite(descriptor_, from.data(), from.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno;
        if (count == 0) return ENOSPC;
        from = from.subspan(static_cast<size_t>(count));
        offset += static_cast<u64>(count);
    }
    return 0;
}

// A file on a pipe-like device cannot be synchronised and need not be.
int HostFile::flush() {
    if (!writable_ || ::fdatasync(descriptor_) == 0 || errno == EINVAL || errno == EROFS) return 0;
    return errno;
}

int HostFile::resize(u64 bytes) { return ::ftruncate(descriptor_, static_cast<off_t>(bytes)) == 0 ? 0 : errno; }

} // namespace truering
