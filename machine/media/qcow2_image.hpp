// A medium in a qcow2 image: clusters that are there, compressed, zero, or still in the backing file.
//
// Idea: a two-level table (L1 in memory, L2 tables cached) says for each cluster where it is. The first write to a
// cluster that this file does not own alone copies it to a new one at the end of the file. New things are written
// before what points to them (data, refcount, L2 entry, L1 entry), and entries go to the file at once: a crash leaves
// at worst clusters that nobody uses.
//
// It serves as the project's overlay format, so that other tools can commit, rebase and check such files. Space freed
// by copying is counted as free but not reused here.
//
// Source: docs/interop/qcow2.txt of QEMU.
#pragma once

#include "devices/block_medium.hpp"
#include "machine/media/qcow2_header.hpp"

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace truering {

class Qcow2Image final : public BlockMedium {
  public:
    // `backing` is the medium of the header's backing file, or null. Throws MediaError.
    Qcow2Image(HostFile file, const Qcow2Header& header, std::unique_ptr<BlockMedium> backing, MessageSink messages);

    [[nodiscard]] u64 sectors() const override { return header_.size / sector_size; }
    [[nodiscard]] bool writable() const override { return writable_; }
    MediumStatus read(u64 lba, std::span<u8> to) override;
    MediumStatus write(u64 lba, std::span<const u8> from) override;
    MediumStatus flush() override;

  private:
    // Where a cluster's bytes are.
    struct Place {
        enum class Kind : u8 { Backing, Zero, Data, Compressed } kind = Kind::Backing;
        u64 offset = 0;   // in the file
        u64 length = 0;   // of compressed bytes
        bool own = false; // may be written in place
    };

    // All functions that touch the file return an errno, 0 for success.
    [[nodiscard]] int read_part(u64 offset, std::span<u8> to);
    [[nodiscard]] int write_part(u64 offset, std::span<const u8> from);
    [[nodiscard]] int read_backing(u64 offset, std::span<u8> to);
    [[nodiscard]] int read_compressed(const Place& place);
    [[nodiscard]] int find(u64 cluster, Place& place);
    [[nodiscard]] Place place_of(u64 entry) const;
    [[nodiscard]] int load_l2(u64 offset, std::vector<u64>*& table);
    [[nodiscard]] int own_l2(u64 index, u64& offset);
    [[nodiscard]] int set_l2_entry(u64 cluster, u64 entry);
    [[nodiscard]] int allocate(u64& offset);
    [[nodiscard]] int release(const Place& place);
    [[nodiscard]] int change_refcount(u64 cluster, int change);
    [[nodiscard]] int refcount_block(u64 cluster, u64& offset);
    [[nodiscard]] int write_number(u64 offset, u64 value, size_t bytes);
    [[nodiscard]] int read_table(u64 offset, u64 entries, std::vector<u64>& table) const;
    MediumStatus outcome(const char* action, int error);

    HostFile file_;
    Qcow2Header header_;
    std::unique_ptr<BlockMedium> backing_;
    MessageSink messages_;
    bool writable_;
    std::vector<u64> l1_;
    std::vector<u64> refcount_table_;
    std::unordered_map<u64, std::vector<u64>> l2_cache_; // by offset; as in the file
    u64 next_cluster_ = 0;                               // behind the end of the file
    std::vector<u8> inflated_;                           // the last compressed cluster that was read
    std::optional<u64> inflated_offset_;                 // where it lies in the file
    int last_error_ = 0;
};

} // namespace truering
