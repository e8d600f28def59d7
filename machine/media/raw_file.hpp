// A medium whose sectors lie in a host file one after the other.
//
// Idea: sector n is bytes 512n to 512n+511. A file whose size is no multiple of 512, or smaller than the medium should
// be, is padded with zeros in the guest's eyes; it grows only when the guest writes there.
//
// A failure reaches the guest as a MediumStatus and the user as one line; the same failure again says nothing until a
// transfer of that kind has succeeded in between, so that a full disk does not flood the terminal.
//
// The guard: where the format "raw" was a guess, a write that would make sector 0 look like another image format is
// refused (see detect.hpp).
#pragma once

#include "devices/block_medium.hpp"
#include "machine/media/host_file.hpp"

namespace truering {

enum class HeaderGuard : u8 { Off, On };

struct RawOptions {
    u64 minimum_sectors = 0; // pad up to this
    bool write_protected = false;
    HeaderGuard guard = HeaderGuard::On;
};

class RawFile final : public BlockMedium {
  public:
    // Throws MediaError: empty (with no minimum size), or larger than 48-bit LBA can address.
    RawFile(HostFile file, const RawOptions& options, MessageSink messages);

    [[nodiscard]] u64 sectors() const override { return sectors_; }
    [[nodiscard]] bool writable() const override { return writable_; }
    MediumStatus read(u64 lba, std::span<u8> to) override;
    MediumStatus write(u64 lba, std::span<const u8> from) override;
    MediumStatus flush() override;

    [[nodiscard]] const std::string& path() const { return file_.path(); }

  private:
    MediumStatus outcome(const char* action, u64 lba, int error, int& last_error);
    void say(const std::string& line) const;

    HostFile file_;
    MessageSink messages_;
    u64 sectors_ = 0;
    bool writable_;
    bool guarded_;
    bool guard_has_spoken_ = false;
    int last_read_error_ = 0;
    int last_write_error_ = 0;
    int last_flush_error_ = 0;
};

} // namespace truering
