// A folder for files that nobody needs afterwards.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>

namespace truering {

class ScratchError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class ScratchFolder {
  public:
    ScratchFolder() {
        std::error_code error;
        const std::filesystem::path place = std::filesystem::temp_directory_path(error);
        std::string pattern = (place / "truering-XXXXXX").string();
        if (error || ::mkdtemp(pattern.data()) == nullptr)
            throw ScratchError("no folder can be made for temporary files; see TMPDIR");
        path_ = pattern;
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

    [[nodiscard]] std::string put(const std::string& name, std::span<const unsigned char> content) const {
        return put_disk(name, content, content.size());
    }

    // A raw disk image of `size` bytes that begins with `content`.
    [[nodiscard]] std::string put_disk(const std::string& name, std::span<const unsigned char> content,
                                       std::uintmax_t size) const {
        const std::string path = file(name);
        std::ofstream out(path, std::ios::binary);
        out.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
        out.close();
        std::error_code error;
        std::filesystem::resize_file(path, size, error);
        if (!out || error) throw ScratchError(path + ": cannot be written");
        return path;
    }

  private:
    std::filesystem::path path_;
};

} // namespace truering
