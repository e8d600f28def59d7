// The header of a qcow2 image, versions 2 and 3, as numbers; and how one is laid out anew.
//
// Every number in the file is big-endian. Nothing that a header says is believed before it was checked: sizes are
// bounded, so that a damaged or hostile image costs an error message and no memory.
//
// Source: the format's public description, docs/interop/qcow2.txt of QEMU.
#pragma once

#include "machine/media/host_file.hpp"

#include <string>
#include <vector>

namespace truering {

struct Qcow2Header {
    static constexpr u64 incompatible_dirty = 1 << 0;
    static constexpr u64 incompatible_corrupt = 1 << 1;

    u32 version = 3;
    unsigned cluster_bits = 16;
    u64 size = 0; // of the medium, in bytes
    u64 l1_offset = 0;
    u32 l1_entries = 0;
    u64 refcount_table_offset = 0;
    u32 refcount_table_clusters = 0;
    unsigned refcount_order = 4;
    u64 incompatible = 0;
    std::string backing_file;   // as written in the header: absolute, or relative to the image; "" for none
    std::string backing_format; // "raw", "qcow2"; "" if not said

    [[nodiscard]] u64 cluster_size() const { return u64{1} << cluster_bits; }
    [[nodiscard]] u64 l2_entries() const { return cluster_size() / 8; }
    [[nodiscard]] u64 bytes_per_l2() const { return cluster_size() * l2_entries(); }
    [[nodiscard]] u64 refcounts_per_block() const { return cluster_size() / 2; } // of 16 bits

    // Throws MediaError for what is damaged or not supported (encryption, external data, zstd).
    static Qcow2Header read(const HostFile& file);

    // Fills a new file with an image of that many bytes, all of which come from the backing file or, without one, are
    // zero. Throws MediaError.
    static void create(HostFile& file, u64 size, const std::string& backing_file, const std::string& backing_format);
};

// Big-endian numbers in a buffer.
u64 load_big_endian(std::span<const u8> bytes, size_t at, size_t count);
void store_big_endian(std::span<u8> bytes, size_t at, size_t count, u64 value);

} // namespace truering
