#include "machine/firmware.hpp"

#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace truering {

namespace fs = std::filesystem;

namespace {

constexpr size_t smallest_system = 64 * 1024;
constexpr size_t largest_system = 4 * 1024 * 1024;
constexpr size_t largest_video = 64 * 1024;

FirmwareFile read_file(const fs::path& path, size_t largest) {
    std::error_code error;
    if (fs::is_directory(path, error)) throw FirmwareError(fmt::format("firmware '{}' is a folder", path.string()));
    std::ifstream file(path, std::ios::binary);
    if (!file) throw FirmwareError(fmt::format("firmware '{}' cannot be read", path.string()));
    FirmwareFile result{path, std::vector<u8>(largest + 1)};
    file.read(reinterpret_cast<char*>(result.bytes.data()), static_cast<std::streamsize>(largest + 1));
    result.bytes.resize(static_cast<size_t>(file.gcount()));
    if (result.bytes.size() > largest)
        throw FirmwareError(fmt::format("firmware '{}' is larger than {} KiB", path.string(), largest / 1024));
    return result;
}

FirmwareFile system_from(const fs::path& path) {
    FirmwareFile file = read_file(path, largest_system);
    if (file.bytes.size() < smallest_system || file.bytes.size() % smallest_system != 0)
        throw FirmwareError(fmt::format("firmware '{}' has {} bytes; a system BIOS is a multiple of 64 KiB",
                                        path.string(), file.bytes.size()));
    return file;
}

FirmwareFile video_from(const fs::path& path) {
    FirmwareFile file = read_file(path, largest_video);
    if (file.bytes.size() < 512 || file.bytes[0] != 0x55 || file.bytes[1] != 0xAA)
        throw FirmwareError(
            fmt::format("video firmware '{}' is no option ROM (55 AA is missing at its start)", path.string()));
    return file;
}

} // namespace

const std::vector<std::string>& FirmwareSearch::system_names() {
    static const std::vector<std::string> names{"bios-256k.bin", "bios.bin"};
    return names;
}

const std::vector<std::string>& FirmwareSearch::video_names() {
    static const std::vector<std::string> names{"vgabios-stdvga.bin"};
    return names;
}

FirmwareSearch::FirmwareSearch(const char* environment) {
    if (environment != nullptr) {
        std::istringstream folders{std::string(environment)};
        for (std::string folder; std::getline(folders, folder, ':');)
            if (!folder.empty()) folders_.emplace_back(folder);
    }
    for (const char* folder : {"/usr/share/truering", "/usr/share/seabios", "/usr/share/qemu"})
        folders_.emplace_back(folder);
}

fs::path FirmwareSearch::find(const std::vector<std::string>& names) const {
    for (const fs::path& folder : folders_)
        for (const std::string& name : names) {
            std::error_code error;
            if (fs::is_regular_file(folder / name, error)) return folder / name;
        }
    return {};
}

Firmware FirmwareSearch::load(const fs::path& system, const fs::path& video) const {
    const fs::path system_path = system.empty() ? find(system_names()) : system;
    const fs::path video_path = video.empty() ? find(video_names()) : video;
    if (system_path.empty() || video_path.empty()) {
        std::string searched;
        for (const fs::path& folder : folders_) searched += "\n  " + folder.string();
        throw FirmwareError(
            fmt::format("no {} found; install the package 'seabios', or name a file with --{}.\n"
                        "Searched:{}",
                        system_path.empty() ? "system BIOS (bios-256k.bin)" : "video BIOS (vgabios-stdvga.bin)",
                        system_path.empty() ? "bios" : "vga-bios", searched));
    }
    return {system_from(system_path), video_from(video_path)};
}

} // namespace truering
