// A medium that forgets: the guest writes, and the image below stays as it was.
//
// Idea: what is written goes, in clusters of 4 KiB, to a nameless temporary file that appears with the first write and
// vanishes with this object; a map tells which clusters are there. A write that covers part of a cluster first brings
// the rest of it up from below.
#pragma once

#include "devices/block_medium.hpp"
#include "machine/media/host_file.hpp"

#include <memory>
#include <optional>
#include <unordered_map>

namespace truering {

class Snapshot final : public BlockMedium {
  public:
    explicit Snapshot(std::unique_ptr<BlockMedium> base, MessageSink messages = {})
        : base_(std::move(base)), messages_(std::move(messages)) {}

    [[nodiscard]] u64 sectors() const override { return base_->sectors(); }
    [[nodiscard]] bool writable() const override { return true; }
    MediumStatus read(u64 lba, std::span<u8> to) override;
    MediumStatus write(u64 lba, std::span<const u8> from) override;
    MediumStatus flush() override { return MediumStatus::Ok; } // nothing here survives anyway

    [[nodiscard]] u64 clusters_written() const { return slots_.size(); }

  private:
    static constexpr u64 cluster_sectors = 8;

    MediumStatus write_part(u64 lba, std::span<const u8> from);
    MediumStatus failure(int error);

    std::unique_ptr<BlockMedium> base_;
    MessageSink messages_;
    std::optional<HostFile> file_;
    std::unordered_map<u64, u64> slots_; // cluster of the medium -> cluster of the file
    int last_error_ = 0;
};

} // namespace truering
