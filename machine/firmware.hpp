// The firmware that the machine starts with: a system BIOS and a video BIOS, found as files when the program runs.
//
// They are SeaBIOS's (the Debian package of that name); none of it is part of this program. The folders that are
// searched, in order: what `$TRUERING_FIRMWARE` names, /usr/share/truering, /usr/share/seabios, /usr/share/qemu.
#pragma once

#include "base/types.hpp"

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace truering {

// The host's files cannot give a firmware; what() says which package would.
class FirmwareError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct FirmwareFile {
    std::filesystem::path path;
    std::vector<u8> bytes;
};

struct Firmware {
    FirmwareFile system;
    FirmwareFile video;
};

class FirmwareSearch {
  public:
    // `environment` is the value of $TRUERING_FIRMWARE, folders separated by colons; may be null.
    explicit FirmwareSearch(const char* environment);

    [[nodiscard]] const std::vector<std::filesystem::path>& folders() const { return folders_; }

    // `system` and `video` are file names that win over the search; empty: search. Throws FirmwareError.
    [[nodiscard]] Firmware load(const std::filesystem::path& system, const std::filesystem::path& video) const;

    // The first file of these names, or an empty path.
    [[nodiscard]] std::filesystem::path find(const std::vector<std::string>& names) const;

    static const std::vector<std::string>& system_names();
    static const std::vector<std::string>& video_names();

  private:
    std::vector<std::filesystem::path> folders_;
};

} // namespace truering
