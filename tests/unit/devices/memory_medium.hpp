// A medium in memory for tests of drives: it can be made to fail.
#pragma once

#include "devices/block_medium.hpp"

#include <algorithm>
#include <vector>

namespace truering {

class MemoryMedium final : public BlockMedium {
  public:
    explicit MemoryMedium(u64 sectors) : bytes(sectors * sector_size) {
        for (u64 lba = 0; lba < sectors; ++lba) { // every sector says its number
            bytes[lba * sector_size] = static_cast<u8>(lba);
            bytes[lba * sector_size + 1] = static_cast<u8>(lba >> 8);
            bytes[lba * sector_size + 510] = static_cast<u8>(lba >> 16);
            bytes[lba * sector_size + 511] = 0x5A;
        }
    }

    u64 sectors() const override { return bytes.size() / sector_size; }
    bool writable() const override { return !read_only; }

    MediumStatus read(u64 lba, std::span<u8> to) override {
        const u64 count = to.size() / sector_size;
        if (!holds(lba, count)) return MediumStatus::OutOfRange;
        if (bad_sector >= lba && bad_sector < lba + count) return MediumStatus::HostError;
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(lba * sector_size), to.size(), to.begin());
        return MediumStatus::Ok;
    }

    MediumStatus write(u64 lba, std::span<const u8> from) override {
        const u64 count = from.size() / sector_size;
        if (read_only) return MediumStatus::WriteProtected;
        if (!holds(lba, count)) return MediumStatus::OutOfRange;
        if (bad_sector >= lba && bad_sector < lba + count) return MediumStatus::HostError;
        std::copy(from.begin(), from.end(), bytes.begin() + static_cast<std::ptrdiff_t>(lba * sector_size));
        return MediumStatus::Ok;
    }

    MediumStatus flush() override {
        ++flushes;
        return fail_flush ? MediumStatus::HostError : MediumStatus::Ok;
    }

    std::vector<u8> bytes;
    bool read_only = false;
    bool fail_flush = false;
    u64 bad_sector = ~u64{0};
    int flushes = 0;
};

} // namespace truering
