// Kernels made for the tests, as files that vanish with the bench.
#pragma once

#include "machine/kernel_image.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace truering {

class KernelBench : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "kernel-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    std::string put(const std::string& name, std::span<const u8> bytes) {
        std::ofstream file(folder / name, std::ios::binary);
        file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return (folder / name).string();
    }

    static std::string complaint(const KernelRequest& request) {
        try {
            (void)open_kernel(request);
        } catch (const KernelError& error) {
            return error.what();
        }
        return "none";
    }

    std::vector<u8> read(u64 at, size_t size) {
        std::vector<u8> bytes(size);
        memory.read(Physical{at}, bytes);
        return bytes;
    }

    std::filesystem::path folder;
    std::vector<MemoryRange> map{{0, 0x9'F000, 1}, {0x9'F000, 0x1000, 2}, {0x10'0000, 0xF0'0000, 1}};
    PhysicalMemory memory{16 << 20};
};

} // namespace truering
