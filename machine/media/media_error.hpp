// Why a medium could not be opened, and what the user can do about it.
//
// These are host errors and therefore exceptions: they happen while a machine is put together or a disk is changed,
// never while the guest runs. What fails later reaches the guest as a MediumStatus and the user through a MessageSink.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

namespace truering {

class MediaError final : public std::runtime_error {
  public:
    enum class Cause {
        Missing,
        InUse,
        NoPermission,
        Directory,
        Empty,
        TooLarge,
        NotAMedium,
        Damaged,
        Unsupported,
        Exists,
        Host
    };

    // `what()` is "PATH: PROBLEM; CURE", a line without a full stop.
    MediaError(Cause cause, const std::string& path, const std::string& problem, const std::string& cure)
        : std::runtime_error(path + ": " + problem + (cure.empty() ? "" : "; " + cure)), cause_(cause) {}

    [[nodiscard]] Cause cause() const { return cause_; }

  private:
    Cause cause_;
};

// Receives one line for the user at a time. May be empty: nobody wants to know.
using MessageSink = std::function<void(const std::string&)>;

} // namespace truering
