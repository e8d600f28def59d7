// A file of the host with 64-bit offsets: whole transfers or an errno, and errors at opening that say what to do.
#pragma once

#include "base/types.hpp"
#include "machine/media/media_error.hpp"

#include <span>
#include <string>

namespace truering {

enum class FileAccess : u8 {
    ReadOnly,
    ReadWrite,
    ReadWriteOrReadOnly, // read-only where the host does not allow more
};

class HostFile {
  public:
    // Opens an existing regular file or block device; throws MediaError.
    static HostFile open(const std::string& path, FileAccess access);
    // Makes a file that must not exist yet; throws MediaError.
    static HostFile create(const std::string& path);
    // A file without a name, in the directory for temporary files: gone with the process; throws MediaError.
    static HostFile temporary();
    // Any file, not even a regular one, of which the caller knows what it is; throws MediaError.
    static HostFile open_device(const std::string& path, FileAccess access);

    HostFile(HostFile&& other) noexcept;
    HostFile& operator=(HostFile&& other) noexcept;
    ~HostFile();

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] bool writable() const { return writable_; }
    // Two machines that write to one image destroy it: throws MediaError if another has it locked. Until closed.
    void lock_for_writing();

    [[nodiscard]] u64 size() const; // bytes at present; throws MediaError

    // All bytes or an errno; 0 is success. Bytes behind the end of the file read as zero.
    [[nodiscard]] int read(u64 offset, std::span<u8> to) const;
    [[nodiscard]] int write(u64 offset, std::span<const u8> from);
    [[nodiscard]] int flush();
    [[nodiscard]] int resize(u64 bytes);

  private:
    HostFile(int descriptor, std::string path, bool writable)
        : descriptor_(descriptor), path_(std::move(path)), writable_(writable) {}

    int descriptor_;
    std::string path_;
    bool writable_;
};

// "No space left on device", for messages.
std::string error_text(int error_number);

} // namespace truering
