// A CD image whose sectors hold 2352 bytes (a .bin file), seen as the 2048 bytes of data in each of them.
#pragma once

#include "devices/block_medium.hpp"

#include <memory>

namespace truering {

class RawCd final : public BlockMedium {
  public:
    static constexpr u64 raw_size = 2352;

    // The file's bytes as a medium of 512-byte sectors, and where the data starts in each raw sector (16 or 24).
    RawCd(std::unique_ptr<BlockMedium> bytes, u64 file_size, u32 data_offset)
        : bytes_(std::move(bytes)), blocks_(file_size / raw_size), data_offset_(data_offset) {}

    [[nodiscard]] u64 sectors() const override { return blocks_ * sectors_per_cd_block; }
    [[nodiscard]] bool writable() const override { return false; }
    MediumStatus read(u64 lba, std::span<u8> to) override;
    MediumStatus write(u64, std::span<const u8>) override { return MediumStatus::WriteProtected; }
    MediumStatus flush() override { return MediumStatus::Ok; }

  private:
    MediumStatus read_bytes(u64 offset, std::span<u8> to);

    std::unique_ptr<BlockMedium> bytes_;
    u64 blocks_;
    u32 data_offset_;
};

} // namespace truering
