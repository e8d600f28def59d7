#include "machine/kernel_image.hpp"

#include "machine/linux_boot.hpp"
#include "machine/multiboot.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

namespace truering {

namespace fs = std::filesystem;

std::vector<u8> read_kernel_file(const std::string& path, std::string_view what) {
    constexpr u64 most = u64{1} << 30;
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) throw KernelError(fmt::format("{}: no such {}", path, what));
    if (fs::is_directory(status)) throw KernelError(fmt::format("{}: a folder, not a {}", path, what));
    std::ifstream file(path, std::ios::binary);
    if (!file) throw KernelError(fmt::format("{}: the {} cannot be read", path, what));
    std::vector<u8> bytes;
    constexpr size_t step = 1 << 20;
    while (file && bytes.size() <= most) {
        const size_t before = bytes.size();
        bytes.resize(before + step);
        file.read(reinterpret_cast<char*>(bytes.data() + before), static_cast<std::streamsize>(step));
        bytes.resize(before + static_cast<size_t>(file.gcount()));
    }
    if (bytes.empty()) throw KernelError(fmt::format("{}: the {} is empty", path, what));
    if (bytes.size() > most) throw KernelError(fmt::format("{}: the {} is larger than 1 GiB", path, what));
    return bytes;
}

std::vector<KernelModule> read_kernel_modules(const KernelRequest& request) {
    std::vector<KernelModule> modules;
    for (const std::string& words : request.modules) {
        std::error_code error;
        // The first blank ends the file's name, unless a file of the whole name exists.
        const bool whole = fs::exists(words, error);
        const std::string path = whole ? words : words.substr(0, words.find(' '));
        modules.push_back({words, read_kernel_file(path, "module")});
    }
    return modules;
}

std::unique_ptr<KernelImage> open_kernel(const KernelRequest& request) {
    std::vector<u8> bytes = read_kernel_file(request.file, "kernel");
    if (LinuxKernel::recognises(bytes)) return std::make_unique<LinuxKernel>(request, std::move(bytes));
    if (MultibootKernel::recognises(bytes)) return std::make_unique<MultibootKernel>(request, std::move(bytes));
    const bool elf = bytes.size() >= 4 && field_32(bytes, 0) == 0x464C'457F;
    throw KernelError(fmt::format(
        "{}: {}", request.file,
        elf ? "an ELF file, but not a 32-bit x86 executable"
            : "no kernel that can be started: neither a Linux bzImage nor Multiboot nor a 32-bit ELF file"));
}

u16 field_16(std::span<const u8> bytes, size_t at) { return static_cast<u16>(bytes[at] | bytes[at + 1] << 8); }

u32 field_32(std::span<const u8> bytes, size_t at) {
    return field_16(bytes, at) | static_cast<u32>(field_16(bytes, at + 2)) << 16;
}

void set_field_16(std::span<u8> bytes, size_t at, u16 value) {
    bytes[at] = static_cast<u8>(value);
    bytes[at + 1] = static_cast<u8>(value >> 8);
}

void set_field_32(std::span<u8> bytes, size_t at, u32 value) {
    set_field_16(bytes, at, static_cast<u16>(value));
    set_field_16(bytes, at + 2, static_cast<u16>(value >> 16));
}

} // namespace truering
